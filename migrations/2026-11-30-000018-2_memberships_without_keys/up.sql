-- Finds the rows that lack the key of a text that is not ASCII. Made without a lock that writers wait for.
CREATE INDEX CONCURRENTLY memberships_without_name_key ON memberships (id)
    WHERE name_key IS NULL AND octet_length(shown_name) <> char_length(shown_name);
