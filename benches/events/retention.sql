-- Writes a million events that are older than the retention period, and a hundred thousand newer ones, a hundred in
-- each transaction.
DO $$
BEGIN
    FOR batch IN 1..11000 LOOP
        INSERT INTO events (workspace_id, type, at, actor_id, subject_id, person_id, changes)
            SELECT gen_random_uuid(), 'MEMBER_ROLE_CHANGED',
                   now() - CASE WHEN batch <= 10000 THEN interval '91 days' ELSE interval '1 day' END, gen_random_uuid(),
                   'mem_00000000000000000000000000', gen_random_uuid(),
                   '[{"field": "role", "before": "WORKER", "after": "SUPERVISOR"}]'
            FROM generate_series(1, 100);
        COMMIT;
    END LOOP;
END $$;
VACUUM ANALYZE events;
