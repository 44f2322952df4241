// relay-compiler takes the schema and an application's documents; the server takes what it makes of them.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { SHARED } from './support/guildhall.mjs';
import { SCHEMA, SUITES, program } from './support/files.mjs';
import { Person } from './support/person.mjs';

let artifacts;

before(async () => {
  artifacts = await mkdtemp(join(tmpdir(), 'relay-'));
  await writeFile(manifest(), '{}');
});
after(() => rm(artifacts, { recursive: true }));

/** The file in which Relay puts the text of each operation, by its hash. */
function manifest() {
  return join(artifacts, 'persisted.json');
}

/** The text that Relay sends for an operation. */
async function text(operation) {
  const texts = Object.values(JSON.parse(await readFile(manifest(), 'utf8')));
  return texts.find((text) => new RegExp(`\\b(query|mutation|subscription) ${operation}\\(`).test(text));
}

test('relay-compiler compiles queries, pages, mutations of lists, interfaces and subscriptions', async () => {
  const config = join(artifacts, 'relay.config.json');
  const settings = { root: '/', sources: { [join(SUITES, 'relay').slice(1)]: 'app' } };
  const project = { language: 'javascript', schema: SCHEMA.slice(1), output: artifacts.slice(1), persist: { file: manifest().slice(1) } };
  await writeFile(config, JSON.stringify({ ...settings, projects: { app: project } }));
  const { stderr } = await promisify(execFile)(program('relay-compiler'), [config], { cwd: '/' });
  assert.doesNotMatch(stderr, /error/i);
});

test('the server answers what Relay asks, page by page', async () => {
  const mira = await Person.signIn(SHARED, 'mira');
  const { organization } = await mira.asks(await text('MembersQuery'), { slug: 'pixel-pals' });
  const usernames = [];
  for (let { members } = organization; ; ) {
    usernames.push(...members.edges.map(({ node }) => node.user.username));
    if (!members.pageInfo.hasNextPage) break;
    const { node } = await mira.asks(await text('MembersPageQuery'), {
      id: organization.id,
      count: 3,
      cursor: members.pageInfo.endCursor,
    });
    members = node.members;
  }
  assert.deepEqual(usernames, [...usernames].sort());
  assert.deepEqual(['femi', 'mira'].filter((name) => !usernames.includes(name)), []);
});

test('the server does what Relay asks it to', async () => {
  const mira = await Person.signIn(SHARED, 'mira');
  const { id } = await mira.organization('pixel-pals');
  const input = { organizationId: id, invitees: [{ email: 'relay@example.org', role: 'WORKER' }] };
  const { inviteMembers } = await mira.asks(await text('MembersInviteMutation'), { input });
  const [{ invitation, userErrors }] = inviteMembers.results;
  assert.deepEqual(userErrors, []);
  assert.deepEqual([invitation.email, invitation.status], ['relay@example.org', 'PENDING']);
});
