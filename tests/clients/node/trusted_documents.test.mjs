// The locked mode: with a manifest that a tool of Relay's, graphql-codegen's or Apollo's has made of an application's documents,
// these run, and nothing else.

import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { createPersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { generatePersistedQueryIdsFromManifest } from '@apollo/persisted-query-lists';

import { Guildhall } from './support/guildhall.mjs';
import { DOCUMENTS, byApollo, byCodegen, byRelay } from './support/manifests.mjs';
import { Person } from './support/person.mjs';

let server, folder, ada;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'manifests-'));
  await chmod(folder, 0o755);
  server = await Guildhall.startEmpty();
  ada = await Person.signUp(server.url, 'ada', 'acme');
});

after(async () => {
  await server?.remove();
  await rm(folder, { recursive: true });
});

/** From now on the server runs what is in the manifest, which is given. */
async function lockedBy(file) {
  await server.stop();
  await server.startAgain('--trusted-documents', file);
  return JSON.parse(await readFile(file, 'utf8'));
}

/** Name and text of the document of a query, in a manifest of texts by names. */
function named(texts, query) {
  return Object.entries(texts).find(([, text]) => new RegExp(`\\bquery ${query}\\(`).test(text));
}

function owner({ data, errors }) {
  assert.deepEqual(errors, undefined);
  const { edges, nodes = edges.map(({ node }) => node) } = data.organization.members;
  return nodes[0].user.username;
}

/** Nothing else runs: neither a text, nor a hash, nor a document whose hash is its own. */
async function refusesOthers() {
  const introspection = '{ __schema { types { name } } }';
  const persistedQuery = { version: 1, sha256Hash: 'ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38' };
  for (const body of [
    { query: introspection },
    { query: 'query Members { __typename }', operationName: 'Members' },
    { documentId: 'unknown' },
    { documentId: 'unknown', query: introspection },
    { query: '{__typename}', extensions: { persistedQuery } },
  ]) {
    const { data, errors } = await ada.sends(body);
    assert.equal(data, undefined);
    assert.deepEqual(errors.map(({ extensions }) => extensions.code), ['DOCUMENT_NOT_TRUSTED'], JSON.stringify(body));
  }
}

test('what relay-compiler has persisted runs, and nothing else', async () => {
  const [id, query] = named(await lockedBy(await byRelay(folder)), 'MembersQuery');
  const variables = { slug: 'acme' };
  assert.equal(owner(await ada.sends({ id, variables })), 'ada');
  assert.equal(owner(await ada.sends({ query, variables })), 'ada');
  await refusesOthers();
});

test('what graphql-codegen has persisted runs, and nothing else', async () => {
  const [documentId, query] = named(await lockedBy(await byCodegen(folder)), 'Members');
  const variables = { slug: 'acme', first: 3 };
  assert.equal(owner(await ada.sends({ documentId, variables })), 'ada');
  assert.equal(owner(await ada.sends({ query, variables })), 'ada');
  await refusesOthers();
});

test("what is in Apollo's manifest runs when Apollo Client names it, and nothing else", async () => {
  const manifest = await lockedBy(await byApollo(folder));
  assert.deepEqual(manifest.operations.map(({ name }) => name).sort(), ['Invite', 'Members']);
  const sent = [];
  const watching = (url, options) => {
    sent.push(JSON.parse(options.body));
    return fetch(url, options);
  };
  const http = new HttpLink({ uri: server.url, headers: ada.headers, fetch: watching });
  const ids = createPersistedQueryLink(generatePersistedQueryIdsFromManifest({ loadManifest: () => manifest }));
  const client = new ApolloClient({ link: ids.concat(http), cache: new InMemoryCache() });
  const query = gql(await readFile(join(DOCUMENTS, 'members.graphql'), 'utf8'));
  assert.equal(owner({ data: (await client.query({ query, variables: { slug: 'acme' } })).data }), 'ada');
  assert.deepEqual(sent.map(({ query }) => query), [undefined], 'by its name alone');

  const open = new ApolloClient({ link: http, cache: new InMemoryCache() });
  await assert.rejects(open.query({ query: gql`query Other { viewer { isAdmin } }` }), ({ errors }) => {
    assert.deepEqual(errors.map(({ extensions }) => extensions.code), ['DOCUMENT_NOT_TRUSTED']);
    return true;
  });
  client.stop();
  open.stop();
  await refusesOthers();
});
