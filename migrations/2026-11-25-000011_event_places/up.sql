-- What an event costs the transaction that writes it: its place is made without reading `event_log` for each row.

DO $$
BEGIN
    EXECUTE format('ALTER TABLE events ALTER COLUMN transaction_id SET DEFAULT (%s + pg_current_xact_id()::text::bigint)',
                   (SELECT base FROM event_log));
END $$;
DROP FUNCTION event_transaction_id();
COMMENT ON COLUMN event_log.base IS 'Added to the IDs of transactions to make their place in the log; the default of events.transaction_id has it as a constant. They start anew in a new cluster: then settle_event_base() raises it, so that what is written comes after what was restored.';

CREATE FUNCTION event_log_is_behind() RETURNS boolean LANGUAGE sql STABLE
    RETURN (SELECT greatest((SELECT max(transaction_id) FROM events), pruned_transaction)
                   >= base + pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM event_log);
COMMENT ON FUNCTION event_log_is_behind() IS 'Whether those who begin to write now would write before what is in the log.';

CREATE FUNCTION settle_event_base() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    raised bigint;
BEGIN
    -- One at a time, and in the order in which old events are deleted; then it waits for those who have written.
    PERFORM FROM event_log FOR UPDATE;
    LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
    IF NOT event_log_is_behind() THEN
        RETURN false;
    END IF;
    -- The oldest transaction that may still write comes right after the newest entry.
    UPDATE event_log SET base = 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        + greatest((SELECT max(transaction_id) FROM events), pruned_transaction)
        RETURNING base INTO raised;
    EXECUTE format('ALTER TABLE events ALTER COLUMN transaction_id SET DEFAULT (%s + pg_current_xact_id()::text::bigint)',
                   raised);
    RETURN true;
END $$;
COMMENT ON FUNCTION settle_event_base() IS 'Raises event_log.base if the log is behind; tells whether it was. Does so as the owner of the table, which a server need not be.';
