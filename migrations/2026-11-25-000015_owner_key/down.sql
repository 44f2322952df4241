LOCK TABLE organizations, memberships IN ACCESS EXCLUSIVE MODE;
ALTER TABLE memberships ADD CONSTRAINT memberships_organization_user_role_key UNIQUE (organization_id, user_id, role);
ALTER TABLE organizations ADD COLUMN owner_role member_role NOT NULL DEFAULT 'OWNER'
    CONSTRAINT organizations_owner_role_is_owner CHECK (owner_role = 'OWNER');
COMMENT ON COLUMN organizations.owner_role IS 'Always OWNER: lets the foreign key ask for a membership with that role.';
ALTER TABLE organizations DROP CONSTRAINT organizations_owner_fkey;
ALTER TABLE organizations ADD CONSTRAINT organizations_owner_fkey
    FOREIGN KEY (id, owner_id, owner_role) REFERENCES memberships (organization_id, user_id, role)
    ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE memberships DROP COLUMN user_id_if_owner;
