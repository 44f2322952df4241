// graphql-codegen generates types for an application's documents, tsc compiles them with --strict, and the result runs.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { SHARED } from './support/guildhall.mjs';
import { SUITES, program } from './support/files.mjs';
import { Person } from './support/person.mjs';

const run = promisify(execFile);
const cwd = join(SUITES, 'codegen');

test('graphql-codegen accepts the schema and the documents', async () => {
  await run(program('graphql-codegen'), ['--config', 'codegen.json'], { cwd });
});

test('tsc --strict compiles the generated types', async () => {
  const { stdout } = await run(program('tsc'), ['-p', '.'], { cwd }).catch((failed) => failed);
  assert.equal(stdout, '');
});

test('the compiled application runs', async () => {
  const { members, createProject } = await import('./codegen/built/members.js');
  const mira = await Person.signIn(SHARED, 'mira');
  const server = { url: SHARED, token: mira.token };
  const [first, ...others] = await members(server, 'pixel-pals');
  assert.equal(first, 'mira');
  assert(others.includes('tobias') && others.length >= 8);
  const { id } = await mira.organization('pixel-pals');
  const { viewer } = await mira.execute('{ viewer { personalWorkspace { id } } }');
  assert.equal(await createProject(server, id, ' '), 'REQUIRED');
  assert.match(await createProject(server, id, 'Typed'), /^(Typed of pixel-pals|only 3 projects)$/);
  assert.match(await createProject(server, viewer.personalWorkspace.id, 'Typed'), /^(Typed of mira|only 3 projects)$/);
});
