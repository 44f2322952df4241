// urql: fetchExchange for queries and mutations; subscriptions by subscriptionExchange in a WebSocket, and by
// fetchExchange as Server-Sent Events.

import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import { parse } from 'graphql';
import { toAsyncIterable } from 'wonka';
import WebSocket from 'ws';

import { testClient } from './support/client_suite.mjs';

/** Returns the server's response from urql's result. */
function responseOf({ data, error }) {
  if (error?.networkError) throw error;
  return { data, errors: error?.graphQLErrors };
}

function adapt(client, close) {
  const isMutation = (text) => parse(text).definitions[0].operation === 'mutation';
  return {
    run: async (text, variables) =>
      responseOf(await (isMutation(text) ? client.mutation(text, variables) : client.query(text, variables)).toPromise()),
    async *follow(text, variables) {
      for await (const result of toAsyncIterable(client.subscription(text, variables))) yield responseOf(result);
    },
    close,
  };
}

testClient('urql with subscriptionExchange', ({ url, socketUrl }, { token, headers }) => {
  const socket = createClient({
    url: socketUrl,
    webSocketImpl: WebSocket,
    connectionParams: { token },
    retryAttempts: 0,
  });
  const subscriptions = subscriptionExchange({
    forwardSubscription: (request) => ({
      subscribe: (sink) => ({ unsubscribe: socket.subscribe({ ...request, query: request.query ?? '' }, sink) }),
    }),
  });
  const client = new Client({ url, exchanges: [fetchExchange, subscriptions], fetchOptions: { headers } });
  return adapt(client, () => socket.dispose());
});

testClient('urql with fetchSubscriptions', ({ url }, { headers }) => {
  const client = new Client({ url, exchanges: [fetchExchange], fetchSubscriptions: true, fetchOptions: { headers } });
  return adapt(client, () => {});
});
