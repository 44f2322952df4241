// A schema that a client builds from introspection is the one that the server's SDL defines.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { buildClientSchema, buildSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema } from 'graphql';

import { SHARED } from './support/guildhall.mjs';

const printed = (schema) => printSchema(lexicographicSortSchema(schema));

test('a client schema prints as the SDL does', async () => {
  const query = getIntrospectionQuery({
    descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true,
    inputValueDeprecation: true, oneOf: true,
  });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(SHARED, { method: 'POST', headers, body: JSON.stringify({ query }) });
  const { data } = await answer.json();
  const sdl = await (await fetch(new URL('/schema.graphql', SHARED))).text();
  assert.equal(printed(buildClientSchema(data)), printed(buildSchema(sdl)));
});
