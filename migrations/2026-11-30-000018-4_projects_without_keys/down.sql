DROP INDEX projects_without_name_key;
