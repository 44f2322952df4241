DROP INDEX tasks_without_name_key;
