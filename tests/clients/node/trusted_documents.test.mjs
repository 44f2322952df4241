// Trusted documents: with a manifest from the tools of Relay, graphql-codegen or Apollo, the server runs only the
// documents of that manifest.

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

/** Restarts the server with the manifest in a file, and returns the manifest. */
async function restartWithManifest(file) {
  await server.stop();
  await server.restart('--trusted-documents', file);
  return JSON.parse(await readFile(file, 'utf8'));
}

/** Returns hash and text of a query, from a manifest of texts by hash. */
function findQuery(texts, query) {
  return Object.entries(texts).find(([, text]) => new RegExp(`\\bquery ${query}\\(`).test(text));
}

function owner({ data, errors }) {
  assert.deepEqual(errors, undefined);
  const { edges, nodes = edges.map(({ node }) => node) } = data.organization.members;
  return nodes[0].user.username;
}

/** Checks that the server refuses other texts, unknown hashes, and a text with its own hash. */
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
    const { data, errors } = await ada.post(body);
    assert.equal(data, undefined);
    assert.deepEqual(errors.map(({ extensions }) => extensions.code), ['DOCUMENT_NOT_TRUSTED'], JSON.stringify(body));
  }
}

test('only the documents of relay-compiler run', async () => {
  const [id, query] = findQuery(await restartWithManifest(await byRelay(folder)), 'MembersQuery');
  const variables = { slug: 'acme' };
  assert.equal(owner(await ada.post({ id, variables })), 'ada');
  assert.equal(owner(await ada.post({ query, variables })), 'ada');
  await refusesOthers();
});

test('only the documents of graphql-codegen run', async () => {
  const [documentId, query] = findQuery(await restartWithManifest(await byCodegen(folder)), 'Members');
  const variables = { slug: 'acme', first: 3 };
  assert.equal(owner(await ada.post({ documentId, variables })), 'ada');
  assert.equal(owner(await ada.post({ query, variables })), 'ada');
  await refusesOthers();
});

test("only the documents of Apollo's manifest run", async () => {
  const manifest = await restartWithManifest(await byApollo(folder));
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
