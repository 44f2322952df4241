-- Addresses: compared with their domain as A-labels and shown as they were written; links that live side by side; networks that
-- an account signed in from; counts of mails by day. `guildhall migrate` brings addresses of before to the form for comparison.

ALTER TABLE users ADD COLUMN email_written text;
ALTER TABLE invitations ADD COLUMN email_written text;
ALTER TABLE email_tokens ADD COLUMN email_written text, ADD COLUMN used_at timestamptz;
COMMENT ON COLUMN users.email IS 'Address in lower case, its domain as A-labels. Several accounts may claim an unproven one; at most one has proven it.';
COMMENT ON COLUMN users.email_written IS 'The address as it was written, if that is not `email`.';
COMMENT ON COLUMN invitations.email IS 'The address invited, in lower case, its domain as A-labels.';
COMMENT ON COLUMN invitations.email_written IS 'The address as it was written, if that is not `email`.';
COMMENT ON COLUMN email_tokens.email_written IS 'The address as it was written, if that is not `email`.';
COMMENT ON COLUMN email_tokens.used_at IS 'When the token proved its address. It is kept for a while, so that the link says so when it is followed again.';

-- A token that resets a password is the address's: a new one leaves those before as they are, and so does whatever becomes of the
-- accounts that claim the address. Of the others, one waits for each account.
ALTER TABLE email_tokens DROP CONSTRAINT email_tokens_user_purpose_key;
ALTER TABLE email_tokens ALTER COLUMN user_id DROP NOT NULL;
CREATE UNIQUE INDEX email_tokens_user_purpose_key ON email_tokens (user_id, purpose) WHERE purpose <> 'RESET' AND used_at IS NULL;
CREATE INDEX email_tokens_user_id ON email_tokens (user_id);
CREATE INDEX email_tokens_email ON email_tokens (email);
COMMENT ON TABLE email_tokens IS 'Tokens sent by mail to prove an address or to reset a password.';
COMMENT ON COLUMN email_tokens.user_id IS 'The account. Null for a token that resets a password: it is for the account that has proven the address when it is used, or else claims it.';

CREATE TABLE sign_in_networks (
    user_id uuid        NOT NULL CONSTRAINT sign_in_networks_user_fkey REFERENCES users ON DELETE CASCADE,
    network text        COLLATE "C" NOT NULL,
    used_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, network)
);
CREATE INDEX sign_in_networks_used_at ON sign_in_networks (used_at);
COMMENT ON TABLE sign_in_networks IS 'Networks that accounts signed in from in the last 30 days: tries from elsewhere do not keep an account from signing in there.';
COMMENT ON COLUMN sign_in_networks.user_id IS 'The account.';
COMMENT ON COLUMN sign_in_networks.network IS 'An IPv4 address, or the first address of an IPv6 /64.';
COMMENT ON COLUMN sign_in_networks.used_at IS 'Time of the last sign-in from there.';

CREATE TABLE mail_counts (
    subject bytea       NOT NULL,
    day     date        NOT NULL,
    count   integer     NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (subject, day)
);
CREATE INDEX mail_counts_day ON mail_counts (day);
COMMENT ON TABLE mail_counts IS 'Mails that prove an address or reset a password, by day: to each address, and caused from each network.';
COMMENT ON COLUMN mail_counts.subject IS 'SHA-256 of what is counted: the purpose and the address, or the network.';
COMMENT ON COLUMN mail_counts.day IS 'The day, in UTC.';
COMMENT ON COLUMN mail_counts.count IS 'Mails on that day.';
COMMENT ON COLUMN mail_counts.last_at IS 'Time of the last one.';
