-- A cursor from after a backup must not be accepted once the restored log has grown past it: what lies between would be
-- skipped. Cursors name the epoch of their position, and each restore begins a new epoch.
CREATE TABLE event_epochs (
    id bigint CONSTRAINT event_epochs_pkey PRIMARY KEY,
    first_transaction bigint NOT NULL
);
COMMENT ON TABLE event_epochs IS 'Epochs of the event log. A new one begins when the database was restored or promoted: events after the backup are lost, and their positions are used again.';
COMMENT ON COLUMN event_epochs.id IS 'Random, so that two restores of one backup begin different epochs. 0 is the epoch of cursors without one.';
COMMENT ON COLUMN event_epochs.first_transaction IS 'Events of this epoch have this transaction_id or a larger one.';
INSERT INTO event_epochs (id, first_transaction) VALUES (0, 0);

ALTER TABLE event_log ADD COLUMN origin text;
COMMENT ON COLUMN event_log.origin IS 'Cluster, database and timeline in which the log was last written. Another one means that the database was restored or promoted.';

CREATE FUNCTION event_log_origin() RETURNS text LANGUAGE sql STABLE
    RETURN (SELECT system_identifier FROM pg_control_system())::text
        || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())::text
        || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8);
COMMENT ON FUNCTION event_log_origin() IS 'Identifies what a backup does not carry over: the cluster, the database and the timeline.';

UPDATE event_log SET origin = event_log_origin();

CREATE OR REPLACE FUNCTION event_log_is_behind() RETURNS boolean LANGUAGE sql STABLE
    RETURN (SELECT origin IS DISTINCT FROM event_log_origin()
                OR greatest((SELECT max(transaction_id) FROM events), pruned_transaction)
                   >= base + pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM event_log);
COMMENT ON FUNCTION event_log_is_behind() IS 'Whether the database was restored or promoted, or transactions that begin now would write before the last event of the log.';

CREATE OR REPLACE FUNCTION settle_event_base() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    raised bigint;
    newest bigint;
    former text;
BEGIN
    -- One at a time, and in the order in which old events are deleted; then it waits for those who have written.
    SELECT origin INTO former FROM event_log FOR UPDATE;
    LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
    IF NOT event_log_is_behind() THEN
        RETURN false;
    END IF;
    SELECT greatest((SELECT max(transaction_id) FROM events), pruned_transaction) INTO newest FROM event_log;
    IF newest >= (SELECT base FROM event_log) + pg_snapshot_xmax(pg_current_snapshot())::text::bigint THEN
        -- The oldest transaction that may still write comes right after the newest entry.
        UPDATE event_log SET base = 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint + newest
            RETURNING base INTO raised;
        PERFORM set_event_base(raised);
    END IF;
    IF former <> event_log_origin() THEN
        INSERT INTO event_epochs (id, first_transaction)
            VALUES (('x' || left(replace(gen_random_uuid()::text, '-', ''), 12))::bit(48)::bigint, newest + 1);
    END IF;
    UPDATE event_log SET origin = event_log_origin();
    RETURN true;
END $$;
COMMENT ON FUNCTION settle_event_base() IS 'Raises event_log.base if the log is behind, and begins a new epoch if the database was restored or promoted. Returns whether it was necessary. Runs with the rights of the owner of the table.';
