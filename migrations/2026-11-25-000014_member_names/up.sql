-- The name that a member is shown by is in the membership, as the username is, so that lists of members need not look up every
-- account. Both are kept by the foreign key.
ALTER TABLE users ADD COLUMN shown_name text NOT NULL GENERATED ALWAYS AS (coalesce(display_name, username)) STORED;
COMMENT ON COLUMN users.shown_name IS 'The display name, or else the username.';
ALTER TABLE memberships DROP CONSTRAINT memberships_user_fkey;
ALTER TABLE users DROP CONSTRAINT users_id_username_key, ADD CONSTRAINT users_id_names_key UNIQUE (id, username, shown_name);

ALTER TABLE memberships ADD COLUMN shown_name text;
UPDATE memberships m SET shown_name = u.shown_name FROM users u WHERE u.id = m.user_id;
ALTER TABLE memberships
    ALTER COLUMN shown_name SET NOT NULL,
    ADD CONSTRAINT memberships_user_fkey FOREIGN KEY (user_id, username, shown_name)
        REFERENCES users (id, username, shown_name) ON UPDATE CASCADE ON DELETE RESTRICT;
COMMENT ON COLUMN memberships.shown_name IS 'Name that the member is shown by, kept by the foreign key. Filled in for whoever makes a membership.';

CREATE FUNCTION name_member() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    SELECT shown_name INTO NEW.shown_name FROM users WHERE id = NEW.user_id;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION name_member() IS 'Fills in the name that a new member is shown by.';
CREATE TRIGGER memberships_shown_name BEFORE INSERT ON memberships
    FOR EACH ROW WHEN (NEW.shown_name IS NULL) EXECUTE FUNCTION name_member();
