-- Fills Guildhall's tables from the benchmark's schema `app`. Organizations have the plan TEAM, addresses are verified.
-- IDs are UUIDs of version 7 that contain the benchmark's numbers, in the same order.
DROP SCHEMA IF EXISTS peer CASCADE;
CREATE SCHEMA peer;

-- Returns the ID of a row, by its kind (1 user, 2 organization, 3 membership, 4 invitation) and number.
CREATE FUNCTION peer.id(kind integer, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN ('01900000-' || lpad(to_hex(kind), 4, '0') || '-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid;

-- Returns an ID in the form that clients see: a prefix and Crockford's base 32.
CREATE FUNCTION peer.shown(prefix text, id uuid) RETURNS text LANGUAGE sql IMMUTABLE RETURN (
    SELECT prefix || '_' || string_agg(
        substr('0123456789abcdefghjkmnpqrstvwxyz', substring(padded FROM 5 * place + 1 FOR 5)::bit(5)::integer + 1, 1),
        '' ORDER BY place)
    FROM (SELECT B'00' || ('x' || replace(id::text, '-', ''))::bit(128) AS padded) bits, generate_series(0, 25) AS place
);

INSERT INTO users (id, username, display_name, email, email_verified_at, created_at)
    SELECT peer.id(1, id), 'user' || lpad(id::text, 6, '0'), name, email, created_at, created_at
    FROM app.users ORDER BY app.users.id;

INSERT INTO organizations
        (id, slug, name, description, contact_email, contact_location, owner_id, member_count, created_at, updated_at)
    SELECT peer.id(2, id), slug, name, description, contact_email, location, peer.id(1, owner_id),
        (SELECT count(*) FROM app.memberships m WHERE m.organization_id = o.id), created_at, updated_at
    FROM app.organizations o ORDER BY o.id;

INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
    SELECT peer.id(3, id), peer.id(2, organization_id), peer.id(1, user_id), 'user' || lpad(user_id::text, 6, '0'),
        upper(role)::member_role, joined_at
    FROM app.memberships ORDER BY app.memberships.id;

-- The benchmark lists the oldest invitations first, Guildhall the newest. The creation times are in reverse order, so
-- that both list the same ones.
INSERT INTO invitations
        (id, organization_id, email, role, status, inviter_id, created_at, expires_at, resolved_at, sent_requested_at)
    SELECT peer.id(4, id), peer.id(2, organization_id), email, upper(role)::member_role, upper(status)::invitation_status,
        peer.id(1, inviter_id), made.at, expires_at, CASE WHEN status <> 'pending' THEN made.at END, made.at
    FROM app.invitations, LATERAL (SELECT timestamptz '2025-01-02 00:00+00' - id * interval '1 second' AS at) made
    ORDER BY app.invitations.id;

INSERT INTO plans (workspace_id, organization_id, tier, anchor)
    SELECT id, id, 'TEAM', created_at FROM organizations;

ANALYZE;
