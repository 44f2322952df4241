-- Creates 1,000 organizations with 20 members each, and in each a task with one job. Row n of each table has the ID
-- bench_id(n).
SET client_min_messages = warning;
CREATE OR REPLACE FUNCTION bench_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
BEGIN;
TRUNCATE users, organizations, memberships CASCADE;
INSERT INTO users (id, username, email, email_verified_at, created_at)
    SELECT bench_id(n), 'bench' || n, 'bench' || n || '@example.org', now(), now() FROM generate_series(1, 20000) n;
INSERT INTO organizations (id, slug, owner_id, member_count, created_at, updated_at)
    SELECT bench_id(n), 'bench' || n, bench_id(n * 20), 20, now(), now() FROM generate_series(1, 1000) n;
INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
    SELECT bench_id(n), bench_id((n + 19) / 20), bench_id(n), 'bench' || n,
           CASE WHEN n % 20 = 0 THEN 'OWNER' ELSE 'WORKER' END::member_role, now() FROM generate_series(1, 20000) n;
INSERT INTO tasks (id, workspace_id, organization_id, name, owner_id, created_at, updated_at)
    SELECT bench_id(n), bench_id(n), bench_id(n), 'task', bench_id(n * 20), now(), now() FROM generate_series(1, 1000) n;
INSERT INTO jobs (id, workspace_id, organization_id, task_id, created_at, updated_at)
    SELECT bench_id(n), bench_id(n), bench_id(n), bench_id(n), now(), now() FROM generate_series(1, 1000) n;
COMMIT;
ANALYZE;
