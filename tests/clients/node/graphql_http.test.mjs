// The audits of graphql-http: GraphQL over HTTP, what a server MUST, SHOULD and MAY do.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { serverAudits } from 'graphql-http';

import { SHARED } from './support/guildhall.mjs';

const audits = serverAudits({ url: SHARED });

test('there are audits of all three kinds', () => {
  for (const kind of ['MUST', 'SHOULD', 'MAY']) assert(audits.some(({ name }) => name.startsWith(kind)), kind);
});

for (const { id, name, fn } of audits) {
  test(`${name} (${id})`, async () => {
    const { status, reason } = await fn();
    assert.equal(status, 'ok', reason);
  });
}
