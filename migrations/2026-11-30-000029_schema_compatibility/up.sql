-- A release refuses a schema that is newer than it knows, unless this column says that it can still work with it.
ALTER TABLE installation ADD COLUMN compatible_since text NOT NULL DEFAULT '20261130000029';
COMMENT ON COLUMN installation.compatible_since IS
    'Version of a migration: a release that has this migration can use the schema, even if later migrations are unknown to it. A migration that removes something sets it.';
