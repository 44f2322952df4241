\set job random(1, 1000)
\set state random(0, 1)
\startpipeline
BEGIN;
SELECT id FROM organizations WHERE id = bench_id(:job) FOR NO KEY UPDATE;
SELECT u.*, o.*, m.* FROM organizations o JOIN users u ON u.id = o.owner_id JOIN memberships m ON m.organization_id = o.id AND m.user_id = u.id WHERE o.id = bench_id(:job);
SELECT * FROM jobs WHERE id = bench_id(:job);
\endpipeline
\startpipeline
UPDATE jobs SET state = CASE WHEN :state = 0 THEN 'NEW' ELSE 'IN_PROGRESS' END::job_state, updated_at = now() WHERE id = bench_id(:job);
INSERT INTO events (workspace_id, type, at, actor_id, subject_id, tied_ids, changes) VALUES (bench_id(:job), 'JOB_UPDATED', now(), bench_id(:job), 'job_00000000000000000000000000', ARRAY[bench_id(:job)], '[{"field": "state", "before": "NEW", "after": "IN_PROGRESS"}]');
COMMIT;
\endpipeline
