DROP TRIGGER memberships_shown_name ON memberships;
DROP FUNCTION name_member;
ALTER TABLE memberships DROP CONSTRAINT memberships_user_fkey, DROP COLUMN shown_name;
ALTER TABLE users DROP CONSTRAINT users_id_names_key, DROP COLUMN shown_name;
ALTER TABLE users ADD CONSTRAINT users_id_username_key UNIQUE (id, username);
ALTER TABLE memberships ADD CONSTRAINT memberships_user_fkey FOREIGN KEY (user_id, username) REFERENCES users (id, username)
    ON UPDATE CASCADE ON DELETE RESTRICT;
