-- Reverts the mutations M1 and M2. The benchmark also runs this before setup.sql, when Guildhall's tables may not
-- exist.
DO $$
BEGIN
    IF to_regclass('public.memberships') IS NULL OR to_regnamespace('peer') IS NULL THEN
        RETURN;
    END IF;
    DELETE FROM mails;
    DELETE FROM idempotency_keys;
    DELETE FROM events;
    DELETE FROM invitations WHERE id > peer.id(4, 50000);
    DELETE FROM memberships WHERE id > peer.id(3, 500000);
    UPDATE memberships m SET role = upper(a.role)::member_role
        FROM app.memberships a WHERE m.id = peer.id(3, a.id) AND m.role <> upper(a.role)::member_role;
    UPDATE organizations o SET member_count = a.members
        FROM (SELECT peer.id(2, organization_id) AS id, count(*) AS members FROM app.memberships GROUP BY 1) a
        WHERE o.id = a.id AND o.member_count <> a.members;
    ANALYZE memberships, invitations, organizations, mails, events;
END $$;
