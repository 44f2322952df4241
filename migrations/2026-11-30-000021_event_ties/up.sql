-- Which users an event is tied to, in the order of the log.

CREATE TABLE event_ties (
    workspace_id   uuid   NOT NULL,
    user_id        uuid   NOT NULL,
    type           text   NOT NULL,
    transaction_id bigint NOT NULL,
    sequence       bigint NOT NULL,
    CONSTRAINT event_ties_pkey PRIMARY KEY (workspace_id, user_id, type, transaction_id, sequence)
);
COMMENT ON TABLE event_ties IS 'The users of events.tied_ids, one row each, so that the events of one user are found in the order of the log. Written and deleted with the event.';
COMMENT ON COLUMN event_ties.workspace_id IS 'See events.workspace_id.';
COMMENT ON COLUMN event_ties.user_id IS 'A user of events.tied_ids.';
COMMENT ON COLUMN event_ties.type IS 'See events.type.';
COMMENT ON COLUMN event_ties.transaction_id IS 'See events.transaction_id.';
COMMENT ON COLUMN event_ties.sequence IS 'See events.sequence.';

CREATE FUNCTION write_event_ties() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO event_ties (workspace_id, user_id, type, transaction_id, sequence)
        SELECT DISTINCT NEW.workspace_id, tied, NEW.type, NEW.transaction_id, NEW.sequence FROM unnest(NEW.tied_ids) tied;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION write_event_ties() IS 'Writes the rows of event_ties of a new event.';

CREATE FUNCTION delete_event_ties() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM event_ties t USING deleted d
        WHERE t.workspace_id = d.workspace_id AND t.user_id = ANY (d.tied_ids) AND t.type = d.type
          AND t.transaction_id = d.transaction_id AND t.sequence = d.sequence;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION delete_event_ties() IS 'Deletes the rows of event_ties of deleted events.';

CREATE TRIGGER events_write_ties AFTER INSERT ON events
    FOR EACH ROW WHEN (cardinality(NEW.tied_ids) > 0) EXECUTE FUNCTION write_event_ties();
CREATE TRIGGER events_delete_ties AFTER DELETE ON events
    REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION delete_event_ties();
