DROP TRIGGER events_delete_ties ON events;
DROP TRIGGER events_write_ties ON events;
DROP FUNCTION delete_event_ties();
DROP FUNCTION write_event_ties();
DROP TABLE event_ties;
