\set organization random(1, 1000)
\set member :organization * 20 - random(1, 19)
\set role random(0, 1)
WITH done AS (UPDATE memberships SET role = CASE WHEN :role = 0 THEN 'WORKER' ELSE 'SUPERVISOR' END::member_role WHERE id = bench_id(:member) RETURNING organization_id, user_id) INSERT INTO events (workspace_id, type, at, actor_id, subject_id, person_id, changes) SELECT organization_id, 'MEMBER_ROLE_CHANGED', now(), user_id, 'mem_00000000000000000000000000', user_id, '[{"field": "role", "before": "WORKER", "after": "SUPERVISOR"}]' FROM done;
