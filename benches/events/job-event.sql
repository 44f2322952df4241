\set job random(1, 1000)
\set state random(0, 1)
WITH done AS (UPDATE jobs SET state = CASE WHEN :state = 0 THEN 'NEW' ELSE 'IN_PROGRESS' END::job_state, updated_at = now() WHERE id = bench_id(:job) RETURNING id, workspace_id) INSERT INTO events (workspace_id, type, at, actor_id, subject_id, tied_ids, changes) SELECT workspace_id, 'JOB_UPDATED', now(), bench_id(:job), 'job_00000000000000000000000000', ARRAY[workspace_id], '[{"field": "state", "before": "NEW", "after": "IN_PROGRESS"}]' FROM done;
