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
