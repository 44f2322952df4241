-- Creates :organizations organizations. The first has 20,000 members. The user `one` is in one organization, `many` is
-- in 1,000 or in all. `root` is a site administrator. Row n of each table has the ID growth_id(n).
CREATE FUNCTION growth_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
BEGIN;
INSERT INTO users (id, username, email, email_verified_at, is_admin, created_at)
    SELECT growth_id(n), CASE n WHEN 1 THEN 'one' WHEN 2 THEN 'many' WHEN 3 THEN 'root' ELSE 'user' || n END,
           'user' || n || '@example.org', now(), n = 3, now()
    FROM generate_series(1, 20000) n;
INSERT INTO organizations (id, slug, owner_id, member_count, created_at, updated_at)
    SELECT growth_id(n), 'org-' || n, growth_id(n + 10), 1, now() - n * interval '1 minute', now()
    FROM generate_series(1, :organizations) n;
INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
    SELECT gen_random_uuid(), o.id, u.id, u.username, 'OWNER', now() FROM organizations o JOIN users u ON u.id = o.owner_id;
INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
    SELECT gen_random_uuid(), growth_id(1), id, username, 'WORKER', now() - random() * interval '300 days' FROM users
    WHERE id <> growth_id(2) ON CONFLICT DO NOTHING;
INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
    SELECT gen_random_uuid(), growth_id(n), growth_id(2), 'many', 'MAINTAINER', now() - n * interval '1 minute'
    FROM generate_series(1, least(1000, :organizations)) n;
UPDATE organizations o SET member_count = (SELECT count(*) FROM memberships m WHERE m.organization_id = o.id);
INSERT INTO plans (workspace_id, organization_id, tier, anchor) SELECT id, id, 'TEAM', created_at FROM organizations;
COMMIT;
VACUUM ANALYZE;
