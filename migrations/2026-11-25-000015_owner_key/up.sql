-- That an organization has its owner is held by a key that has nothing in it for other members: whoever changes their roles need
-- not have it checked.

-- In the order in which others lock them. Memberships are written anew, which takes seconds where there are hundreds of thousands.
LOCK TABLE organizations, memberships IN ACCESS EXCLUSIVE MODE;
ALTER TABLE memberships ADD COLUMN user_id_if_owner uuid GENERATED ALWAYS AS (CASE WHEN role = 'OWNER' THEN user_id END) STORED;
COMMENT ON COLUMN memberships.user_id_if_owner IS 'The member, if it is the owner: what the foreign key of the organization asks for.';
ALTER TABLE memberships ADD CONSTRAINT memberships_owner_key UNIQUE (organization_id, user_id_if_owner);

ALTER TABLE organizations DROP CONSTRAINT organizations_owner_fkey;
ALTER TABLE organizations ADD CONSTRAINT organizations_owner_fkey
    FOREIGN KEY (id, owner_id) REFERENCES memberships (organization_id, user_id_if_owner)
    ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE organizations DROP COLUMN owner_role;
ALTER TABLE memberships DROP CONSTRAINT memberships_organization_user_role_key;
