// @graphql-eslint on schema.graphql: what it recommends for schemas, and what Relay asks of them.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import * as plugin from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';

import { PROJECT, SCHEMA } from './support/files.mjs';

const RULES = {
  ...plugin.configs['flat/schema-recommended'].rules,
  ...plugin.configs['flat/schema-relay'].rules,
  // An ID is for what can be found again. Values, such as a limit, and payloads have none.
  '@graphql-eslint/strict-id-in-types': 'off',
  // Short lists, such as roles, are no connections.
  '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
};

/** A word of its own, whatever it begins with. */
const USERNAME = 'Field "username" starts with the name of the parent type "User"';

let messages;
before(async () => {
  const config = {
    files: ['*.graphql'],
    plugins: { '@graphql-eslint': { rules: plugin.rules } },
    languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: SCHEMA } } },
    rules: RULES,
  };
  const eslint = new ESLint({ cwd: PROJECT, overrideConfigFile: true, overrideConfig: [config] });
  [{ messages }] = await eslint.lintFiles([SCHEMA]);
});

test('the schema is one that @graphql-eslint understands', () => {
  assert.deepEqual(messages.filter(({ fatal }) => fatal), []);
});

for (const rule of Object.keys(RULES).filter((name) => RULES[name] !== 'off')) {
  test(rule, () => {
    const found = messages.filter(({ ruleId, message }) => ruleId === rule && message !== USERNAME);
    assert.deepEqual(found.map(({ line, message }) => `${line}: ${message}`), []);
  });
}
