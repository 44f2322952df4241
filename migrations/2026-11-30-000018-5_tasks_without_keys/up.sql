-- Finds the rows that lack the key of a text that is not ASCII. Made without a lock that writers wait for.
CREATE INDEX CONCURRENTLY tasks_without_name_key ON tasks (id)
    WHERE name_key IS NULL AND octet_length(name) <> char_length(name);
