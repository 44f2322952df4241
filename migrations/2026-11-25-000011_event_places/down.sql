DROP FUNCTION settle_event_base();
DROP FUNCTION event_log_is_behind();
COMMENT ON COLUMN event_log.base IS 'Added to the IDs of transactions to make their place in the log. They start anew in a new cluster: then the base is raised, so that what is written comes after what was restored.';
CREATE FUNCTION event_transaction_id() RETURNS bigint LANGUAGE sql STABLE
    RETURN (SELECT base FROM event_log) + pg_current_xact_id()::text::bigint;
COMMENT ON FUNCTION event_transaction_id() IS 'Place in the log of the present transaction.';
ALTER TABLE events ALTER COLUMN transaction_id SET DEFAULT event_transaction_id();
