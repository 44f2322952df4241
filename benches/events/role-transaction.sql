\set organization random(1, 1000)
\set member :organization * 20 - random(1, 19)
\set role random(0, 1)
BEGIN;
UPDATE memberships SET role = CASE WHEN :role = 0 THEN 'WORKER' ELSE 'SUPERVISOR' END::member_role WHERE id = bench_id(:member);
COMMIT;
