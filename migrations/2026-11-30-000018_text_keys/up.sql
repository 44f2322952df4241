-- Keys of texts, made by the program: search and the order by name give the same answers whatever the locale of the database is.
-- A key is null where the text is plain ASCII, whose lower case is its key, and in rows of processes that know no keys: those are
-- filled in by `guildhall migrate` and by the server, in short transactions.
ALTER TABLE organizations ADD COLUMN name_key text COLLATE "C";
ALTER TABLE memberships ADD COLUMN name_key text COLLATE "C";
ALTER TABLE invitations ADD COLUMN email_key text COLLATE "C";
ALTER TABLE projects ADD COLUMN name_key text COLLATE "C";
ALTER TABLE tasks ADD COLUMN name_key text COLLATE "C";
COMMENT ON COLUMN organizations.name_key IS 'Key of `name` for search and order. Null: the name is ASCII, or the key is not made yet.';
COMMENT ON COLUMN organizations.sort_name IS 'The display name with its ASCII letters in lower case: what the order NAME goes by where `name_key` is null.';
COMMENT ON COLUMN memberships.name_key IS 'Key of `shown_name` for search. Null: the name is ASCII, or the key is not made yet.';
COMMENT ON COLUMN invitations.email_key IS 'Key of `email` for search. Null: the address is ASCII, or the key is not made yet.';
COMMENT ON COLUMN projects.name_key IS 'Key of `name` for search. Null: the name is ASCII, or the key is not made yet.';
COMMENT ON COLUMN tasks.name_key IS 'Key of `name` for search. Null: the name is ASCII, or the key is not made yet.';

-- A key ends with its text, so keys of different texts differ: one that stays while the text changes is stale.
CREATE FUNCTION clear_name_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.name_key := NULL;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION clear_name_key() IS 'Clears the key of a name that was changed by a process that knows no keys.';
CREATE FUNCTION clear_email_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.email_key := NULL;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION clear_email_key() IS 'Clears the key of an address that was changed by a process that knows no keys.';
CREATE TRIGGER organizations_name_key BEFORE UPDATE OF name ON organizations FOR EACH ROW
    WHEN (NEW.name IS DISTINCT FROM OLD.name AND NEW.name_key = OLD.name_key) EXECUTE FUNCTION clear_name_key();
CREATE TRIGGER memberships_name_key BEFORE UPDATE OF shown_name ON memberships FOR EACH ROW
    WHEN (NEW.shown_name <> OLD.shown_name AND NEW.name_key = OLD.name_key) EXECUTE FUNCTION clear_name_key();
CREATE TRIGGER invitations_email_key BEFORE UPDATE OF email ON invitations FOR EACH ROW
    WHEN (NEW.email <> OLD.email AND NEW.email_key = OLD.email_key) EXECUTE FUNCTION clear_email_key();
CREATE TRIGGER projects_name_key BEFORE UPDATE OF name ON projects FOR EACH ROW
    WHEN (NEW.name <> OLD.name AND NEW.name_key = OLD.name_key) EXECUTE FUNCTION clear_name_key();
CREATE TRIGGER tasks_name_key BEFORE UPDATE OF name ON tasks FOR EACH ROW
    WHEN (NEW.name <> OLD.name AND NEW.name_key = OLD.name_key) EXECUTE FUNCTION clear_name_key();
