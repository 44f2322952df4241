-- The foundation: accounts, organizations, memberships, invitations, the mail queue and the event log.
-- Everything that must never break is held here by named constraints; `src/store/error.rs` maps their names to refusals.

CREATE TYPE member_role AS ENUM ('WORKER', 'SUPERVISOR', 'MAINTAINER', 'OWNER');
CREATE TYPE invitation_status AS ENUM ('PENDING', 'ACCEPTED', 'DECLINED', 'REVOKED', 'EXPIRED');
CREATE TYPE organization_status AS ENUM ('ACTIVE', 'PENDING_DELETION');
CREATE TYPE delivery_state AS ENUM ('QUEUED', 'SENT', 'FAILED');
CREATE TYPE email_token_purpose AS ENUM ('VERIFY', 'CHANGE', 'RESET');

CREATE TABLE installation (
    singleton boolean PRIMARY KEY DEFAULT true CONSTRAINT installation_singleton CHECK (singleton),
    demo      boolean NOT NULL DEFAULT false
);
INSERT INTO installation DEFAULT VALUES;
COMMENT ON TABLE installation IS 'What this database is for: one row.';
COMMENT ON COLUMN installation.singleton IS 'Always true: keeps the table at one row.';
COMMENT ON COLUMN installation.demo IS 'Whether the demo world, with its public passwords, was loaded: never to be served in earnest.';

CREATE TABLE users (
    id                uuid        PRIMARY KEY,
    username          text        COLLATE "C" NOT NULL
        CONSTRAINT users_username_form CHECK (username ~ '^[a-z0-9._-]{3,32}$'),
    display_name      text        CONSTRAINT users_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 64),
    email             text        COLLATE "C"
        CONSTRAINT users_email_form CHECK (email !~ '[A-Z]' AND char_length(email) <= 254),
    email_verified_at timestamptz CONSTRAINT users_verified_has_email CHECK (email_verified_at IS NULL OR email IS NOT NULL),
    password_hash     text,
    is_admin          boolean     NOT NULL DEFAULT false,
    created_at        timestamptz NOT NULL,
    CONSTRAINT users_username_key UNIQUE (username),
    CONSTRAINT users_id_username_key UNIQUE (id, username)
);
CREATE UNIQUE INDEX users_verified_email_key ON users (email) WHERE email_verified_at IS NOT NULL;
CREATE INDEX users_email ON users (email);
COMMENT ON TABLE users IS 'Accounts.';
COMMENT ON COLUMN users.id IS 'UUIDv7, shown as usr_….';
COMMENT ON COLUMN users.username IS 'Unique name, in lower case.';
COMMENT ON COLUMN users.display_name IS 'Name shown to people. Null: the username.';
COMMENT ON COLUMN users.email IS 'Address in lower case. Several accounts may claim an unproven one; at most one has proven it.';
COMMENT ON COLUMN users.email_verified_at IS 'When the address was proven. Null: it is a mere claim.';
COMMENT ON COLUMN users.password_hash IS 'Argon2id in PHC form. Null: no password was set, sign in after a reset.';
COMMENT ON COLUMN users.is_admin IS 'Site administrator: passes every rule that asks for a role.';
COMMENT ON COLUMN users.created_at IS 'When the account was made.';

CREATE TABLE sessions (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    generation integer     NOT NULL DEFAULT 0,
    rotated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
COMMENT ON TABLE sessions IS 'Families of refresh tokens. A token names its session and generation and carries a MAC of both, so none is stored.';
COMMENT ON COLUMN sessions.id IS 'Random UUID, the `sid` of access tokens.';
COMMENT ON COLUMN sessions.user_id IS 'Whose session it is.';
COMMENT ON COLUMN sessions.generation IS 'Generation of the newest refresh token; grows by one with each exchange.';
COMMENT ON COLUMN sessions.rotated_at IS 'When that token was made: its predecessor is answered for 10 seconds more.';
COMMENT ON COLUMN sessions.expires_at IS 'When the newest refresh token runs out.';

CREATE TABLE email_tokens (
    token_hash bytea               PRIMARY KEY,
    user_id    uuid                NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose    email_token_purpose NOT NULL,
    email      text                COLLATE "C" NOT NULL,
    created_at timestamptz         NOT NULL,
    expires_at timestamptz         NOT NULL,
    CONSTRAINT email_tokens_user_purpose_key UNIQUE (user_id, purpose)
);
CREATE INDEX email_tokens_expires_at ON email_tokens (expires_at);
COMMENT ON TABLE email_tokens IS 'Tokens sent by mail to prove an address or to reset a password; a new one takes the place of the last.';
COMMENT ON COLUMN email_tokens.token_hash IS 'SHA-256 of the token.';
COMMENT ON COLUMN email_tokens.user_id IS 'The account.';
COMMENT ON COLUMN email_tokens.purpose IS 'What the token is good for.';
COMMENT ON COLUMN email_tokens.email IS 'The address it was sent to, and so proves.';
COMMENT ON COLUMN email_tokens.created_at IS 'When it was made.';
COMMENT ON COLUMN email_tokens.expires_at IS 'When it runs out.';

CREATE TABLE organizations (
    id               uuid                PRIMARY KEY,
    slug             text                COLLATE "C" NOT NULL
        CONSTRAINT organizations_slug_form CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$'),
    name             text                CONSTRAINT organizations_name_length CHECK (char_length(name) BETWEEN 1 AND 64),
    sort_name        text                COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(coalesce(name, slug))) STORED,
    description      text                CONSTRAINT organizations_description_length CHECK (char_length(description) BETWEEN 1 AND 4096),
    contact_email    text                CONSTRAINT organizations_contact_email_length CHECK (char_length(contact_email) BETWEEN 1 AND 254),
    contact_phone    text                CONSTRAINT organizations_contact_phone_length CHECK (char_length(contact_phone) BETWEEN 1 AND 32),
    contact_location text                CONSTRAINT organizations_contact_location_length CHECK (char_length(contact_location) BETWEEN 1 AND 256),
    status           organization_status NOT NULL DEFAULT 'ACTIVE',
    deletion_scheduled_for timestamptz
        CONSTRAINT organizations_deletion_is_scheduled CHECK ((status = 'PENDING_DELETION') = (deletion_scheduled_for IS NOT NULL)),
    owner_id         uuid                NOT NULL,
    owner_role       member_role         NOT NULL DEFAULT 'OWNER'
        CONSTRAINT organizations_owner_role_is_owner CHECK (owner_role = 'OWNER'),
    member_count     integer             NOT NULL DEFAULT 0 CONSTRAINT organizations_member_count_positive CHECK (member_count >= 0),
    version          integer             NOT NULL DEFAULT 1,
    created_at       timestamptz         NOT NULL,
    updated_at       timestamptz         NOT NULL,
    CONSTRAINT organizations_slug_key UNIQUE (slug)
);
CREATE INDEX organizations_created_at ON organizations (created_at, id);
CREATE INDEX organizations_sort_name ON organizations (sort_name, id);
CREATE INDEX organizations_owner_id ON organizations (owner_id);
COMMENT ON TABLE organizations IS 'Organizations. That each has exactly one owner is held by `organizations_owner_fkey` (at least one) and `memberships_one_owner` (at most one).';
COMMENT ON COLUMN organizations.id IS 'UUIDv7, shown as org_….';
COMMENT ON COLUMN organizations.slug IS 'Short name in lower case.';
COMMENT ON COLUMN organizations.name IS 'Full name. Null: the slug.';
COMMENT ON COLUMN organizations.sort_name IS 'What the order NAME goes by: the display name in lower case.';
COMMENT ON COLUMN organizations.description IS 'What it is for.';
COMMENT ON COLUMN organizations.contact_email IS 'Contact address.';
COMMENT ON COLUMN organizations.contact_phone IS 'Contact telephone number, as people write it.';
COMMENT ON COLUMN organizations.contact_location IS 'Contact place.';
COMMENT ON COLUMN organizations.status IS 'Whether it is there to stay.';
COMMENT ON COLUMN organizations.deletion_scheduled_for IS 'When its data goes for good. Null while active.';
COMMENT ON COLUMN organizations.owner_id IS 'The one owner.';
COMMENT ON COLUMN organizations.owner_role IS 'Always OWNER: lets the foreign key ask for a membership with that role.';
COMMENT ON COLUMN organizations.member_count IS 'Number of memberships, kept by the transactions that add or remove one.';
COMMENT ON COLUMN organizations.version IS 'Grows by one with every change of its own fields.';
COMMENT ON COLUMN organizations.created_at IS 'When it was created.';
COMMENT ON COLUMN organizations.updated_at IS 'When its own fields last changed.';

CREATE TABLE former_slugs (
    slug            text        COLLATE "C" PRIMARY KEY,
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    held_until      timestamptz NOT NULL
);
CREATE INDEX former_slugs_organization_id ON former_slugs (organization_id);
COMMENT ON TABLE former_slugs IS 'Slugs that organizations gave up lately, held so that nobody takes over old links.';
COMMENT ON COLUMN former_slugs.slug IS 'The former slug.';
COMMENT ON COLUMN former_slugs.organization_id IS 'Whose it was: that organization may take it back.';
COMMENT ON COLUMN former_slugs.held_until IS 'When others may have it.';

CREATE TABLE memberships (
    id              uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user_id         uuid        NOT NULL,
    username        text        COLLATE "C" NOT NULL,
    role            member_role NOT NULL,
    joined_at       timestamptz NOT NULL,
    last_active_on  date,
    invited_by      uuid        REFERENCES users ON DELETE SET NULL,
    CONSTRAINT memberships_organization_user_key UNIQUE (organization_id, user_id),
    CONSTRAINT memberships_organization_user_role_key UNIQUE (organization_id, user_id, role),
    CONSTRAINT memberships_user_fkey FOREIGN KEY (user_id, username) REFERENCES users (id, username)
        ON UPDATE CASCADE ON DELETE RESTRICT
);
CREATE UNIQUE INDEX memberships_one_owner ON memberships (organization_id) WHERE role = 'OWNER';
CREATE INDEX memberships_joined_at ON memberships (organization_id, joined_at, id);
CREATE INDEX memberships_username ON memberships (organization_id, username, id);
CREATE INDEX memberships_role ON memberships (organization_id, role, id);
CREATE INDEX memberships_user_id ON memberships (user_id, joined_at, organization_id);
CREATE INDEX memberships_invited_by ON memberships (invited_by) WHERE invited_by IS NOT NULL;
COMMENT ON TABLE memberships IS 'One user in one organization with one role.';
COMMENT ON COLUMN memberships.id IS 'UUIDv7, shown as mem_….';
COMMENT ON COLUMN memberships.organization_id IS 'The organization.';
COMMENT ON COLUMN memberships.user_id IS 'The member. Accounts that are members cannot be deleted before they have left.';
COMMENT ON COLUMN memberships.username IS 'Name of the member, kept by the foreign key, so that an index serves the order by it.';
COMMENT ON COLUMN memberships.role IS 'The role.';
COMMENT ON COLUMN memberships.joined_at IS 'When the member joined.';
COMMENT ON COLUMN memberships.last_active_on IS 'Day, in UTC, of the last activity in the organization. Null if never.';
COMMENT ON COLUMN memberships.invited_by IS 'Who invited the member. Null for the creator, and once that account is gone.';

ALTER TABLE organizations ADD CONSTRAINT organizations_owner_fkey
    FOREIGN KEY (id, owner_id, owner_role) REFERENCES memberships (organization_id, user_id, role)
    ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE invitations (
    id              uuid              PRIMARY KEY,
    organization_id uuid              NOT NULL REFERENCES organizations ON DELETE CASCADE,
    email           text              COLLATE "C" NOT NULL
        CONSTRAINT invitations_email_form CHECK (email !~ '[A-Z]' AND char_length(email) <= 254),
    role            member_role       NOT NULL CONSTRAINT invitations_role_below_owner CHECK (role <> 'OWNER'),
    status          invitation_status NOT NULL DEFAULT 'PENDING',
    inviter_id      uuid              REFERENCES users ON DELETE SET NULL,
    message         text              CONSTRAINT invitations_message_length CHECK (char_length(message) BETWEEN 1 AND 1000),
    token_hash      bytea,
    created_at      timestamptz       NOT NULL,
    expires_at      timestamptz       NOT NULL,
    resolved_at     timestamptz,
    sent_requested_at timestamptz     NOT NULL,
    delivery        delivery_state    NOT NULL DEFAULT 'QUEUED',
    send_count      integer           NOT NULL DEFAULT 0,
    last_sent_at    timestamptz,
    failure         text,
    CONSTRAINT invitations_token_hash_key UNIQUE (token_hash),
    CONSTRAINT invitations_resolved_unless_pending CHECK ((status = 'PENDING') = (resolved_at IS NULL)),
    CONSTRAINT invitations_failure_if_failed CHECK ((delivery = 'FAILED') = (failure IS NOT NULL))
);
CREATE UNIQUE INDEX invitations_one_pending ON invitations (organization_id, email) WHERE status = 'PENDING';
CREATE INDEX invitations_created_at ON invitations (organization_id, created_at, id);
CREATE INDEX invitations_pending ON invitations (organization_id, created_at, id) WHERE status = 'PENDING';
CREATE INDEX invitations_email ON invitations (email, created_at, id);
CREATE INDEX invitations_expires_at ON invitations (expires_at) WHERE status = 'PENDING';
CREATE INDEX invitations_inviter_id ON invitations (inviter_id) WHERE inviter_id IS NOT NULL;
COMMENT ON TABLE invitations IS 'Offers of a role, sent to an e-mail address. An overdue PENDING one counts as EXPIRED from `expires_at` on, whether or not the job has marked it.';
COMMENT ON COLUMN invitations.id IS 'UUIDv7, shown as inv_….';
COMMENT ON COLUMN invitations.organization_id IS 'The organization.';
COMMENT ON COLUMN invitations.email IS 'The address invited, in lower case.';
COMMENT ON COLUMN invitations.role IS 'The role offered.';
COMMENT ON COLUMN invitations.status IS 'Where it stands, but for the passing of time.';
COMMENT ON COLUMN invitations.inviter_id IS 'Who sent it last. Null once that account is gone.';
COMMENT ON COLUMN invitations.message IS 'Words of the inviter.';
COMMENT ON COLUMN invitations.token_hash IS 'SHA-256 of the token in the mail. Null: no token was ever sent (imported).';
COMMENT ON COLUMN invitations.created_at IS 'When it was made.';
COMMENT ON COLUMN invitations.expires_at IS 'When it runs out.';
COMMENT ON COLUMN invitations.resolved_at IS 'When it was accepted, declined, revoked, or ran out. Null while pending.';
COMMENT ON COLUMN invitations.sent_requested_at IS 'When the last sending was asked for: a resend waits a minute from here.';
COMMENT ON COLUMN invitations.delivery IS 'Where the last sending stands.';
COMMENT ON COLUMN invitations.send_count IS 'How many times a mail was handed over.';
COMMENT ON COLUMN invitations.last_sent_at IS 'When a mail was last handed over.';
COMMENT ON COLUMN invitations.failure IS 'Why the last sending was given up.';

CREATE TABLE mails (
    id              uuid           PRIMARY KEY,
    template        text           NOT NULL,
    recipient       text           NOT NULL,
    variables       jsonb          NOT NULL,
    sealed_link     bytea,
    invitation_id   uuid           REFERENCES invitations ON DELETE CASCADE,
    organization_id uuid           REFERENCES organizations ON DELETE CASCADE,
    sender_id       uuid           REFERENCES users ON DELETE SET NULL,
    is_resend       boolean        NOT NULL DEFAULT false,
    state           delivery_state NOT NULL DEFAULT 'QUEUED',
    attempts        integer        NOT NULL DEFAULT 0,
    next_attempt_at timestamptz    NOT NULL,
    failure         text,
    created_at      timestamptz    NOT NULL,
    sent_at         timestamptz
);
CREATE INDEX mails_queued ON mails (next_attempt_at, id) WHERE state = 'QUEUED';
CREATE INDEX mails_sender ON mails (sender_id, created_at) WHERE sender_id IS NOT NULL;
CREATE INDEX mails_organization ON mails (organization_id, created_at) WHERE organization_id IS NOT NULL;
CREATE INDEX mails_invitation ON mails (invitation_id) WHERE invitation_id IS NOT NULL;
COMMENT ON TABLE mails IS 'The queue of mails: written by the transaction that causes one, sent by a worker after the commit.';
COMMENT ON COLUMN mails.id IS 'UUIDv7; part of the Message-ID, so that a mail that goes twice can be told.';
COMMENT ON COLUMN mails.template IS 'Name of the template in src/mail/templates.';
COMMENT ON COLUMN mails.recipient IS 'Address it goes to.';
COMMENT ON COLUMN mails.variables IS 'What the template is filled with, but for the link.';
COMMENT ON COLUMN mails.sealed_link IS 'The link with its token, encrypted with the server''s key. Erased once the mail is sent or given up.';
COMMENT ON COLUMN mails.invitation_id IS 'The invitation it carries, whose delivery it decides.';
COMMENT ON COLUMN mails.organization_id IS 'The organization on whose behalf it is sent, for the daily limit.';
COMMENT ON COLUMN mails.sender_id IS 'The user on whose behalf it is sent, for the daily limit.';
COMMENT ON COLUMN mails.is_resend IS 'Whether an invitation is sent again, for the hourly limit.';
COMMENT ON COLUMN mails.state IS 'Where the sending stands.';
COMMENT ON COLUMN mails.attempts IS 'How many times it was tried.';
COMMENT ON COLUMN mails.next_attempt_at IS 'When it is tried next.';
COMMENT ON COLUMN mails.failure IS 'Why the last attempt failed.';
COMMENT ON COLUMN mails.created_at IS 'When it was asked for.';
COMMENT ON COLUMN mails.sent_at IS 'When it was handed over.';

CREATE TABLE events (
    transaction_id bigint      NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    sequence       bigint      GENERATED ALWAYS AS IDENTITY,
    id             uuid        NOT NULL,
    workspace_id   uuid        NOT NULL,
    type           text        NOT NULL,
    at             timestamptz NOT NULL,
    actor_id       uuid,
    subject_id     text        NOT NULL,
    person_id      uuid,
    email          text        COLLATE "C",
    changes        jsonb       NOT NULL DEFAULT '[]',
    PRIMARY KEY (transaction_id, sequence),
    CONSTRAINT events_id_key UNIQUE (id)
);
CREATE INDEX events_workspace ON events (workspace_id, transaction_id, sequence);
COMMENT ON TABLE events IS 'The log: one row for every change, written by its transaction and never altered. It outlives what it tells of, so it has no foreign keys.';
COMMENT ON COLUMN events.transaction_id IS 'Transaction that wrote it. Transactions commit out of order: the order of the log is (transaction_id, sequence).';
COMMENT ON COLUMN events.sequence IS 'Order within the transaction.';
COMMENT ON COLUMN events.id IS 'UUIDv7, shown as evt_….';
COMMENT ON COLUMN events.workspace_id IS 'Organization or personal workspace where it happened.';
COMMENT ON COLUMN events.type IS 'What happened: an EventType.';
COMMENT ON COLUMN events.at IS 'When it happened.';
COMMENT ON COLUMN events.actor_id IS 'Who did it. Null for the server itself.';
COMMENT ON COLUMN events.subject_id IS 'Typed ID of what it happened to.';
COMMENT ON COLUMN events.person_id IS 'The user whom it concerns personally, such as the member.';
COMMENT ON COLUMN events.email IS 'The address whom it concerns, for events of invitations.';
COMMENT ON COLUMN events.changes IS 'Fields before and after: [{"field", "before", "after"}].';
