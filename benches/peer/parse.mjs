// Converts what GraphQL aliases cannot: Guildhall has roles in capital letters, its mutations take the ID of an
// organization, and refusals are in the payload.
const lower = (role) => role?.toLowerCase();
const nodes = (connection) => connection.edges.map((edge) => edge.node);
const member = ({ role, user }) => ({ role: lower(role), ...user });

export function parse(op, { data }) {
  switch (op) {
    case 'q1':
      return {
        rows: nodes(data.viewer.organizations).map(({ viewerMembership, ...organization }) => ({
          ...organization,
          role: lower(viewerMembership.role),
        })),
      };
    case 'q2': {
      const { slug, members } = data.organization ?? {};
      return { slug, hasNextPage: members?.pageInfo.hasNextPage, rows: members ? nodes(members).map(member) : [] };
    }
    case 'q3':
      return {
        rows: nodes(data.viewer.organizations).map(({ slug, members }) => ({ slug, rows: nodes(members).map(member) })),
      };
    case 'q4': {
      const { invitations } = data.organization ?? {};
      return { rows: invitations ? nodes(invitations).map(({ inviter, role, email }) => ({ email, role: lower(role), ...inviter })) : [] };
    }
    case 'm1':
      return { role: lower(data.changeMemberRole.membership?.role) };
    case 'm2_invite':
      return data.invited.results[0].invitation ?? {};
    case 'm2_accept':
      return { role: lower(data.acceptInvitation.accepted?.role) };
  }
}

// Returns the same as `peer.shown('org', peer.id(2, number))` in fill.sql.
const organizationId = (number) => {
  let bits = (0x01900000_0002_7000_8000n << 48n) | BigInt(number);
  let text = '';
  for (let place = 0; place < 26; place++, bits >>= 5n) text = '0123456789abcdefghjkmnpqrstvwxyz'[Number(bits & 31n)] + text;
  return 'org_' + text;
};

export function variables(op, { role, org }) {
  return { ...(role && { role: role.toUpperCase() }), ...(org && { organizationId: organizationId(org) }) };
}

// The benchmark's checks recognize a refusal by the HTTP status or by a top-level error, so refusals in payloads get
// the status 422. Requests under load do not use this function.
const plainFetch = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const answer = await plainFetch(...request);
  const text = await answer.text();
  const isRefusal = /"userErrors":\[\{/.test(text);
  return new Response(text, { status: isRefusal ? 422 : answer.status });
};
