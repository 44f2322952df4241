// What graphql-js says of each document: null where it takes it, else its first complaint. `npm run update` writes that down
// for the tests; `npm run check` fails if what is written down is not what it says.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { buildSchema, parse, specifiedRules, validate } from 'graphql';

const here = (path) => new URL(path, import.meta.url);
const read = (path) => readFileSync(here(path), 'utf8');
const small = buildSchema(read('schema.graphql'));
const served = buildSchema(read('../../schema.graphql'));

function verdict(schema, text) {
  try {
    const [complaint] = validate(schema, parse(text), specifiedRules);
    return complaint ? complaint.message : null;
  } catch (mistake) {
    return mistake.message;
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
  console.error('verdicts.json is not what graphql-js says: run `npm run update` and review the difference.');
  process.exit(1);
}
const all = Object.values(verdicts).flat();
console.log(`${all.length} documents, ${all.filter((each) => each === null).length} of them accepted`);
