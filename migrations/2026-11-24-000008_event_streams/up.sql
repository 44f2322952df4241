-- Reading the log as streams: an order that survives a move to another cluster, how far the log was deleted, and indexes.

CREATE TABLE event_log (
    singleton          boolean PRIMARY KEY DEFAULT true CONSTRAINT event_log_singleton CHECK (singleton),
    base               bigint  NOT NULL DEFAULT 0,
    pruned_transaction bigint  NOT NULL DEFAULT 0,
    pruned_sequence    bigint  NOT NULL DEFAULT 0
);
INSERT INTO event_log DEFAULT VALUES;
COMMENT ON TABLE event_log IS 'What holds for the log as a whole: one row.';
COMMENT ON COLUMN event_log.singleton IS 'Always true: keeps the table at one row.';
COMMENT ON COLUMN event_log.base IS 'Added to the IDs of transactions to make their place in the log. They start anew in a new cluster: then the base is raised, so that what is written comes after what was restored.';
COMMENT ON COLUMN event_log.pruned_transaction IS 'Place, with the sequence, of the last event that was deleted for its age: nothing before it is there any more.';
COMMENT ON COLUMN event_log.pruned_sequence IS 'See pruned_transaction.';

CREATE FUNCTION event_transaction_id() RETURNS bigint LANGUAGE sql STABLE
    RETURN (SELECT base FROM event_log) + pg_current_xact_id()::text::bigint;
COMMENT ON FUNCTION event_transaction_id() IS 'Place in the log of the present transaction.';

CREATE FUNCTION event_horizon() RETURNS bigint LANGUAGE sql STABLE
    RETURN (SELECT base FROM event_log) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
COMMENT ON FUNCTION event_horizon() IS 'Place of the oldest transaction that may still write: what lies below will never change.';

ALTER TABLE events ALTER COLUMN transaction_id SET DEFAULT event_transaction_id();
COMMENT ON COLUMN events.transaction_id IS 'Transaction that wrote it, plus `event_log.base`. Transactions commit out of order: the order of the log is (transaction_id, sequence), and it is read below event_horizon() only.';
CREATE INDEX events_person ON events (person_id, transaction_id, sequence) WHERE person_id IS NOT NULL;
CREATE INDEX events_email ON events (email, transaction_id, sequence) WHERE email IS NOT NULL;
