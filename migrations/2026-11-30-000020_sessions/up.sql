-- When a session began and which of its refresh tokens were used lately; tokens without a session can be revoked; and an account
-- that was deleted may stay as a row without a name until the organizations that it alone was a member of are gone.

-- Of sessions from before it is not known when they began: long ago.
ALTER TABLE sessions
    ADD COLUMN began_at timestamptz NOT NULL DEFAULT 'epoch',
    ADD COLUMN first_uses timestamptz[] NOT NULL DEFAULT '{}';
ALTER TABLE sessions ALTER COLUMN began_at SET DEFAULT now();
COMMENT ON COLUMN sessions.began_at IS 'When its user signed in.';
COMMENT ON COLUMN sessions.first_uses IS 'When earlier refresh tokens were first used, within the last 10 seconds: that of two generations before the newest comes first, then the one before it. The predecessor of the newest was used at `rotated_at`.';
COMMENT ON COLUMN sessions.rotated_at IS 'When the newest refresh token was made, which is when its predecessor was first used.';

ALTER TABLE users
    ADD COLUMN tokens_valid_from timestamptz NOT NULL DEFAULT 'epoch',
    ADD COLUMN deleted_at timestamptz,
    DROP CONSTRAINT users_username_form,
    -- Not validated: rows from before meet the constraint that this one takes the place of, and the table is not read under a lock.
    ADD CONSTRAINT users_username_form CHECK (CASE WHEN deleted_at IS NULL THEN username ~ '^[a-z0-9._-]{3,32}$'
        ELSE username = '~' || replace(id::text, '-', '') END) NOT VALID,
    ADD CONSTRAINT users_deleted_is_nameless CHECK (deleted_at IS NULL
        OR num_nonnulls(display_name, email, password_hash, selected_organization_id) = 0 AND NOT is_admin) NOT VALID;
CREATE INDEX users_deleted ON users (id) WHERE deleted_at IS NOT NULL;
COMMENT ON COLUMN users.username IS 'Unique name, in lower case. Of a deleted account: `~` and the ID, which is no name that a person can choose.';
COMMENT ON COLUMN users.tokens_valid_from IS 'Access tokens without a session that were issued before this are refused.';
COMMENT ON COLUMN users.deleted_at IS 'When the account was deleted. The row then stays without name, login or address until the organizations that it owns are gone.';

CREATE INDEX mails_recipient ON mails (recipient);
COMMENT ON COLUMN mails.sender_id IS 'The user on whose behalf it is sent: who invites, for the daily limit, or the account that it is about, with which it is dropped.';
COMMENT ON COLUMN mails.recipient IS 'Address it goes to. Empty once the account that had the address was deleted.';
