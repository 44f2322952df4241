// Where things lie.

import { fileURLToPath } from 'node:url';

/** The project. */
export const PROJECT = fileURLToPath(new URL('../../../../', import.meta.url));

/** The schema, as clients get it. */
export const SCHEMA = `${PROJECT}schema.graphql`;

/** The folder of these suites. */
export const SUITES = fileURLToPath(new URL('../', import.meta.url));

/** A program of a package. */
export function program(name) {
  return `${SUITES}node_modules/.bin/${name}`;
}
