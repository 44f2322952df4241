COMMENT ON COLUMN events.sequence IS 'Order within the transaction.';
COMMENT ON COLUMN events.transaction_id IS 'Transaction that wrote it, plus `event_log.base`. Transactions commit out of order: the order of the log is (transaction_id, sequence), and it is read below event_horizon() only.';
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
    EXECUTE format('ALTER TABLE events ALTER COLUMN transaction_id SET DEFAULT (%s + pg_current_xact_id()::text::bigint)',
                   raised);
    RETURN true;
END $$;
DROP FUNCTION set_event_base(bigint);
DO $$
BEGIN
    EXECUTE format('ALTER TABLE events ALTER COLUMN transaction_id SET DEFAULT (%s + pg_current_xact_id()::text::bigint)',
                   (SELECT base FROM event_log));
END $$;
