ALTER TABLE mails DROP COLUMN claimed_until;
