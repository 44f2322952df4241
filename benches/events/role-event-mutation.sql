\set organization random(1, 1000)
\set member :organization * 20 - random(1, 19)
\set role random(0, 1)
\startpipeline
BEGIN;
SELECT id FROM organizations WHERE id = bench_id(:organization) FOR NO KEY UPDATE;
SELECT u.*, o.*, m.* FROM organizations o JOIN users u ON u.id = o.owner_id JOIN memberships m ON m.organization_id = o.id AND m.user_id = u.id WHERE o.id = bench_id(:organization);
SELECT * FROM memberships WHERE id = bench_id(:member);
\endpipeline
\startpipeline
UPDATE memberships SET role = CASE WHEN :role = 0 THEN 'WORKER' ELSE 'SUPERVISOR' END::member_role WHERE id = bench_id(:member);
INSERT INTO events (workspace_id, type, at, actor_id, subject_id, person_id, changes) VALUES (bench_id(:organization), 'MEMBER_ROLE_CHANGED', now(), bench_id(:member), 'mem_00000000000000000000000000', bench_id(:member), '[{"field": "role", "before": "WORKER", "after": "SUPERVISOR"}]');
COMMIT;
\endpipeline
