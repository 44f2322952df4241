COMMENT ON TABLE events IS 'The log: one row for every change, written by its transaction and never altered. It outlives what it tells of, so it has no foreign keys.';
ALTER TABLE events ADD COLUMN id uuid CONSTRAINT events_id_key UNIQUE;
UPDATE events SET id = gen_random_uuid();
ALTER TABLE events ALTER COLUMN id SET NOT NULL;
COMMENT ON COLUMN events.id IS 'UUIDv7, shown as evt_….';
