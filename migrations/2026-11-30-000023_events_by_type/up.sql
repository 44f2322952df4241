-- Made while others write. If this was broken off, drop the index that is left behind (it is INVALID), and run it again.
CREATE INDEX CONCURRENTLY events_workspace_type ON events (workspace_id, type, transaction_id, sequence);
