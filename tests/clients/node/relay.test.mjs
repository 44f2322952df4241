// relay-compiler takes the schema and an application's documents; the server takes what it makes of them.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { SHARED } from './support/guildhall.mjs';
import { byRelay } from './support/manifests.mjs';
import { Person } from './support/person.mjs';

let artifacts;
/** The file in which Relay puts the text of each operation, by its hash. */
let manifest;

before(async () => {
  artifacts = await mkdtemp(join(tmpdir(), 'relay-'));
});
after(() => rm(artifacts, { recursive: true }));

/** The text that Relay sends for an operation. */
async function text(operation) {
  const texts = Object.values(JSON.parse(await readFile(manifest, 'utf8')));
  return texts.find((text) => new RegExp(`\\b(query|mutation|subscription) ${operation}\\(`).test(text));
}

test('relay-compiler compiles queries, pages, mutations of lists, interfaces and subscriptions', async () => {
  manifest = await byRelay(artifacts);
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
