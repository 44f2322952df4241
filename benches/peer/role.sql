SELECT lower(role::text) AS role FROM public.memberships WHERE peer.shown('mem', id) = $1
