DROP INDEX events_email;
DROP INDEX events_person;
COMMENT ON COLUMN events.transaction_id IS 'Transaction that wrote it. Transactions commit out of order: the order of the log is (transaction_id, sequence).';
ALTER TABLE events ALTER COLUMN transaction_id SET DEFAULT (pg_current_xact_id()::text::bigint);
DROP FUNCTION event_horizon();
DROP FUNCTION event_transaction_id();
DROP TABLE event_log;
