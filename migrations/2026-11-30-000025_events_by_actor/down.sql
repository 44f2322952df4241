DROP INDEX CONCURRENTLY events_workspace_actor;
