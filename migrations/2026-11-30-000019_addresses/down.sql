DROP TABLE mail_counts;
DROP TABLE sign_in_networks;
DROP INDEX email_tokens_user_id;
DROP INDEX email_tokens_user_purpose_key;
DROP INDEX email_tokens_email;
DELETE FROM email_tokens WHERE used_at IS NOT NULL OR user_id IS NULL;
DELETE FROM email_tokens t USING email_tokens newer
    WHERE (newer.user_id, newer.purpose) = (t.user_id, t.purpose)
      AND (newer.created_at, newer.token_hash) > (t.created_at, t.token_hash);
ALTER TABLE email_tokens ALTER COLUMN user_id SET NOT NULL;
COMMENT ON COLUMN email_tokens.user_id IS 'The account.';
ALTER TABLE email_tokens ADD CONSTRAINT email_tokens_user_purpose_key UNIQUE (user_id, purpose);
ALTER TABLE email_tokens DROP COLUMN used_at, DROP COLUMN email_written;
ALTER TABLE invitations DROP COLUMN email_written;
ALTER TABLE users DROP COLUMN email_written;
COMMENT ON COLUMN users.email IS 'Address in lower case. Several accounts may claim an unproven one; at most one has proven it.';
COMMENT ON COLUMN invitations.email IS 'The address invited, in lower case.';
COMMENT ON TABLE email_tokens IS 'Tokens sent by mail to prove an address or to reset a password; a new one takes the place of the last.';
