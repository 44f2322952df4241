\set job random(1, 1000)
\set state random(0, 1)
BEGIN;
UPDATE jobs SET state = CASE WHEN :state = 0 THEN 'NEW' ELSE 'IN_PROGRESS' END::job_state, updated_at = now() WHERE id = bench_id(:job);
COMMIT;
