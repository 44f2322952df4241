// How the time of a request grows with the world that it is asked of. See README.md beside this file.
//   DATABASE_URL=postgres://…/postgres node benches/growth/run.mjs
import { execFileSync, spawn } from 'node:child_process';
import http from 'node:http';
import { fileURLToPath } from 'node:url';

const here = new URL('.', import.meta.url);
const guildhall = process.env.GUILDHALL ?? fileURLToPath(new URL('../../target/release/guildhall', here));
const times = Number(process.env.TIMES ?? 300);
const port = 8650;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function post(token, query, variables) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const request = http.request({ port, host: '127.0.0.1', path: '/graphql', method: 'POST', agent, headers }, (answer) => {
      let text = '';
      answer.on('data', (part) => { text += part; });
      answer.on('end', () => resolve(JSON.parse(text)));
    });
    request.on('error', reject);
    request.end(JSON.stringify({ query, variables }));
  });
}

async function ask(token, query, variables) {
  const { data, errors } = await post(token, query, variables);
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

// Milliseconds of the middle one of many requests, one after the other.
async function median(token, query, variables) {
  const taken = [];
  for (let n = 0; n < times + 20; n++) {
    const begin = performance.now();
    await ask(token, query, variables);
    if (n >= 20) taken.push(performance.now() - begin);
  }
  return taken.sort((a, b) => a - b)[times / 2].toFixed(2);
}

const ORGANIZATIONS = `query ($first: Int, $order: OrganizationOrder) { viewer { organizations(first: $first, orderBy: $order) {
  nodes { slug displayName viewerMembership { role } memberCount } pageInfo { hasNextPage endCursor } } } }`;
const EVERY = `query ($first: Int, $after: String, $order: OrganizationOrder) { organizations(first: $first, after: $after, orderBy: $order) {
  nodes { slug displayName memberCount } pageInfo { hasNextPage endCursor } } }`;
const MEMBERS = `query ($first: Int, $after: String, $order: MembershipOrder) { organization(slug: "org-1") { members(first: $first, after: $after, orderBy: $order) {
  nodes { role user { username displayName } } pageInfo { hasNextPage endCursor } } } }`;

// The cursor in front of a page.
async function cursor(token, first, page, order) {
  let after = null;
  for (let n = 1; n < page; n++) after = (await ask(token, MEMBERS, { first, after, order })).organization.members.pageInfo.endCursor;
  return after;
}

async function measure(organizations) {
  const database = `guildhall_growth_${organizations}`;
  const admin = process.env.DATABASE_URL;
  const url = Object.assign(new URL(admin), { pathname: `/${database}` }).href;
  const psql = (...rest) => execFileSync('psql', ['-q', '-v', 'ON_ERROR_STOP=1', ...rest], { stdio: ['ignore', 'ignore', 'inherit'] });
  psql(admin, '-c', `DROP DATABASE IF EXISTS ${database}`, '-c', `CREATE DATABASE ${database}`);
  const env = { ...process.env, DATABASE_URL: url, GUILDHALL_JWT_SECRET: 'a secret for benches that is long enough',
    GUILDHALL_LISTEN: `127.0.0.1:${port}`, GUILDHALL_RATE_LIMITS: 'off', GUILDHALL_MAIL_WORKER: 'off' };
  execFileSync(guildhall, ['migrate'], { env, stdio: 'ignore' });
  psql(url, '-v', `organizations=${organizations}`, '-f', fileURLToPath(new URL('world.sql', here)));
  const server = spawn(guildhall, ['serve'], { env, stdio: 'ignore' });
  try {
    const tokens = execFileSync(guildhall, ['token', '--stdin'], { env, input: 'one\nmany\nroot\n' }).toString().trim().split('\n');
    const [one, many, root] = tokens;
    for (let left = 100; left > 0; left--) {
      if (await ask(one, '{ __typename }').catch(() => false)) break;
      await wait(50);
    }
    const rows = {};
    const row = async (name, ...request) => { rows[name] = await median(...request); };
    for (const first of [50, 100]) {
      for (const field of ['JOINED_AT', 'USERNAME', 'ROLE']) {
        const order = { field, direction: 'ASC' };
        await row(`${first} members of 20,000 by ${field}, first page`, one, MEMBERS, { first, order });
        const after = await cursor(one, first, 200, order);
        await row(`${first} members of 20,000 by ${field}, page 200`, one, MEMBERS, { first, after, order });
      }
    }
    await row('20 organizations of a viewer who is in 1', one, ORGANIZATIONS, { first: 20 });
    await row('20 organizations of a viewer who is in 1,000, or in all', many, ORGANIZATIONS, { first: 20 });
    await row('10 organizations, asked by an administrator', root, EVERY, { first: 10 });
    return rows;
  } finally {
    server.kill('SIGTERM');
    agent.destroy();
    await new Promise((resolve) => server.on('exit', resolve));
  }
}

const [few, many] = [await measure(10), await measure(10000)];
console.log('| median of a request, ms | 10 organizations | 10,000 organizations |\n|---|--:|--:|');
const values = Object.values(many);
Object.entries(few).forEach(([name, value], n) => console.log(`| ${name} | ${value} | ${values[n]} |`));
