DROP INDEX CONCURRENTLY events_workspace_type;
