CREATE TABLE signing_keys (
    fingerprint text CONSTRAINT signing_keys_pkey PRIMARY KEY,
    last_used_at timestamptz NOT NULL
);
COMMENT ON TABLE signing_keys IS 'Keys of the processes that serve this database. A process that shares no key with the others does not start.';
COMMENT ON COLUMN signing_keys.fingerprint IS 'Identifies the key without revealing it.';
COMMENT ON COLUMN signing_keys.last_used_at IS 'When a process with this key last reported it.';

ALTER TABLE mails ADD COLUMN key_fingerprint text;
COMMENT ON COLUMN mails.key_fingerprint IS 'Key that encrypted the link. Only processes with this key send the mail. Null if the mail has no link, or if an earlier release queued it.';
