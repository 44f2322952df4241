// Records the verdict of graphql-js on each document: null if it is valid, otherwise the first error. `npm run update`
// writes the verdicts for the tests; `npm run check` fails if they are stale.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { buildSchema, parse, specifiedRules, validate } from 'graphql';

const here = (path) => new URL(path, import.meta.url);
const read = (path) => readFileSync(here(path), 'utf8');
const small = buildSchema(read('schema.graphql'));
const served = buildSchema(read('../../schema.graphql'));

function verdict(schema, text) {
  try {
    const [error] = validate(schema, parse(text), specifiedRules);
    return error ? error.message : null;
  } catch (error) {
    return error.message;
  }
}

const verdicts = {};
for (const file of readdirSync(here('documents')).sort()) {
  const schema = file === 'guildhall.txt' ? served : small;
  verdicts[file] = read(`documents/${file}`).split('\n----\n').map((text) => verdict(schema, text));
}
const written = JSON.stringify(verdicts, null, 1) + '\n';
if (!process.argv.includes('--check')) {
  writeFileSync(here('verdicts.json'), written);
} else if (read('verdicts.json') !== written) {
  console.error('verdicts.json differs from the result of graphql-js: run `npm run update` and review the difference.');
  process.exit(1);
}
const all = Object.values(verdicts).flat();
console.log(`${all.length} documents, ${all.filter((each) => each === null).length} of them accepted`);
