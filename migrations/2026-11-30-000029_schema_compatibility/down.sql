ALTER TABLE installation DROP COLUMN compatible_since;
