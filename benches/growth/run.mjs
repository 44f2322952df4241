// Measures how the time of a request depends on the size of the database. See README.md in this folder.
//   DATABASE_URL=postgres://…/postgres node benches/growth/run.mjs
import { Server } from '../server.mjs';

const times = Number(process.env.TIMES ?? 300);

// Returns the median time of many requests, one after the other, in milliseconds.
async function median(server, token, query, variables) {
  const taken = [];
  for (let n = 0; n < times + 20; n++) {
    const begin = performance.now();
    await server.ask(token, query, variables);
    if (n >= 20) taken.push(performance.now() - begin);
  }
  return taken.sort((a, b) => a - b)[times / 2].toFixed(2);
}

const ORGANIZATIONS = `query ($first: Int, $order: OrganizationOrder) { viewer { organizations(first: $first, orderBy: $order) {
  nodes { slug displayName viewerMembership { role } memberCount } pageInfo { hasNextPage endCursor } } } }`;
const ALL = `query ($first: Int, $after: String, $order: OrganizationOrder) { organizations(first: $first, after: $after, orderBy: $order) {
  nodes { slug displayName memberCount } pageInfo { hasNextPage endCursor } } }`;
const MEMBERS = `query ($first: Int, $after: String, $order: MembershipOrder) { organization(slug: "org-1") { members(first: $first, after: $after, orderBy: $order) {
  nodes { role user { username displayName } } pageInfo { hasNextPage endCursor } } } }`;

// Returns the cursor with which a page begins.
async function cursor(server, token, first, page, order) {
  let after = null;
  for (let n = 1; n < page; n++) after = (await server.ask(token, MEMBERS, { first, after, order })).organization.members.pageInfo.endCursor;
  return after;
}

async function measure(organizations) {
  const server = await Server.start(`guildhall_growth_${organizations}`, organizations);
  const { one, many, root } = server;
  try {
    const rows = {};
    const row = async (name, ...request) => { rows[name] = await median(server, ...request); };
    for (const first of [50, 100]) {
      for (const field of ['JOINED_AT', 'USERNAME', 'ROLE']) {
        const order = { field, direction: 'ASC' };
        await row(`${first} members of 20,000 by ${field}, first page`, one, MEMBERS, { first, order });
        const after = await cursor(server, one, first, 200, order);
        await row(`${first} members of 20,000 by ${field}, page 200`, one, MEMBERS, { first, after, order });
      }
    }
    await row('20 organizations of a viewer in 1 organization', one, ORGANIZATIONS, { first: 20 });
    await row('20 organizations of a viewer in 1,000 organizations, or in all', many, ORGANIZATIONS, { first: 20 });
    await row('10 organizations, for a site administrator', root, ALL, { first: 10 });
    return rows;
  } finally {
    await server.stop();
  }
}

const [few, many] = [await measure(10), await measure(10000)];
console.log('| median of a request, ms | 10 organizations | 10,000 organizations |\n|---|--:|--:|');
const values = Object.values(many);
Object.entries(few).forEach(([name, value], n) => console.log(`| ${name} | ${value} | ${values[n]} |`));
