// Apollo Client: HttpLink for queries and mutations, GraphQLWsLink for subscriptions, and its normalizing cache.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { createPersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { filter, firstValueFrom } from 'rxjs';
import { fromObservable, toAsyncIterable } from 'wonka';
import WebSocket from 'ws';

import { testClient } from './support/client_suite.mjs';
import { SHARED } from './support/guildhall.mjs';
import { Person } from './support/person.mjs';

function connect({ url, socketUrl }, { token, headers }, cache = new InMemoryCache()) {
  const socket = createClient({
    url: socketUrl,
    webSocketImpl: WebSocket,
    connectionParams: { token },
    retryAttempts: 0,
  });
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    new HttpLink({ uri: url, headers }),
  );
  const defaults = { errorPolicy: 'all' };
  const client = new ApolloClient({ link, cache, defaultOptions: { query: defaults, mutate: defaults } });
  return { client, socket };
}

/** Returns the server's response from Apollo's result. */
function responseOf({ data, error }) {
  if (error && !error.errors) throw error;
  return { data, errors: error?.errors };
}

testClient('Apollo Client', (server, person) => {
  const { client, socket } = connect(server, person);
  const isMutation = (document) => document.definitions[0].operation === OperationTypeNode.MUTATION;
  return {
    run: async (text, variables) => {
      const document = gql(text);
      if (isMutation(document)) return responseOf(await client.mutate({ mutation: document, variables }));
      return responseOf(await client.query({ query: document, variables }));
    },
    async *follow(text, variables) {
      const results = client.subscribe({ query: gql(text), variables });
      for await (const result of toAsyncIterable(fromObservable(results))) yield responseOf(result);
    },
    close: async () => {
      client.stop();
      await socket.dispose();
    },
  };
});

test('Apollo Client updates its cache by IDs, and joins pages by cursors', async () => {
  const mira = await Person.signIn(SHARED, 'mira');
  const cache = new InMemoryCache({
    typePolicies: { Organization: { fields: { members: relayStylePagination(['orderBy']) } } },
  });
  const { client } = connect({ url: SHARED, socketUrl: SHARED.replace('http:', 'ws:') }, mira, cache);
  const query = gql`
    query Members($after: String) {
      organization(slug: "pixel-pals") {
        id
        description
        members(first: 3, after: $after) {
          edges { cursor node { id user { id username } } }
          pageInfo { hasNextPage endCursor }
          totalCount
        }
      }
    }
  `;
  const watched = client.watchQuery({ query });
  const once = (holds) => firstValueFrom(watched.pipe(filter(({ data }) => data && holds(data.organization))));
  const { data } = await once(() => true);
  for (let page = data.organization.members.pageInfo; page.hasNextPage; ) {
    const more = await watched.fetchMore({ variables: { after: page.endCursor } });
    page = more.data.organization.members.pageInfo;
  }
  const { data: joined } = await once(({ members }) => !members.pageInfo.hasNextPage);
  const { edges, totalCount } = joined.organization.members;
  assert(totalCount > 3, 'there are several pages');
  assert.equal(edges.length, totalCount);
  assert.equal(new Set(edges.map(({ node }) => node.id)).size, totalCount);

  const mutation = gql`
    mutation Describe($input: UpdateOrganizationInput!) {
      updateOrganization(input: $input) { organization { id description } userErrors { code } }
    }
  `;
  const description = 'Told by a mutation, seen in the query';
  const input = { organizationId: data.organization.id, description };
  await client.mutate({ mutation, variables: { input } });
  await once((organization) => organization.description === description);
  client.stop();
});

for (const useGETForHashedQueries of [false, true]) {
  const method = useGETForHashedQueries ? 'GET' : 'POST';
  test(`Apollo Client sends the text of a query once, and then its hash by ${method}`, async () => {
    const mira = await Person.signIn(SHARED, 'mira');
    const query = gql(`query Persisted${method}($slug: String!) { organization(slug: $slug) { id slug } }`);
    const mutation = gql(`mutation Persisted${method}($input: UpdateOrganizationInput!) {
      updateOrganization(input: $input) { organization { slug } userErrors { code } } }`);
    const sent = [];
    const connected = () => {
      const watching = async (url, options) => {
        const response = await fetch(url, options);
        const asked = options.body ? JSON.parse(options.body) : Object.fromEntries(new URL(url).searchParams);
        const { errors } = await response.clone().json();
        sent.push([options.method, 'query' in asked, errors?.[0].extensions.code]);
        return response;
      };
      const sha256 = (text) => createHash('sha256').update(text).digest('hex');
      const persisted = createPersistedQueryLink({ sha256, useGETForHashedQueries });
      const http = new HttpLink({ uri: SHARED, headers: mira.headers, fetch: watching });
      return new ApolloClient({ link: persisted.concat(http), cache: new InMemoryCache() });
    };
    const execute = async (client, slug) => {
      const { data } = await client.query({ query, variables: { slug } });
      assert.equal(data.organization.slug, slug);
      return data.organization.id;
    };
    const client = connected();
    const id = await execute(client, 'pixel-pals');
    assert.deepEqual(sent.splice(0), [[method, false, 'PERSISTED_QUERY_NOT_FOUND'], ['POST', true, undefined]]);
    const another = connected();
    await execute(another, 'pixel-pals');
    assert.deepEqual(sent.splice(0), [[method, false, undefined]], 'for another client');

    const { data } = await client.mutate({ mutation, variables: { input: { organizationId: id, description: method } } });
    assert.deepEqual(data.updateOrganization.userErrors, []);
    assert.deepEqual(sent.splice(0), [['POST', false, 'PERSISTED_QUERY_NOT_FOUND'], ['POST', true, undefined]]);
    client.stop();
    another.stop();
  });
}
