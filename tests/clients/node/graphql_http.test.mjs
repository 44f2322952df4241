// The audits of graphql-http: the rules of GraphQL over HTTP that a server MUST, SHOULD and MAY follow.

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
