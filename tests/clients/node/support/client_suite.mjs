// What every client has to be able to do, whichever it is: queries, mutations, and subscriptions that go on by the cursor
// after the server has been away.

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
 * `connect(server, token)` gives `{ run, follow, close }`: `run(document, variables)` resolves to `{ data, errors }` of a
 * query or mutation; `follow(document, variables)` is an async iterable of the same for a subscription, which ends or throws when
 * the connection is lost.
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

  test(`${name} queries`, () =>
    as('mira', async ({ run }) => {
      const { data, errors } = await run(VIEWER, { search: 'pixel' });
      assert.deepEqual(errors ?? [], []);
      assert.equal(data.viewer.user.username, 'mira');
      const [{ id, slug, viewerMembership }, ...others] = data.viewer.organizations.nodes;
      assert.deepEqual([id, slug, viewerMembership.role], [organization.id, 'pixel-pals', 'OWNER']);
      assert.deepEqual(others, []);
    }));

  test(`${name} mutates, and is told why not`, () =>
    as('pia', async ({ run }) => {
      const made = await run(CREATE, { input: { slug: 'by-a-client' } });
      assert.equal(made.data.createOrganization.organization.slug, 'by-a-client');
      assert.deepEqual(made.data.createOrganization.userErrors, []);
      const refused = (await run(CREATE, { input: { slug: 'pixel-pals' } })).data.createOrganization;
      assert.equal(refused.organization, null);
      const [{ code, path }] = refused.userErrors;
      assert.deepEqual([code, path], ['SLUG_TAKEN', ['input', 'slug']]);
    }));

  test(`${name} gets what may be seen beside the error for what may not`, () =>
    as('femi', async ({ run }) => {
      const { data, errors } = await run(INVITATIONS, { slug: 'pixel-pals' });
      assert.deepEqual([data.organization.slug, data.organization.invitations], ['pixel-pals', null]);
      const [{ path, extensions }, ...others] = errors;
      assert.deepEqual(path, ['organization', 'invitations']);
      assert.deepEqual([extensions.code, extensions.permission], ['FORBIDDEN', 'VIEW_INVITATIONS']);
      assert.deepEqual(others, []);
    }));

  test(`${name} hears events, and goes on by the cursor after a restart of the server`, () =>
    as('mira', async ({ follow }) => {
      const { id } = organization;
      let name = (await mira.asks('query ($id: ID!) { node(id: $id) { ... on Organization { name } } }', { id })).node.name;
      let cursor = organization.cursor;
      const heard = [];

      async function rename(to) {
        await mira.renames(id, to);
        heard.push({ from: name, to });
        name = to;
      }

      async function hear(events) {
        const { value, done } = await within(10, events.next());
        assert(!done, 'the stream has not ended');
        assert.deepEqual(value.errors ?? [], []);
        const event = value.data.workspaceEvents;
        const { from, to } = heard.shift();
        assert.deepEqual([event.type, event.actor.username], ['ORGANIZATION_UPDATED', 'mira']);
        assert.equal(event.subjectId, id);
        const keys = Object.keys(event).filter((key) => key !== '__typename');
        assert.deepEqual(keys, ['id', 'cursor', 'type', 'actor', 'subjectId', 'changes'], 'in the order asked for');
        assert.deepEqual(event.changes.map(plain), [{ field: 'name', before: from, after: to }]);
        cursor = event.cursor;
      }

      let events = follow(FOLLOW, { id, after: cursor })[Symbol.asyncIterator]();
      await rename('Replayed or live');
      await hear(events);
      await rename('Live');
      await hear(events);

      await server.stop();
      await within(10, untilItEnds(events));
      await server.startAgain();

      await rename('Missed once');
      await rename('Missed twice');
      events = follow(FOLLOW, { id, after: cursor })[Symbol.asyncIterator]();
      await hear(events);
      await hear(events);
      await rename('Live again');
      await hear(events);
      await events.return();
    }));
}

/** The change without what a client adds of its own. */
function plain({ field, before, after }) {
  return { field, before, after };
}

/** Reads on until the connection is lost; that may tell the reason, but no event. */
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
