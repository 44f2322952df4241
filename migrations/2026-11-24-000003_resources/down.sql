ALTER TABLE events DROP COLUMN tied_ids;
ALTER TABLE users DROP COLUMN selected_organization_id;
DROP TABLE jobs, tasks, projects, cloud_storages;
DROP TYPE job_state, job_stage, task_status, cloud_provider;
