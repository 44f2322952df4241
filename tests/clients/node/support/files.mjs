// Paths of files.

import { fileURLToPath } from 'node:url';

/** Root folder of the project. */
export const PROJECT = fileURLToPath(new URL('../../../../', import.meta.url));

/** The schema. */
export const SCHEMA = `${PROJECT}schema.graphql`;

/** The folder of these suites. */
export const SUITES = fileURLToPath(new URL('../', import.meta.url));

/** Returns the path of a program of an npm package. */
export function program(name) {
  return `${SUITES}node_modules/.bin/${name}`;
}
