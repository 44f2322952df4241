SELECT lower(role::text) AS role FROM public.memberships
WHERE organization_id = peer.id(2, $1::bigint) AND user_id = peer.id(1, $2::bigint)
