-- The order of the log is the order in which things happened. A transaction may have its ID long before it has the lock that
-- it decides under, so its ID alone would put what it writes before what others did meanwhile.

CREATE FUNCTION set_event_base(base bigint) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    -- The newest transaction that had ended when the event was written, or its own if that is newer. Who waited for another's
    -- commit comes no earlier than that one, and after it by the sequence; none comes before its own transaction, so whatever
    -- is read below the oldest one that may still write is complete.
    EXECUTE format('ALTER TABLE events ALTER COLUMN transaction_id SET DEFAULT (%s + greatest('
                   'pg_current_xact_id()::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1))', base);
END $$;
COMMENT ON FUNCTION set_event_base(bigint) IS 'Makes events take their places from that base on.';

SELECT set_event_base(base) FROM event_log;

CREATE OR REPLACE FUNCTION settle_event_base() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
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
    PERFORM set_event_base(raised);
    RETURN true;
END $$;

COMMENT ON COLUMN events.transaction_id IS 'Transaction that wrote it, or the newest that had ended by then if that is newer, plus `event_log.base`. Transactions commit out of order: the order of the log is (transaction_id, sequence), and it is read below event_horizon() only.';
COMMENT ON COLUMN events.sequence IS 'Order of writing, and so of those that have the same transaction_id.';
