DROP INDEX mails_recipient;
COMMENT ON COLUMN mails.recipient IS 'Address it goes to.';
COMMENT ON COLUMN mails.sender_id IS 'The user on whose behalf it is sent, for the daily limit.';

ALTER TABLE users DROP CONSTRAINT users_username_form, DROP CONSTRAINT users_deleted_is_nameless;
UPDATE users SET username = 'deleted-' || right(username, 24) WHERE deleted_at IS NOT NULL;
ALTER TABLE users
    DROP COLUMN tokens_valid_from,
    DROP COLUMN deleted_at,
    ADD CONSTRAINT users_username_form CHECK (username ~ '^[a-z0-9._-]{3,32}$');
COMMENT ON COLUMN users.username IS 'Unique name, in lower case.';

ALTER TABLE sessions DROP COLUMN began_at, DROP COLUMN first_uses;
COMMENT ON COLUMN sessions.rotated_at IS 'When that token was made: its predecessor is answered for 10 seconds more.';
