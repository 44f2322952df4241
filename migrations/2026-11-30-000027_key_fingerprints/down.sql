ALTER TABLE mails DROP COLUMN key_fingerprint;
DROP TABLE signing_keys;
