// relay-compiler compiles an application's documents with the schema, and the server runs the result.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { SHARED } from './support/guildhall.mjs';
import { byRelay } from './support/manifests.mjs';
import { Person } from './support/person.mjs';

let artifacts;
/** Path of the manifest in which Relay writes the text of each operation, by hash. */
let manifest;

before(async () => {
  artifacts = await mkdtemp(join(tmpdir(), 'relay-'));
});
after(() => rm(artifacts, { recursive: true }));

/** Returns the text that Relay sends for an operation. */
async function text(operation) {
  const texts = Object.values(JSON.parse(await readFile(manifest, 'utf8')));
  return texts.find((text) => new RegExp(`\\b(query|mutation|subscription) ${operation}\\(`).test(text));
}

test('relay-compiler compiles queries, pages, mutations of lists, interfaces and subscriptions', async () => {
  manifest = await byRelay(artifacts);
});

test('the server runs paginated queries of Relay', async () => {
  const mira = await Person.signIn(SHARED, 'mira');
  const { organization } = await mira.execute(await text('MembersQuery'), { slug: 'pixel-pals' });
  const usernames = [];
  for (let { members } = organization; ; ) {
    usernames.push(...members.edges.map(({ node }) => node.user.username));
    if (!members.pageInfo.hasNextPage) break;
    const { node } = await mira.execute(await text('MembersPageQuery'), {
      id: organization.id,
      count: 3,
      cursor: members.pageInfo.endCursor,
    });
    members = node.members;
  }
  assert.deepEqual(usernames, [...usernames].sort());
  assert.deepEqual(['femi', 'mira'].filter((name) => !usernames.includes(name)), []);
});

test('the server runs mutations of Relay', async () => {
  const mira = await Person.signIn(SHARED, 'mira');
  const { id } = await mira.organization('pixel-pals');
  const input = { organizationId: id, invitees: [{ email: 'relay@example.org', role: 'WORKER' }] };
  const { inviteMembers } = await mira.execute(await text('MembersInviteMutation'), { input });
  const [{ invitation, userErrors }] = inviteMembers.results;
  assert.deepEqual(userErrors, []);
  assert.deepEqual([invitation.email, invitation.status], ['relay@example.org', 'PENDING']);
});
