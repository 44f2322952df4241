-- Made while others write. If this was broken off, drop the index that is left behind (it is INVALID), and run it again.
CREATE INDEX CONCURRENTLY events_workspace_actor ON events (workspace_id, actor_id, type, transaction_id, sequence) WHERE actor_id IS NOT NULL;
