// @graphql-eslint on schema.graphql: its recommended rules for schemas, and its rules for Relay.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import * as plugin from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';

import { PROJECT, SCHEMA } from './support/files.mjs';

const RULES = {
  ...plugin.configs['flat/schema-recommended'].rules,
  ...plugin.configs['flat/schema-relay'].rules,
  // Only objects that can be fetched again have an ID; values such as a limit, and payloads, have none.
  '@graphql-eslint/strict-id-in-types': 'off',
  // Short lists, such as roles, are not connections.
  '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
};

/** Ignored: `username` is one word. */
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

test('@graphql-eslint parses the schema', () => {
  assert.deepEqual(messages.filter(({ fatal }) => fatal), []);
});

for (const rule of Object.keys(RULES).filter((name) => RULES[name] !== 'off')) {
  test(rule, () => {
    const found = messages.filter(({ ruleId, message }) => ruleId === rule && message !== USERNAME);
    assert.deepEqual(found.map(({ line, message }) => `${line}: ${message}`), []);
  });
}
