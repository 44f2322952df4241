-- Whose a mail is while it is being sent, apart from when it is due: by the database's clock, which is one for all processes.

ALTER TABLE mails ADD COLUMN claimed_until timestamptz;
COMMENT ON COLUMN mails.claimed_until IS 'Until when the worker that has taken it on has it to itself; renewed while that lives. Null while nobody has.';
