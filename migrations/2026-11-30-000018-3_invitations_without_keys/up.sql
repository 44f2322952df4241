-- Finds the rows that lack the key of a text that is not ASCII. Made without a lock that writers wait for.
CREATE INDEX CONCURRENTLY invitations_without_email_key ON invitations (id)
    WHERE email_key IS NULL AND octet_length(email) <> char_length(email);
