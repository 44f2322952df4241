// Node's agent reuses connections, but not after a response to a body that the server did not read.

import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';

import { SHARED } from './support/guildhall.mjs';

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function ask(path, method, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(path, SHARED), { agent, method, headers }, (response) => {
      response.on('error', reject).on('end', () => resolve(response)).resume();
    });
    request.on('error', reject).end(body);
  });
}

const body = JSON.stringify({ query: '{ __typename }', variables: { a: 'x'.repeat(300 * 1024) } });
const json = { 'content-type': 'application/json' };

for (const [path, method, headers, status] of [
  ['/graphql', 'POST', { 'content-type': 'text/plain' }, 415],
  ['/graphql', 'POST', { ...json, accept: 'text/html' }, 406],
  ['/graphql', 'PUT', json, 405],
  ['/nothing', 'POST', json, 404],
]) {
  test(`a request succeeds after a ${status} for a body of 300 KB`, async () => {
    for (let round = 0; round < 5; round++) {
      const refused = await ask(path, method, headers, body);
      assert.equal(refused.statusCode, status);
      assert.equal(refused.headers.connection, 'close');
      assert.equal((await ask('/graphql', 'POST', json, '{"query": "{ __typename }"}')).statusCode, 200);
    }
  });
}
