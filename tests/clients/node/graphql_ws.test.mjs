// graphql-ws: the reference client of graphql-transport-ws.

import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

import { testClient } from './support/client_suite.mjs';

testClient('graphql-ws', ({ socketUrl }, { token }) => {
  const client = createClient({
    url: socketUrl,
    webSocketImpl: WebSocket,
    connectionParams: { token },
    retryAttempts: 0,
  });
  return {
    run: async (query, variables) => (await client.iterate({ query, variables }).next()).value,
    follow: (query, variables) => client.iterate({ query, variables }),
    close: () => client.dispose(),
  };
});
