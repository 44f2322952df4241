// Tests of every client: queries, mutations, and subscriptions that resume by cursor after a restart of the server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Guildhall } from './guildhall.mjs';
import { Person } from './person.mjs';

export const VIEWER = `query Viewer($search: String!) {
  viewer { user { id username } organizations(search: $search) { nodes { id slug viewerMembership { id role } } } } }`;

export const CREATE = `mutation Create($input: CreateOrganizationInput!) {
  createOrganization(input: $input) { organization { id slug } userErrors { code path } } }`;

export const INVITATIONS = `query Invitations($slug: String!) {
  organization(slug: $slug) { id slug invitations { totalCount } } }`;

export const FOLLOW = `subscription Follow($id: ID!, $after: String) {
  workspaceEvents(workspaceId: $id, after: $after) {
    id cursor type actor { id username } subjectId changes { field before after } } }`;

/**
 * Defines the tests of one client.
 *
 * `connect(server, person)` returns `{ run, follow, close }`: `run(document, variables)` resolves to `{ data, errors }` of
 * a query or mutation; `follow(document, variables)` is an async iterable of the same for a subscription, which ends or
 * throws when the connection is lost.
 */
export function testClient(name, connect) {
  let server, mira, organization;

  async function as(login, use) {
    const person = login === 'mira' ? mira : await Person.signIn(server.url, login);
    const client = await connect(server, person);
    try {
      await use(client);
    } finally {
      await client.close();
    }
  }

  before(async () => {
    server = await Guildhall.start();
    mira = await Person.signIn(server.url, 'mira');
    organization = await mira.organization('pixel-pals');
  });

  after(() => server?.remove());

  test(`${name} gets the data of a query`, () =>
    as('mira', async ({ run }) => {
      const { data, errors } = await run(VIEWER, { search: 'pixel' });
      assert.deepEqual(errors ?? [], []);
      assert.equal(data.viewer.user.username, 'mira');
      const [{ id, slug, viewerMembership }, ...others] = data.viewer.organizations.nodes;
      assert.deepEqual([id, slug, viewerMembership.role], [organization.id, 'pixel-pals', 'OWNER']);
      assert.deepEqual(others, []);
    }));

  test(`${name} gets data and user errors of mutations`, () =>
    as('pia', async ({ run }) => {
      const made = await run(CREATE, { input: { slug: 'by-a-client' } });
      assert.equal(made.data.createOrganization.organization.slug, 'by-a-client');
      assert.deepEqual(made.data.createOrganization.userErrors, []);
      const refused = (await run(CREATE, { input: { slug: 'pixel-pals' } })).data.createOrganization;
      assert.equal(refused.organization, null);
      const [{ code, path }] = refused.userErrors;
      assert.deepEqual([code, path], ['SLUG_TAKEN', ['input', 'slug']]);
    }));

  test(`${name} gets data together with the error of a forbidden field`, () =>
    as('femi', async ({ run }) => {
      const { data, errors } = await run(INVITATIONS, { slug: 'pixel-pals' });
      assert.deepEqual([data.organization.slug, data.organization.invitations], ['pixel-pals', null]);
      const [{ path, extensions }, ...others] = errors;
      assert.deepEqual(path, ['organization', 'invitations']);
      assert.deepEqual([extensions.code, extensions.permission], ['FORBIDDEN', 'VIEW_INVITATIONS']);
      assert.deepEqual(others, []);
    }));

  test(`${name} receives events, and resumes by cursor after a restart of the server`, () =>
    as('mira', async ({ follow }) => {
      const { id } = organization;
      let name = (await mira.execute('query ($id: ID!) { node(id: $id) { ... on Organization { name } } }', { id })).node.name;
      let cursor = organization.cursor;
      const expected = [];

      async function rename(to) {
        await mira.renameOrganization(id, to);
        expected.push({ from: name, to });
        name = to;
      }

      async function receive(events) {
        const { value, done } = await within(10, events.next());
        assert(!done, 'the stream has not ended');
        assert.deepEqual(value.errors ?? [], []);
        const event = value.data.workspaceEvents;
        const { from, to } = expected.shift();
        assert.deepEqual([event.type, event.actor.username], ['ORGANIZATION_UPDATED', 'mira']);
        assert.equal(event.subjectId, id);
        const keys = Object.keys(event).filter((key) => key !== '__typename');
        assert.deepEqual(keys, ['id', 'cursor', 'type', 'actor', 'subjectId', 'changes'], 'in the order asked for');
        assert.deepEqual(event.changes.map(plain), [{ field: 'name', before: from, after: to }]);
        cursor = event.cursor;
      }

      let events = follow(FOLLOW, { id, after: cursor })[Symbol.asyncIterator]();
      await rename('Replayed or live');
      await receive(events);
      await rename('Live');
      await receive(events);

      await server.stop();
      await within(10, untilItEnds(events));
      await server.restart();

      await rename('Missed once');
      await rename('Missed twice');
      events = follow(FOLLOW, { id, after: cursor })[Symbol.asyncIterator]();
      await receive(events);
      await receive(events);
      await rename('Live again');
      await receive(events);
      await events.return();
    }));
}

/** Returns a change without the fields that a client adds. */
function plain({ field, before, after }) {
  return { field, before, after };
}

/** Reads until the connection is lost. Only an error with the reason may arrive, no event. */
async function untilItEnds(events) {
  try {
    for (let next = await events.next(); !next.done; next = await events.next()) {
      assert.equal(next.value.errors?.[0].extensions.code, 'SHUTTING_DOWN', JSON.stringify(next.value));
    }
  } catch (cause) {
    if (cause instanceof assert.AssertionError) throw cause;
  }
}

async function within(seconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing in ${seconds} seconds`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
