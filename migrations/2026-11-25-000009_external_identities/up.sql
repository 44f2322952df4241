-- Accounts of people whom an issuer elsewhere vouches for.

CREATE TABLE external_identities (
    issuer             text        COLLATE "C" NOT NULL,
    subject            text        COLLATE "C" NOT NULL,
    user_id            uuid        CONSTRAINT external_identities_user_fkey REFERENCES users ON DELETE SET NULL,
    preferred_username text,
    claimed_at         timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE UNIQUE INDEX external_identities_user_id_key ON external_identities (user_id);
CREATE INDEX external_identities_ended ON external_identities (claimed_at) WHERE user_id IS NULL;
COMMENT ON TABLE external_identities IS 'Whom an issuer elsewhere calls what, and whose account that is. Made when somebody comes for the first time.';
COMMENT ON COLUMN external_identities.issuer IS '`iss` of the tokens.';
COMMENT ON COLUMN external_identities.subject IS '`sub` of the tokens: the name that the issuer never changes.';
COMMENT ON COLUMN external_identities.user_id IS 'The account. Null: it was deleted, lately.';
COMMENT ON COLUMN external_identities.preferred_username IS 'The username claimed last: the account is named anew when another is claimed. Null: none was.';
COMMENT ON COLUMN external_identities.claimed_at IS 'When the token was made whose claims the account has, or when the account was deleted: tokens from before change nothing, and make no account.';
