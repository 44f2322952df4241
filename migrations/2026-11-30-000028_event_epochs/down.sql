CREATE OR REPLACE FUNCTION event_log_is_behind() RETURNS boolean LANGUAGE sql STABLE
    RETURN (SELECT greatest((SELECT max(transaction_id) FROM events), pruned_transaction)
                   >= base + pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM event_log);
COMMENT ON FUNCTION event_log_is_behind() IS 'Whether transactions that begin now would write before the last event of the log.';

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
COMMENT ON FUNCTION settle_event_base() IS 'Raises event_log.base if the log is behind, and returns whether it was. Runs with the rights of the table''s owner, which a server need not have.';

ALTER TABLE event_log DROP COLUMN origin;
DROP FUNCTION event_log_origin();
DROP TABLE event_epochs;
