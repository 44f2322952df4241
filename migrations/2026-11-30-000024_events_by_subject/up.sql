-- Made while others write. If this was broken off, drop the index that is left behind (it is INVALID), and run it again.
CREATE INDEX CONCURRENTLY events_workspace_subject ON events (workspace_id, subject_id, transaction_id, sequence) INCLUDE (type);
