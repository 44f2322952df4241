// graphql-sse in its distinct connections mode: each operation is one request, and its response is an event stream.

import { createClient } from 'graphql-sse';

import { testClient } from './support/client_suite.mjs';

testClient('graphql-sse', ({ url }, { headers }) => {
  const client = createClient({ url, headers, retryAttempts: 0 });
  return {
    run: async (query, variables) => (await client.iterate({ query, variables }).next()).value,
    follow: (query, variables) => client.iterate({ query, variables }),
    close: () => client.dispose(),
  };
});
