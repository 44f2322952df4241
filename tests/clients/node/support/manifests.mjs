// Manifests of an application's documents, each made by the tool that the application would use. All take the folder that
// they may write into, and give the file.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { PROJECT, SCHEMA, SUITES, program } from './files.mjs';

const run = promisify(execFile);

/** Documents of clients in another language, which are files of their own. */
export const DOCUMENTS = `${PROJECT}tests/clients/rust/documents/`;

async function written(file, json) {
  await writeFile(file, JSON.stringify(json));
  return file;
}

/** By relay-compiler, of `relay/`: texts by the hashes that Relay calls them by. */
export async function byRelay(folder) {
  const manifest = await written(join(folder, 'persisted.json'), {});
  const project = { language: 'javascript', schema: SCHEMA.slice(1), output: folder.slice(1), persist: { file: manifest.slice(1) } };
  const settings = { root: '/', sources: { [join(SUITES, 'relay').slice(1)]: 'app' }, projects: { app: project } };
  const config = await written(join(folder, 'relay.config.json'), settings);
  const { stderr } = await run(program('relay-compiler'), [config], { cwd: '/' });
  assert.doesNotMatch(stderr, /error/i);
  return manifest;
}

/** By graphql-codegen's client preset, of `codegen/`: texts by the hashes that it puts into the documents. */
export async function byCodegen(folder) {
  const generated = join(folder, 'generated/');
  const output = { preset: 'client', presetConfig: { persistedDocuments: true }, config: { emitLegacyCommonJSImports: false } };
  const settings = { schema: SCHEMA, documents: join(SUITES, 'codegen/members.ts'), generates: { [generated]: output } };
  const config = await written(join(folder, 'codegen.json'), settings);
  await run(program('graphql-codegen'), ['--config', config], { cwd: SUITES });
  return join(generated, 'persisted-documents.json');
}

/** By Apollo's own tool, of DOCUMENTS: an operation manifest. */
export async function byApollo(folder) {
  const output = join(folder, 'persisted-query-manifest.json');
  const config = await written(join(folder, 'manifest.config.json'), { documents: ['documents/*.graphql'], output });
  await run(program('generate-persisted-query-manifest'), ['--config', config], { cwd: join(DOCUMENTS, '..') });
  return output;
}
