-- That an organization has its owner is held by a key that has nothing in it for other members: whoever changes their roles need
-- not have it checked.
ALTER TABLE memberships ADD COLUMN owner_id uuid GENERATED ALWAYS AS (CASE WHEN role = 'OWNER' THEN user_id END) STORED;
COMMENT ON COLUMN memberships.owner_id IS 'The member, if it is the owner: what the foreign key of the organization asks for.';
ALTER TABLE memberships ADD CONSTRAINT memberships_owner_key UNIQUE (organization_id, owner_id);

ALTER TABLE organizations DROP CONSTRAINT organizations_owner_fkey;
ALTER TABLE organizations ADD CONSTRAINT organizations_owner_fkey
    FOREIGN KEY (id, owner_id) REFERENCES memberships (organization_id, owner_id)
    ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE organizations DROP COLUMN owner_role;
ALTER TABLE memberships DROP CONSTRAINT memberships_organization_user_role_key;
