// The schema that a client builds from introspection equals the schema of the server's SDL.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { buildClientSchema, buildSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema } from 'graphql';

import { SHARED } from './support/guildhall.mjs';

const printed = (schema) => printSchema(lexicographicSortSchema(schema));

test('the introspected schema prints like the SDL', async () => {
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
