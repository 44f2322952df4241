// Compares the cost of the most expensive documents in points and in processor time. See ../README.md.
//   DATABASE_URL=postgres://…/postgres node benches/points/run.mjs
import { readFileSync } from 'node:fs';
import { Server } from '../server.mjs';

const seconds = Number(process.env.SECONDS_EACH ?? 2);
// The highest time per point of a document without sign-in, as a multiple of the median.
const MOST = 50;

const INTROSPECTION = readFileSync(new URL('../../tests/validation/introspection.graphql', import.meta.url), 'utf8');
const repeat = (count, piece) => Array.from({ length: count }, (_, n) => piece(n)).join(' ');
const query = (fields) => `{ ${fields} }`;
const organizations = (fields) => `{ viewer { organizations(first: 100) { nodes { ${fields} } } } }`;
const organization = (fields) => `{ organization(slug: "org-1") { ${fields} } }`;
const mutation = (count, name, input, errors = 'userErrors { code }') =>
  `mutation { ${repeat(count, (n) => `a${n}: ${name}(input: {${input(n)}}) { ${errors} }`)} }`;
const digits = '0123456789abcdefghjkmnpqrstvwxyz';
// Returns the ID of row n of a table in growth/world.sql.
function id(prefix, n) {
  let text = '';
  for (; n > 0; n = Math.floor(n / 32)) text = digits[n % 32] + text;
  return `${prefix}_01j0000000e0080000${text.padStart(8, '0')}`;
}

// Returns a list of [token, name, document, variables].
function documents({ one, many, root }, refreshToken) {
  const anonymous = undefined;
  return [
    [anonymous, 'nothing', '{ __typename }'],
    [anonymous, 'introspection', INTROSPECTION],
    [anonymous, 'deep introspection', `{ __schema { types { fields { args { type { ofType { ofType { name } } } } type { fields { name } } } } } }`],
    [anonymous, '100 times roles', query(repeat(100, (n) => `a${n}: roles { role permissions }`))],
    [anonymous, '100 invitationPreview', query(repeat(100, (n) => `a${n}: invitationPreview(token: "${n}") { organizationName }`))],
    [anonymous, '100 organizations by slug', query(repeat(100, (n) => `a${n}: organization(slug: "org-${n}") { id }`))],
    [anonymous, '100 nodes', query(repeat(100, (n) => `a${n}: node(id: "${id('org', n)}") { id }`))],
    [anonymous, '100 refreshSession', mutation(100, 'refreshSession', () => `refreshToken: "${refreshToken}"`)],
    [anonymous, '100 signOut', mutation(100, 'signOut', () => `refreshToken: "${refreshToken}"`)],
    [anonymous, '4 signIn', mutation(4, 'signIn', (n) => `login: "user${n}", password: "correct horse battery"`)],
    [anonymous, '4 signUp, refused', mutation(4, 'signUp', (n) => `username: "user${n + 10}", email: "a${n}@example.org", password: "correct horse battery"`)],
    [anonymous, '4 resetPassword', mutation(4, 'resetPassword', (n) => `token: "${n}", newPassword: "correct horse battery"`)],
    [anonymous, '100 requestPasswordReset', mutation(100, 'requestPasswordReset', (n) => `email: "nobody${n}@example.org"`)],
    [anonymous, '100 declineInvitation', mutation(100, 'declineInvitation', (n) => `token: "${n}"`)],
    [many, '100 lists of 100 members', organizations('members(first: 100) { nodes { id role user { id username displayName } } }')],
    [many, '100 lists of 100 members, counted', organizations('members(first: 100) { totalCount nodes { id } }')],
    [many, '80 lists of events, counted', `{ viewer { organizations(first: 80) { nodes { events(first: 1) { totalCount } } } } }`],
    [many, '100 lists of everything', organizations(
      'members(first: 1) { nodes { id } } invitations(first: 1) { nodes { id } } projects(first: 1) { nodes { id } } tasks(first: 1) { nodes { id } } cloudStorages(first: 1) { nodes { id } } events(first: 1) { nodes { id } }')],
    [many, '100 times 100 organizations', `{ ${repeat(100, (n) => `a${n}: organizations(first: 100) { nodes { id slug memberCount viewerPermissions } }`)} }`],
    [many, '100 organizations by slug', query(repeat(100, (n) => `a${n}: organization(slug: "org-${n}") { id name }`))],
    [many, '100 nodes', query(repeat(100, (n) => `a${n}: node(id: "${id('org', n)}") { id }`))],
    [many, '20 times 100 nodes', `query($i: [ID!]!) ${query(repeat(20, (n) => `a${n}: nodes(ids: $i) { id }`))}`, { i: Array.from({ length: 100 }, (_, n) => id('org', n + 1)) }],
    [many, '100 hidden nodes', query(repeat(100, (n) => `a${n}: node(id: "${id('inv', n)}") { id }`))],
    [many, '100 slugAvailability', query(repeat(100, (n) => `a${n}: slugAvailability(slug: "org-${n}") { available suggestions }`))],
    [many, '100 transferPlan', query(repeat(100, (n) => `a${n}: transferPlan(resourceIds: ["${id('prj', n)}"], destinationWorkspaceId: "${id('org', n + 1)}", storage: DETACH) { possible }`))],
    [one, '20 searches of 20,000 members', organization(repeat(20, (n) => `a${n}: members(first: 100, search: "user${n}") { totalCount nodes { id } }`))],
    [one, '90 searches of 20,000 members, missed', organization(repeat(90, (n) => `a${n}: members(first: 1, search: "nothing${n}") { totalCount }`))],
    [root, '90 searches of all organizations, missed', query(repeat(90, (n) => `a${n}: organizations(first: 1, search: "nothing${n}") { totalCount }`))],
    [many, '100 updateProfile', mutation(100, 'updateProfile', (n) => `displayName: "Many ${n}"`)],
    [many, '100 createProject', mutation(100, 'createProject', (n) => `workspaceId: "${id('org', 2)}", name: "p${n}"`)],
    [many, '100 inviteMembers', mutation(100, 'inviteMembers', (n) => `organizationId: "${id('org', 2)}", invitees: [{email: "x${n}@example.org", role: WORKER}]`)],
  ];
}

// Sends a document repeatedly, each time with another text, so that the server cannot reuse a parsed document.
async function measure(server, [token, name, text, variables]) {
  const first = await server.post(token, text, variables, { cost: true });
  const points = first.extensions?.cost;
  if (points === undefined) throw new Error(`${name}: ${JSON.stringify(first).slice(0, 300)}`);
  const before = server.processorTime();
  const until = performance.now() + 1000 * seconds;
  let count = 0;
  for (; performance.now() < until; count++) await server.post(token, `${text} #${count}`, variables);
  const after = server.processorTime();
  const [own, database] = [after.server - before.server, after.database - before.database].map((time) => time / count);
  return { anonymous: !token, name, points, own, database, time: own + database, perPoint: (own + database) / points, first };
}

const server = await Server.start('guildhall_points', 1000);
try {
  const { signUp } = await server.ask(undefined, `mutation { signUp(input: {username: "newbie", email: "newbie@example.org",
    password: "correct horse battery"}) { session { refreshToken } userErrors { message } } }`);
  const rows = [];
  for (const document of documents(server, signUp.session.refreshToken)) rows.push(await measure(server, document));
  const perPoint = rows.map((row) => row.perPoint).sort((a, b) => a - b);
  const median = perPoint[Math.floor(perPoint.length / 2)];
  console.log('| document | as | points | server, ms | database, ms | µs a point | times the median |\n|---|---|--:|--:|--:|--:|--:|');
  for (const row of rows.sort((a, b) => b.perPoint - a.perPoint)) {
    console.log(`| ${row.name} | ${row.anonymous ? 'anonymous' : 'signed in'} | ${row.points} | ${row.own.toFixed(2)} | ${row.database.toFixed(2)} `
      + `| ${(1000 * row.perPoint).toFixed(1)} | ${(row.perPoint / median).toFixed(1)} |`);
    if (process.env.ANSWERS) console.log(JSON.stringify(row.first).slice(0, 200));
  }
  const worst = rows.filter((row) => row.anonymous && row.perPoint > MOST * median);
  for (const row of worst) console.error(`${row.name} takes over ${MOST} times the median`);
  process.exitCode = worst.length ? 1 : 0;
} finally {
  await server.stop();
}
