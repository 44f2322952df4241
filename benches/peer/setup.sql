-- Our tables, as the migrations make them, filled by fill.sql. Written by `UPDATE=1 cargo test the_peer_benchmark`.
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);

INSERT INTO __diesel_schema_migrations (version) VALUES ('20261123000001');
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


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261123000002');
-- Offers of the ownership of an organization, from its owner to a member.

CREATE TYPE ownership_offer_status AS ENUM ('PENDING', 'ACCEPTED', 'DECLINED', 'CANCELLED', 'EXPIRED');

CREATE TABLE ownership_offers (
    id              uuid                   PRIMARY KEY,
    organization_id uuid                   NOT NULL
        CONSTRAINT ownership_offers_organization_fkey REFERENCES organizations ON DELETE CASCADE,
    from_id         uuid                   NOT NULL CONSTRAINT ownership_offers_from_fkey REFERENCES users ON DELETE CASCADE,
    to_id           uuid                   NOT NULL CONSTRAINT ownership_offers_to_fkey REFERENCES users ON DELETE CASCADE,
    status          ownership_offer_status NOT NULL DEFAULT 'PENDING',
    created_at      timestamptz            NOT NULL,
    expires_at      timestamptz            NOT NULL,
    resolved_at     timestamptz,
    CONSTRAINT ownership_offers_to_another CHECK (from_id <> to_id),
    CONSTRAINT ownership_offers_resolved_unless_pending CHECK ((status = 'PENDING') = (resolved_at IS NULL))
);
CREATE UNIQUE INDEX ownership_offers_one_pending ON ownership_offers (organization_id) WHERE status = 'PENDING';
CREATE INDEX ownership_offers_organization_id ON ownership_offers (organization_id);
CREATE INDEX ownership_offers_from_id ON ownership_offers (from_id);
CREATE INDEX ownership_offers_to_id ON ownership_offers (to_id, created_at, id);
CREATE INDEX ownership_offers_expires_at ON ownership_offers (expires_at) WHERE status = 'PENDING';
COMMENT ON TABLE ownership_offers IS 'Offers of the ownership of an organization. An overdue PENDING one counts as EXPIRED from `expires_at` on, whether or not the job has marked it.';
COMMENT ON COLUMN ownership_offers.id IS 'UUIDv7, shown as off_….';
COMMENT ON COLUMN ownership_offers.organization_id IS 'The organization.';
COMMENT ON COLUMN ownership_offers.from_id IS 'The owner whose ownership is offered.';
COMMENT ON COLUMN ownership_offers.to_id IS 'The member to whom it is offered.';
COMMENT ON COLUMN ownership_offers.status IS 'Where it stands, but for the passing of time.';
COMMENT ON COLUMN ownership_offers.created_at IS 'When it was made.';
COMMENT ON COLUMN ownership_offers.expires_at IS 'When it lapses.';
COMMENT ON COLUMN ownership_offers.resolved_at IS 'When it was accepted, declined, cancelled, or lapsed. Null while pending.';


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261124000003');
-- Resources: projects, tasks, jobs and cloud storages, each in exactly one workspace; and the workspace that a user has chosen.
--
-- A workspace is an organization, or the personal workspace of a user, which has the user's UUID. Two columns say which, so
-- that foreign keys hold; `workspace_id` is the one of the two that is not null, for whatever treats both alike.

CREATE TYPE cloud_provider AS ENUM ('AWS_S3', 'AZURE_BLOB', 'GOOGLE_CLOUD_STORAGE');
CREATE TYPE task_status AS ENUM ('ANNOTATION', 'VALIDATION', 'COMPLETED');
CREATE TYPE job_stage AS ENUM ('ANNOTATION', 'VALIDATION', 'ACCEPTANCE');
CREATE TYPE job_state AS ENUM ('NEW', 'IN_PROGRESS', 'COMPLETED', 'REJECTED');

CREATE TABLE cloud_storages (
    id              uuid           PRIMARY KEY,
    workspace_id    uuid           NOT NULL,
    organization_id uuid           CONSTRAINT cloud_storages_organization_fkey REFERENCES organizations ON DELETE CASCADE,
    user_id         uuid           CONSTRAINT cloud_storages_user_fkey REFERENCES users ON DELETE CASCADE,
    owner_id        uuid           NOT NULL CONSTRAINT cloud_storages_owner_fkey REFERENCES users ON DELETE NO ACTION,
    display_name    text           NOT NULL CONSTRAINT cloud_storages_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 64),
    provider        cloud_provider NOT NULL,
    resource        text           NOT NULL CONSTRAINT cloud_storages_resource_length CHECK (char_length(resource) BETWEEN 1 AND 256),
    description     text           CONSTRAINT cloud_storages_description_length CHECK (char_length(description) BETWEEN 1 AND 4096),
    created_at      timestamptz    NOT NULL,
    CONSTRAINT cloud_storages_one_workspace
        CHECK (num_nonnulls(organization_id, user_id) = 1 AND workspace_id = coalesce(organization_id, user_id)),
    CONSTRAINT cloud_storages_workspace_key UNIQUE (id, workspace_id)
);
CREATE INDEX cloud_storages_created_at ON cloud_storages (workspace_id, created_at, id);
CREATE INDEX cloud_storages_match ON cloud_storages (workspace_id, provider, resource);
CREATE INDEX cloud_storages_owner_id ON cloud_storages (owner_id, workspace_id);
CREATE INDEX cloud_storages_organization_id ON cloud_storages (organization_id) WHERE organization_id IS NOT NULL;
CREATE INDEX cloud_storages_user_id ON cloud_storages (user_id) WHERE user_id IS NOT NULL;
COMMENT ON TABLE cloud_storages IS 'Buckets and containers that projects and tasks read from and write to. They never move between workspaces.';
COMMENT ON COLUMN cloud_storages.id IS 'UUIDv7, shown as sto_….';
COMMENT ON COLUMN cloud_storages.workspace_id IS 'The workspace: that of the next two that is not null.';
COMMENT ON COLUMN cloud_storages.organization_id IS 'The organization it belongs to.';
COMMENT ON COLUMN cloud_storages.user_id IS 'The user whose personal workspace it belongs to.';
COMMENT ON COLUMN cloud_storages.owner_id IS 'Who connected it, or the owner of the organization once that person has left.';
COMMENT ON COLUMN cloud_storages.display_name IS 'Name shown to people.';
COMMENT ON COLUMN cloud_storages.provider IS 'Whose cloud it is.';
COMMENT ON COLUMN cloud_storages.resource IS 'Name of the bucket or container.';
COMMENT ON COLUMN cloud_storages.description IS 'What it is for.';
COMMENT ON COLUMN cloud_storages.created_at IS 'When it was connected.';

CREATE TABLE projects (
    id                uuid        PRIMARY KEY,
    workspace_id      uuid        NOT NULL,
    organization_id   uuid        CONSTRAINT projects_organization_fkey REFERENCES organizations ON DELETE CASCADE,
    user_id           uuid        CONSTRAINT projects_user_fkey REFERENCES users ON DELETE CASCADE,
    owner_id          uuid        NOT NULL CONSTRAINT projects_owner_fkey REFERENCES users ON DELETE NO ACTION,
    assignee_id       uuid,
    name              text        NOT NULL CONSTRAINT projects_name_length CHECK (char_length(name) BETWEEN 1 AND 256),
    description       text        CONSTRAINT projects_description_length CHECK (char_length(description) BETWEEN 1 AND 4096),
    source_storage_id uuid,
    target_storage_id uuid,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT projects_one_workspace
        CHECK (num_nonnulls(organization_id, user_id) = 1 AND workspace_id = coalesce(organization_id, user_id)),
    CONSTRAINT projects_assignee_is_user CHECK (user_id IS NULL OR assignee_id IS NULL OR assignee_id = user_id),
    CONSTRAINT projects_assignee_fkey FOREIGN KEY (organization_id, assignee_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE SET NULL (assignee_id),
    CONSTRAINT projects_source_storage_fkey FOREIGN KEY (source_storage_id, workspace_id)
        REFERENCES cloud_storages (id, workspace_id) ON DELETE SET NULL (source_storage_id),
    CONSTRAINT projects_target_storage_fkey FOREIGN KEY (target_storage_id, workspace_id)
        REFERENCES cloud_storages (id, workspace_id) ON DELETE SET NULL (target_storage_id),
    CONSTRAINT projects_workspace_key UNIQUE (id, workspace_id)
);
CREATE INDEX projects_created_at ON projects (workspace_id, created_at, id);
CREATE INDEX projects_owner_id ON projects (owner_id, workspace_id);
CREATE INDEX projects_assignee_id ON projects (assignee_id, workspace_id) WHERE assignee_id IS NOT NULL;
CREATE INDEX projects_organization_assignee ON projects (organization_id, assignee_id) WHERE organization_id IS NOT NULL;
CREATE INDEX projects_user_id ON projects (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX projects_source_storage_id ON projects (source_storage_id) WHERE source_storage_id IS NOT NULL;
CREATE INDEX projects_target_storage_id ON projects (target_storage_id) WHERE target_storage_id IS NOT NULL;
COMMENT ON TABLE projects IS 'Sets of tasks that are managed together.';
COMMENT ON COLUMN projects.id IS 'UUIDv7, shown as prj_….';
COMMENT ON COLUMN projects.workspace_id IS 'The workspace: that of the next two that is not null.';
COMMENT ON COLUMN projects.organization_id IS 'The organization it belongs to.';
COMMENT ON COLUMN projects.user_id IS 'The user whose personal workspace it belongs to.';
COMMENT ON COLUMN projects.owner_id IS 'Who made it, or moved it here; the owner of the organization once that person has left.';
COMMENT ON COLUMN projects.assignee_id IS 'Who is responsible: a member of the organization, or the user of the personal workspace.';
COMMENT ON COLUMN projects.name IS 'Name.';
COMMENT ON COLUMN projects.description IS 'What it is about.';
COMMENT ON COLUMN projects.source_storage_id IS 'Storage of the same workspace that data are read from.';
COMMENT ON COLUMN projects.target_storage_id IS 'Storage of the same workspace that results are written to.';
COMMENT ON COLUMN projects.created_at IS 'When it was created.';
COMMENT ON COLUMN projects.updated_at IS 'When its own fields last changed.';

CREATE TABLE tasks (
    id                uuid        PRIMARY KEY,
    workspace_id      uuid        NOT NULL,
    organization_id   uuid        CONSTRAINT tasks_organization_fkey REFERENCES organizations ON DELETE CASCADE,
    user_id           uuid        CONSTRAINT tasks_user_fkey REFERENCES users ON DELETE CASCADE,
    project_id        uuid,
    owner_id          uuid        NOT NULL CONSTRAINT tasks_owner_fkey REFERENCES users ON DELETE NO ACTION,
    assignee_id       uuid,
    name              text        NOT NULL CONSTRAINT tasks_name_length CHECK (char_length(name) BETWEEN 1 AND 256),
    status            task_status NOT NULL DEFAULT 'ANNOTATION',
    source_storage_id uuid,
    target_storage_id uuid,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT tasks_one_workspace
        CHECK (num_nonnulls(organization_id, user_id) = 1 AND workspace_id = coalesce(organization_id, user_id)),
    CONSTRAINT tasks_assignee_is_user CHECK (user_id IS NULL OR assignee_id IS NULL OR assignee_id = user_id),
    CONSTRAINT tasks_assignee_fkey FOREIGN KEY (organization_id, assignee_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE SET NULL (assignee_id),
    CONSTRAINT tasks_source_storage_fkey FOREIGN KEY (source_storage_id, workspace_id)
        REFERENCES cloud_storages (id, workspace_id) ON DELETE SET NULL (source_storage_id),
    CONSTRAINT tasks_target_storage_fkey FOREIGN KEY (target_storage_id, workspace_id)
        REFERENCES cloud_storages (id, workspace_id) ON DELETE SET NULL (target_storage_id),
    -- Deferred: a project and its tasks move between workspaces in one transaction, one after the other.
    CONSTRAINT tasks_project_fkey FOREIGN KEY (project_id, workspace_id)
        REFERENCES projects (id, workspace_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT tasks_workspace_key UNIQUE (id, workspace_id)
);
CREATE INDEX tasks_created_at ON tasks (workspace_id, created_at, id);
CREATE INDEX tasks_project ON tasks (project_id, created_at, id) WHERE project_id IS NOT NULL;
CREATE INDEX tasks_owner_id ON tasks (owner_id, workspace_id);
CREATE INDEX tasks_assignee_id ON tasks (assignee_id, created_at, id) WHERE assignee_id IS NOT NULL;
CREATE INDEX tasks_organization_assignee ON tasks (organization_id, assignee_id) WHERE organization_id IS NOT NULL;
CREATE INDEX tasks_user_id ON tasks (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX tasks_source_storage_id ON tasks (source_storage_id) WHERE source_storage_id IS NOT NULL;
CREATE INDEX tasks_target_storage_id ON tasks (target_storage_id) WHERE target_storage_id IS NOT NULL;
COMMENT ON TABLE tasks IS 'Tasks, in a project or alone. A task is in the workspace of its project.';
COMMENT ON COLUMN tasks.id IS 'UUIDv7, shown as tsk_….';
COMMENT ON COLUMN tasks.workspace_id IS 'The workspace: that of the next two that is not null.';
COMMENT ON COLUMN tasks.organization_id IS 'The organization it belongs to.';
COMMENT ON COLUMN tasks.user_id IS 'The user whose personal workspace it belongs to.';
COMMENT ON COLUMN tasks.project_id IS 'The project it is in.';
COMMENT ON COLUMN tasks.owner_id IS 'Who made it, or moved it here; the owner of the organization once that person has left.';
COMMENT ON COLUMN tasks.assignee_id IS 'Who is responsible: a member of the organization, or the user of the personal workspace.';
COMMENT ON COLUMN tasks.name IS 'Name.';
COMMENT ON COLUMN tasks.status IS 'Where it stands: derived from its jobs by the transactions that change them.';
COMMENT ON COLUMN tasks.source_storage_id IS 'Storage of the same workspace that data are read from.';
COMMENT ON COLUMN tasks.target_storage_id IS 'Storage of the same workspace that results are written to.';
COMMENT ON COLUMN tasks.created_at IS 'When it was created.';
COMMENT ON COLUMN tasks.updated_at IS 'When its own fields last changed.';

CREATE TABLE jobs (
    id              uuid        PRIMARY KEY,
    workspace_id    uuid        NOT NULL,
    organization_id uuid        CONSTRAINT jobs_organization_fkey REFERENCES organizations ON DELETE CASCADE,
    user_id         uuid        CONSTRAINT jobs_user_fkey REFERENCES users ON DELETE CASCADE,
    task_id         uuid        NOT NULL,
    assignee_id     uuid,
    stage           job_stage   NOT NULL DEFAULT 'ANNOTATION',
    state           job_state   NOT NULL DEFAULT 'NEW',
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CONSTRAINT jobs_one_workspace
        CHECK (num_nonnulls(organization_id, user_id) = 1 AND workspace_id = coalesce(organization_id, user_id)),
    CONSTRAINT jobs_assignee_is_user CHECK (user_id IS NULL OR assignee_id IS NULL OR assignee_id = user_id),
    CONSTRAINT jobs_assignee_fkey FOREIGN KEY (organization_id, assignee_id)
        REFERENCES memberships (organization_id, user_id) ON DELETE SET NULL (assignee_id),
    -- Deferred: a task and its jobs move between workspaces in one transaction, one after the other.
    CONSTRAINT jobs_task_fkey FOREIGN KEY (task_id, workspace_id)
        REFERENCES tasks (id, workspace_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX jobs_task ON jobs (task_id, created_at, id);
CREATE INDEX jobs_assignee_id ON jobs (assignee_id, created_at, id) WHERE assignee_id IS NOT NULL;
CREATE INDEX jobs_organization_assignee ON jobs (organization_id, assignee_id) WHERE organization_id IS NOT NULL;
CREATE INDEX jobs_user_id ON jobs (user_id) WHERE user_id IS NOT NULL;
COMMENT ON TABLE jobs IS 'Parts of a task that one person works on at a time. A job is in the workspace of its task.';
COMMENT ON COLUMN jobs.id IS 'UUIDv7, shown as job_….';
COMMENT ON COLUMN jobs.workspace_id IS 'The workspace: that of the next two that is not null.';
COMMENT ON COLUMN jobs.organization_id IS 'The organization it belongs to.';
COMMENT ON COLUMN jobs.user_id IS 'The user whose personal workspace it belongs to.';
COMMENT ON COLUMN jobs.task_id IS 'The task it is part of.';
COMMENT ON COLUMN jobs.assignee_id IS 'Who works on it: a member of the organization, or the user of the personal workspace.';
COMMENT ON COLUMN jobs.stage IS 'Which round of the work it is in.';
COMMENT ON COLUMN jobs.state IS 'How far the present round is.';
COMMENT ON COLUMN jobs.created_at IS 'When it was created.';
COMMENT ON COLUMN jobs.updated_at IS 'When its own fields last changed.';

-- A choice of an organization is lost together with the membership in it.
ALTER TABLE users ADD COLUMN selected_organization_id uuid;
ALTER TABLE users ADD CONSTRAINT users_selected_organization_fkey FOREIGN KEY (selected_organization_id, id)
    REFERENCES memberships (organization_id, user_id) ON DELETE SET NULL (selected_organization_id);
CREATE INDEX users_selected_organization_id ON users (selected_organization_id, id) WHERE selected_organization_id IS NOT NULL;
COMMENT ON COLUMN users.selected_organization_id IS 'The workspace chosen in the menu: an organization that the user is a member of. Null: the personal workspace.';

ALTER TABLE events ADD COLUMN tied_ids uuid[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN events.tied_ids IS 'Users who could see the resource it is about by owning it or being assigned, then: once it is gone, they decide who sees the event.';


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261124000004');
-- Idempotency keys: what became of writes that a client may ask for again.

CREATE TABLE idempotency_keys (
    scope_id   uuid        NOT NULL,
    mutation   text        COLLATE "C" NOT NULL,
    key        text        COLLATE "C" NOT NULL
        CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 128),
    input_hash bytea       NOT NULL,
    result     jsonb,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (scope_id, mutation, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
COMMENT ON TABLE idempotency_keys IS 'What writes with an idempotency key came to, for 24 hours. A row is written by the transaction of its write, so a refused write leaves none.';
COMMENT ON COLUMN idempotency_keys.scope_id IS 'Who asked: the user, or, when nobody was signed in, an ID made of the hash of the input. No foreign key: rows do not live long.';
COMMENT ON COLUMN idempotency_keys.mutation IS 'Name of the mutation in the schema.';
COMMENT ON COLUMN idempotency_keys.key IS 'The key, as the client chose it.';
COMMENT ON COLUMN idempotency_keys.input_hash IS 'SHA-256 of the input, by which another one is told. The input itself is not kept.';
COMMENT ON COLUMN idempotency_keys.result IS 'The IDs that the answer is made of. Null only within the transaction of the write.';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When the write was done.';


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261124000005');
-- What came from another system, row by row, so that an import that runs again takes what is new and leaves alone the rest.

CREATE TABLE imports (
    source      text        COLLATE "C" NOT NULL,
    kind        text        COLLATE "C" NOT NULL
        CONSTRAINT imports_kind CHECK (kind IN ('USER', 'ORGANIZATION', 'MEMBERSHIP', 'INVITATION')),
    source_id   text        COLLATE "C" NOT NULL,
    row_id      uuid        NOT NULL,
    made_at     timestamptz,
    imported_at timestamptz NOT NULL,
    PRIMARY KEY (source, kind, source_id)
);
COMMENT ON TABLE imports IS 'Rows that came from another system. They have no foreign keys to what they became: what was deleted here since is not brought back by the next import.';
COMMENT ON COLUMN imports.source IS 'The system, such as cvat:https://cvat.example.org.';
COMMENT ON COLUMN imports.kind IS 'What it became here: USER, ORGANIZATION, MEMBERSHIP or INVITATION.';
COMMENT ON COLUMN imports.source_id IS 'The number that the row has there. For an INVITATION: that of the membership that it is to become.';
COMMENT ON COLUMN imports.row_id IS 'ID of the row here, which may be gone.';
COMMENT ON COLUMN imports.made_at IS 'When the row was made there, as it said then: tells another system that answers by the same name. Null if it did not say.';
COMMENT ON COLUMN imports.imported_at IS 'When it was taken over.';


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261124000006');
-- Plans that are paid for. A workspace without a row has the plan FREE.

CREATE TYPE plan_tier AS ENUM ('FREE', 'SOLO', 'TEAM');
CREATE TYPE billing_interval AS ENUM ('MONTH', 'YEAR');

CREATE TABLE plans (
    workspace_id    uuid             PRIMARY KEY,
    organization_id uuid             CONSTRAINT plans_organization_fkey REFERENCES organizations ON DELETE CASCADE,
    user_id         uuid             CONSTRAINT plans_user_fkey REFERENCES users ON DELETE CASCADE,
    tier            plan_tier        NOT NULL,
    paid_every      billing_interval NOT NULL DEFAULT 'MONTH',
    seats           integer          CONSTRAINT plans_seats_positive CHECK (seats > 0),
    anchor          timestamptz      NOT NULL,
    cancels_at      timestamptz,
    CONSTRAINT plans_one_workspace
        CHECK (num_nonnulls(organization_id, user_id) = 1 AND workspace_id = coalesce(organization_id, user_id)),
    CONSTRAINT plans_tier_of_workspace CHECK (tier = CASE WHEN user_id IS NULL THEN 'TEAM' ELSE 'SOLO' END::plan_tier),
    CONSTRAINT plans_seats_of_team CHECK (seats IS NULL OR tier = 'TEAM')
);
CREATE INDEX plans_organization_id ON plans (organization_id) WHERE organization_id IS NOT NULL;
CREATE INDEX plans_user_id ON plans (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX plans_cancels_at ON plans (cancels_at) WHERE cancels_at IS NOT NULL;
COMMENT ON TABLE plans IS 'Plans that are paid for. A workspace without a row has the plan FREE.';
COMMENT ON COLUMN plans.workspace_id IS 'The workspace: that of the next two that is not null.';
COMMENT ON COLUMN plans.organization_id IS 'The organization whose plan it is.';
COMMENT ON COLUMN plans.user_id IS 'The user whose personal workspace has the plan.';
COMMENT ON COLUMN plans.tier IS 'What is paid for: SOLO for personal workspaces, TEAM for organizations.';
COMMENT ON COLUMN plans.paid_every IS 'How often is paid.';
COMMENT ON COLUMN plans.seats IS 'How many seats are bought. Null: as many as there are members.';
COMMENT ON COLUMN plans.anchor IS 'When the first period of these terms began; later ones begin whole months or years after it.';
COMMENT ON COLUMN plans.cancels_at IS 'When the plan ends. Null unless it is cancelled.';


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261124000007');
-- What the job that deletes organizations for good looks for.
CREATE INDEX organizations_deletion_scheduled_for ON organizations (deletion_scheduled_for, id)
    WHERE deletion_scheduled_for IS NOT NULL;


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261124000008');
-- Reading the log as streams: an order that survives a move to another cluster, how far the log was deleted, and indexes.

CREATE TABLE event_log (
    singleton          boolean PRIMARY KEY DEFAULT true CONSTRAINT event_log_singleton CHECK (singleton),
    base               bigint  NOT NULL DEFAULT 0,
    pruned_transaction bigint  NOT NULL DEFAULT 0,
    pruned_sequence    bigint  NOT NULL DEFAULT 0
);
INSERT INTO event_log DEFAULT VALUES;
COMMENT ON TABLE event_log IS 'What holds for the log as a whole: one row.';
COMMENT ON COLUMN event_log.singleton IS 'Always true: keeps the table at one row.';
COMMENT ON COLUMN event_log.base IS 'Added to the IDs of transactions to make their place in the log. They start anew in a new cluster: then the base is raised, so that what is written comes after what was restored.';
COMMENT ON COLUMN event_log.pruned_transaction IS 'Place, with the sequence, of the last event that was deleted for its age: nothing before it is there any more.';
COMMENT ON COLUMN event_log.pruned_sequence IS 'See pruned_transaction.';

CREATE FUNCTION event_transaction_id() RETURNS bigint LANGUAGE sql STABLE
    RETURN (SELECT base FROM event_log) + pg_current_xact_id()::text::bigint;
COMMENT ON FUNCTION event_transaction_id() IS 'Place in the log of the present transaction.';

CREATE FUNCTION event_horizon() RETURNS bigint LANGUAGE sql STABLE
    RETURN (SELECT base FROM event_log) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
COMMENT ON FUNCTION event_horizon() IS 'Place of the oldest transaction that may still write: what lies below will never change.';

ALTER TABLE events ALTER COLUMN transaction_id SET DEFAULT event_transaction_id();
COMMENT ON COLUMN events.transaction_id IS 'Transaction that wrote it, plus `event_log.base`. Transactions commit out of order: the order of the log is (transaction_id, sequence), and it is read below event_horizon() only.';
CREATE INDEX events_person ON events (person_id, transaction_id, sequence) WHERE person_id IS NOT NULL;
CREATE INDEX events_email ON events (email, transaction_id, sequence) WHERE email IS NOT NULL;


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261125000009');
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


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261125000010');
-- Whose a mail is while it is being sent, apart from when it is due: by the database's clock, which is one for all processes.

ALTER TABLE mails ADD COLUMN claimed_until timestamptz;
COMMENT ON COLUMN mails.claimed_until IS 'Until when the worker that has taken it on has it to itself; renewed while that lives. Null while nobody has.';


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261125000011');
-- What an event costs the transaction that writes it: its place is made without reading `event_log` for each row.

DO $$
BEGIN
    EXECUTE format('ALTER TABLE events ALTER COLUMN transaction_id SET DEFAULT (%s + pg_current_xact_id()::text::bigint)',
                   (SELECT base FROM event_log));
END $$;
DROP FUNCTION event_transaction_id();
COMMENT ON COLUMN event_log.base IS 'Added to the IDs of transactions to make their place in the log; the default of events.transaction_id has it as a constant. They start anew in a new cluster: then settle_event_base() raises it, so that what is written comes after what was restored.';

CREATE FUNCTION event_log_is_behind() RETURNS boolean LANGUAGE sql STABLE
    RETURN (SELECT greatest((SELECT max(transaction_id) FROM events), pruned_transaction)
                   >= base + pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM event_log);
COMMENT ON FUNCTION event_log_is_behind() IS 'Whether those who begin to write now would write before what is in the log.';

CREATE FUNCTION settle_event_base() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    raised bigint;
BEGIN
    -- One at a time, and in the order in which old events are deleted; then it waits for those who have written.
    PERFORM FROM event_log FOR UPDATE;
    LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
    IF NOT event_log_is_behind() THEN
        RETURN false;
    END IF;
    -- The oldest transaction that may still write comes right after the newest entry.
    UPDATE event_log SET base = 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        + greatest((SELECT max(transaction_id) FROM events), pruned_transaction)
        RETURNING base INTO raised;
    EXECUTE format('ALTER TABLE events ALTER COLUMN transaction_id SET DEFAULT (%s + pg_current_xact_id()::text::bigint)',
                   raised);
    RETURN true;
END $$;
COMMENT ON FUNCTION settle_event_base() IS 'Raises event_log.base if the log is behind; tells whether it was. Does so as the owner of the table, which a server need not be.';


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261125000012');
-- The order of the log is the order in which things happened. A transaction may have its ID long before it has the lock that
-- it decides under, so its ID alone would put what it writes before what others did meanwhile.

CREATE FUNCTION set_event_base(base bigint) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    -- The newest transaction that had ended when the event was written, or its own if that is newer. Who waited for another's
    -- commit comes no earlier than that one, and after it by the sequence; none comes before its own transaction, so whatever
    -- is read below the oldest one that may still write is complete.
    EXECUTE format('ALTER TABLE events ALTER COLUMN transaction_id SET DEFAULT (%s + greatest('
                   'pg_current_xact_id()::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1))', base);
END $$;
COMMENT ON FUNCTION set_event_base(bigint) IS 'Makes events take their places from that base on.';

SELECT set_event_base(base) FROM event_log;

CREATE OR REPLACE FUNCTION settle_event_base() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    raised bigint;
BEGIN
    -- One at a time, and in the order in which old events are deleted; then it waits for those who have written.
    PERFORM FROM event_log FOR UPDATE;
    LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
    IF NOT event_log_is_behind() THEN
        RETURN false;
    END IF;
    -- The oldest transaction that may still write comes right after the newest entry.
    UPDATE event_log SET base = 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        + greatest((SELECT max(transaction_id) FROM events), pruned_transaction)
        RETURNING base INTO raised;
    PERFORM set_event_base(raised);
    RETURN true;
END $$;

COMMENT ON COLUMN events.transaction_id IS 'Transaction that wrote it, or the newest that had ended by then if that is newer, plus `event_log.base`. Transactions commit out of order: the order of the log is (transaction_id, sequence), and it is read below event_horizon() only.';
COMMENT ON COLUMN events.sequence IS 'Order of writing, and so of those that have the same transaction_id.';


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261125000013');
-- The ID of an event is made of its place and its time: it takes no column, and no index that every change would have to write.
ALTER TABLE events DROP COLUMN id;
COMMENT ON TABLE events IS 'The log: one row for every change, written by its transaction and never altered. It outlives what it tells of, so it has no foreign keys. The ID shown as evt_… is a UUIDv7 made of at, transaction_id and sequence.';


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261125000014');
-- The name that a member is shown by is in the membership, as the username is, so that lists of members need not look up every
-- account. Both are kept by the foreign key.
ALTER TABLE users ADD COLUMN shown_name text NOT NULL GENERATED ALWAYS AS (coalesce(display_name, username)) STORED;
COMMENT ON COLUMN users.shown_name IS 'The display name, or else the username.';
ALTER TABLE memberships DROP CONSTRAINT memberships_user_fkey;
ALTER TABLE users DROP CONSTRAINT users_id_username_key, ADD CONSTRAINT users_id_names_key UNIQUE (id, username, shown_name);

ALTER TABLE memberships ADD COLUMN shown_name text;
UPDATE memberships m SET shown_name = u.shown_name FROM users u WHERE u.id = m.user_id;
ALTER TABLE memberships
    ALTER COLUMN shown_name SET NOT NULL,
    ADD CONSTRAINT memberships_user_fkey FOREIGN KEY (user_id, username, shown_name)
        REFERENCES users (id, username, shown_name) ON UPDATE CASCADE ON DELETE RESTRICT;
COMMENT ON COLUMN memberships.shown_name IS 'Name that the member is shown by, kept by the foreign key. Filled in for whoever makes a membership.';

CREATE FUNCTION name_member() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    SELECT shown_name INTO NEW.shown_name FROM users WHERE id = NEW.user_id;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION name_member() IS 'Fills in the name that a new member is shown by.';
CREATE TRIGGER memberships_shown_name BEFORE INSERT ON memberships
    FOR EACH ROW WHEN (NEW.shown_name IS NULL) EXECUTE FUNCTION name_member();


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261125000015');
-- That an organization has its owner is held by a key that has nothing in it for other members: whoever changes their roles need
-- not have it checked.

-- In the order in which others lock them. Memberships are written anew, which takes seconds where there are hundreds of thousands.
LOCK TABLE organizations, memberships IN ACCESS EXCLUSIVE MODE;
ALTER TABLE memberships ADD COLUMN user_id_if_owner uuid GENERATED ALWAYS AS (CASE WHEN role = 'OWNER' THEN user_id END) STORED;
COMMENT ON COLUMN memberships.user_id_if_owner IS 'The member, if it is the owner: what the foreign key of the organization asks for.';
ALTER TABLE memberships ADD CONSTRAINT memberships_owner_key UNIQUE (organization_id, user_id_if_owner);

ALTER TABLE organizations DROP CONSTRAINT organizations_owner_fkey;
ALTER TABLE organizations ADD CONSTRAINT organizations_owner_fkey
    FOREIGN KEY (id, owner_id) REFERENCES memberships (organization_id, user_id_if_owner)
    ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE organizations DROP COLUMN owner_role;
ALTER TABLE memberships DROP CONSTRAINT memberships_organization_user_role_key;


INSERT INTO __diesel_schema_migrations (version) VALUES ('20261128000016');
-- Lists as single values: there is a type for lists of these, as there is none for lists of lists.
CREATE DOMAIN uuid_list AS uuid[];
CREATE DOMAIN text_list AS text[];


-- Fills our tables from the benchmark's schema `app`: organizations on TEAM, addresses verified.
-- IDs are made from numbers, so that those of `app` can be told from ours: UUIDs of version 7 in the order of the numbers.
DROP SCHEMA IF EXISTS peer CASCADE;
CREATE SCHEMA peer;

-- The ID of the thing of that kind (1 user, 2 organization, 3 membership, 4 invitation) and number.
CREATE FUNCTION peer.id(kind integer, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN ('01900000-' || lpad(to_hex(kind), 4, '0') || '-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid;

-- An ID as clients see it: its bits, five at a time, in Crockford's base 32.
CREATE FUNCTION peer.shown(prefix text, id uuid) RETURNS text LANGUAGE sql IMMUTABLE RETURN (
    SELECT prefix || '_' || string_agg(
        substr('0123456789abcdefghjkmnpqrstvwxyz', substring(padded FROM 5 * place + 1 FOR 5)::bit(5)::integer + 1, 1),
        '' ORDER BY place)
    FROM (SELECT B'00' || ('x' || replace(id::text, '-', ''))::bit(128) AS padded) bits, generate_series(0, 25) AS place
);

INSERT INTO users (id, username, display_name, email, email_verified_at, created_at)
    SELECT peer.id(1, id), 'user' || lpad(id::text, 6, '0'), name, email, created_at, created_at
    FROM app.users ORDER BY app.users.id;

INSERT INTO organizations
        (id, slug, name, description, contact_email, contact_location, owner_id, member_count, created_at, updated_at)
    SELECT peer.id(2, id), slug, name, description, contact_email, location, peer.id(1, owner_id),
        (SELECT count(*) FROM app.memberships m WHERE m.organization_id = o.id), created_at, updated_at
    FROM app.organizations o ORDER BY o.id;

INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
    SELECT peer.id(3, id), peer.id(2, organization_id), peer.id(1, user_id), 'user' || lpad(user_id::text, 6, '0'),
        upper(role)::member_role, joined_at
    FROM app.memberships ORDER BY app.memberships.id;

-- There the oldest come first, here the newest: so that both show the same ones, times go the other way round.
INSERT INTO invitations
        (id, organization_id, email, role, status, inviter_id, created_at, expires_at, resolved_at, sent_requested_at)
    SELECT peer.id(4, id), peer.id(2, organization_id), email, upper(role)::member_role, upper(status)::invitation_status,
        peer.id(1, inviter_id), made.at, expires_at, CASE WHEN status <> 'pending' THEN made.at END, made.at
    FROM app.invitations, LATERAL (SELECT timestamptz '2025-01-02 00:00+00' - id * interval '1 second' AS at) made
    ORDER BY app.invitations.id;

INSERT INTO plans (workspace_id, organization_id, tier, anchor)
    SELECT id, id, 'TEAM', created_at FROM organizations;

ANALYZE;
