// graphql-schema-linter on schema.graphql: all rules except the four for alphabetical order
// (`*-sorted-alphabetically`). Fields and values have a logical order, such as roles from least to most powerful.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, test } from 'node:test';

import { SCHEMA, program } from './support/files.mjs';

const RULES = [
  'arguments-have-descriptions',
  'defined-types-are-used',
  'deprecations-have-a-reason',
  'descriptions-are-capitalized',
  'enum-values-all-caps',
  'enum-values-have-descriptions',
  'fields-are-camel-cased',
  'fields-have-descriptions',
  'input-object-values-are-camel-cased',
  'input-object-values-have-descriptions',
  'relay-connection-arguments-spec',
  'relay-connection-types-spec',
  'relay-page-info-spec',
  'types-are-capitalized',
  'types-have-descriptions',
];

let errors;
before(async () => {
  const settings = ['--format', 'json', '--rules', RULES.join(','), SCHEMA];
  const output = await new Promise((resolve) => {
    execFile(program('graphql-schema-linter'), settings, (_, stdout, stderr) => resolve(stdout || stderr));
  });
  ({ errors } = JSON.parse(output));
});

for (const name of RULES) {
  test(name, () => {
    const found = errors.filter(({ rule }) => rule === name);
    assert.deepEqual(found.map(({ location, message }) => `${location.line}: ${message}`), []);
  });
}

test('graphql-schema-linter reports no other errors, such as an unreadable schema', () => {
  assert.deepEqual(errors.filter(({ rule }) => !RULES.includes(rule)), []);
});
