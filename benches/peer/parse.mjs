// What aliases cannot express: roles are in capitals, organizations of mutations are named by ID, and what a mutation is
// refused for stands in its payload.
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

// As `peer.shown('org', peer.id(2, number))` in fill.sql.
const organizationId = (number) => {
  let bits = (0x01900000_0002_7000_8000n << 48n) | BigInt(number);
  let text = '';
  for (let place = 0; place < 26; place++, bits >>= 5n) text = '0123456789abcdefghjkmnpqrstvwxyz'[Number(bits & 31n)] + text;
  return 'org_' + text;
};

export function variables(op, { role, org }) {
  return { ...(role && { role: role.toUpperCase() }), ...(org && { organizationId: organizationId(org) }) };
}

// The checks know a refusal by the status of the answer or by a top-level error: they are shown those in payloads as a
// status. The load does not come this way.
const plainFetch = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const answer = await plainFetch(...request);
  const text = await answer.text();
  const isRefusal = /"userErrors":\[\{/.test(text);
  return new Response(text, { status: isRefusal ? 422 : answer.status });
};
