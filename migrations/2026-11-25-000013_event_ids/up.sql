-- The ID of an event is made of its place and its time: it takes no column, and no index that every change would have to write.
ALTER TABLE events DROP COLUMN id;
COMMENT ON TABLE events IS 'The log: one row for every change, written by its transaction and never altered. It outlives what it tells of, so it has no foreign keys. The ID shown as evt_… is a UUIDv7 made of at, transaction_id and sequence.';
