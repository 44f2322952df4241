// Manifests of an application's documents, each written by the tool that such an application uses. All functions take a
// folder for the output, and return the path of the manifest.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { PROJECT, SCHEMA, SUITES, program } from './files.mjs';

const run = promisify(execFile);

/** Folder with the documents of the Rust clients, one file each. */
export const DOCUMENTS = `${PROJECT}tests/clients/rust/documents/`;

async function writeJson(file, json) {
  await writeFile(file, JSON.stringify(json));
  return file;
}

/** Manifest of relay-compiler for `relay/`: texts by hash. */
export async function byRelay(folder) {
  const manifest = await writeJson(join(folder, 'persisted.json'), {});
  const project = { language: 'javascript', schema: SCHEMA.slice(1), output: folder.slice(1), persist: { file: manifest.slice(1) } };
  const settings = { root: '/', sources: { [join(SUITES, 'relay').slice(1)]: 'app' }, projects: { app: project } };
  const config = await writeJson(join(folder, 'relay.config.json'), settings);
  const { stderr } = await run(program('relay-compiler'), [config], { cwd: '/' });
  assert.doesNotMatch(stderr, /error/i);
  return manifest;
}

/** Manifest of graphql-codegen's client preset for `codegen/`: texts by hash. */
export async function byCodegen(folder) {
  const generated = join(folder, 'generated/');
  const output = { preset: 'client', presetConfig: { persistedDocuments: true }, config: { emitLegacyCommonJSImports: false } };
  const settings = { schema: SCHEMA, documents: join(SUITES, 'codegen/members.ts'), generates: { [generated]: output } };
  const config = await writeJson(join(folder, 'codegen.json'), settings);
  await run(program('graphql-codegen'), ['--config', config], { cwd: SUITES });
  return join(generated, 'persisted-documents.json');
}

/** Apollo's operation manifest for DOCUMENTS. */
export async function byApollo(folder) {
  const output = join(folder, 'persisted-query-manifest.json');
  const config = await writeJson(join(folder, 'manifest.config.json'), { documents: ['documents/*.graphql'], output });
  await run(program('generate-persisted-query-manifest'), ['--config', config], { cwd: join(DOCUMENTS, '..') });
  return output;
}
