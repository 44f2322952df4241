// Records the responses of graphql-js to generated documents. Their data is `world.json`, which a test writes from the
// server's responses. `npm run update` writes documents and responses for the tests; `npm run check` fails if they are
// stale.
import { readFileSync, writeFileSync } from 'node:fs';
import {
  buildSchema, execute, getIntrospectionQuery, getNamedType, isAbstractType, isObjectType, parse, specifiedRules, validate,
} from 'graphql';

const here = (path) => new URL(path, import.meta.url);
const read = (path) => readFileSync(here(path), 'utf8');
const schema = buildSchema(read('../../schema.graphql'));
const world = JSON.parse(read('world.json'));
const DOCUMENTS = 240;

// A random generator with a fixed seed (mulberry32), for the same documents each time.
let state = 20261130;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const chance = (share) => random() < share;
const below = (count) => Math.floor(random() * count);
const one = (list) => list[below(list.length)];
const some = (list, most) => list.filter(() => chance(Math.min(1, most / list.length)));

// The introspection fields that are compared. Descriptions are compared only for Guildhall's own types: those of
// built-in scalars differ.
const META = {
  __Schema: { queryType: '__Type', mutationType: '__Type', subscriptionType: '__Type', types: 'names', description: null },
  __Type: {
    kind: null, name: null, description: 'own', specifiedByURL: null, isOneOf: null, fields: '__Field', interfaces: '__Type',
    possibleTypes: '__Type', enumValues: '__EnumValue', inputFields: '__InputValue', ofType: '__Type',
  },
  __Field: {
    name: null, description: null, args: '__InputValue', type: '__Type', isDeprecated: null, deprecationReason: null,
  },
  __InputValue: { name: null, description: null, type: '__Type', defaultValue: null, isDeprecated: null },
  __EnumValue: { name: null, description: null, isDeprecated: null, deprecationReason: null },
};
const DESCRIBED = [
  'Role', 'Node', 'Workspace', 'Resource', 'EventSubject', 'PageInfo', 'Organization', 'RoleDefinition', 'DateTime',
  'CreateTaskInput', 'InviteMembersInput', 'InviteErrorPolicy', 'Nothing',
];
const LISTS_WITH_DEPRECATED = ['fields', 'enumValues', 'inputFields', 'args'];

class Document {
  variables = [];
  given = {};
  fragments = [];
  keys = 0;
  schemas = 0;

  variable(type, value, other) {
    const name = `v${this.variables.length}`;
    const literal = (each) => JSON.stringify(each);
    const kind = below(4);
    if (kind === 0) {
      this.variables.push(`$${name}: ${type}!`);
      this.given[name] = value;
    } else {
      this.variables.push(`$${name}: ${type}${chance(0.5) ? '!' : ''} = ${literal(kind === 1 ? other : value)}`);
      if (kind === 1) this.given[name] = value;
    }
    return `$${name}`;
  }

  directives() {
    const condition = () => {
      const value = chance(0.5);
      return chance(0.3) ? value : this.variable('Boolean', value, !value);
    };
    let text = '';
    if (chance(0.3)) text += ` @include(if: ${condition()})`;
    if (chance(0.2)) text += ` @skip(if: ${condition()})`;
    return text;
  }

  key(name) {
    return chance(0.35) ? `a${this.keys++}: ${name}` : name;
  }

  // Returns a selection set of fields, some of them in fragments on `types`, which are all possible at this place.
  set(fields, types) {
    const parts = [];
    for (const field of fields) {
      const kind = below(6);
      if (kind === 0) parts.push(`...${this.directives()} { ${field} }`);
      else if (kind === 1) parts.push(`... on ${one(types)}${this.directives()} { ${field} }`);
      else if (kind === 2) {
        const name = `F${this.fragments.length}`;
        this.fragments.push(`fragment ${name} on ${one(types)} { ${field} }`);
        parts.push(`...${name}${this.directives()}`);
        if (chance(0.3)) parts.push(`...${name}${this.directives()}`);
      } else parts.push(field);
    }
    return parts.length > 0 ? `{ ${parts.join(' ')} }` : '{ __typename }';
  }

  // Returns a selection set for the values of an object type.
  object(values, type, depth) {
    const fields = [];
    if (chance(0.2)) fields.push(`${this.key('__typename')}${this.directives()}`);
    for (const name of some(Object.keys(type.getFields()).filter((name) => values.some((value) => name in value)), 4)) {
      const field = type.getFields()[name];
      const inner = values.flatMap((value) => value[name] ?? []);
      const named = getNamedType(field.type);
      const composite = isObjectType(named) || isAbstractType(named);
      if (composite && (depth === 0 || inner.length === 0)) continue;
      const below = () => (composite ? ` ${this.any(inner, named, depth - 1)}` : '');
      const page = field.args.some((arg) => arg.name === 'first')
        ? `(first: ${chance(0.3) ? 10 : this.variable('Int', 10, 20)})` : '';
      const key = this.key(name) + page;
      fields.push(`${key}${this.directives()}${below()}`);
      // The same field twice, which the executor merges.
      if (chance(0.25)) fields.push(`${key}${this.directives()}${below()}`);
    }
    const types = [type.name, ...type.getInterfaces().map((each) => each.name)];
    const [own, shared] = [[], []];
    for (const field of fields) (/^(a\d+: )?(id|__typename)\b/.test(field) ? shared : own).push(field);
    const text = this.set(own, [type.name]);
    return shared.length === 0 ? text : `{ ${this.set(shared, types).slice(1, -1)} ${text.slice(1, -1)} }`;
  }

  any(values, type, depth) {
    if (!isAbstractType(type)) return this.object(values, type, depth);
    const parts = ['__typename'];
    for (const name of new Set(values.map((value) => value.__typename))) {
      const inner = this.object(values.filter((value) => value.__typename === name), schema.getType(name), depth);
      parts.push(`... on ${name}${this.directives()} ${inner}`);
    }
    if (type.name === 'Node') parts.push(`... on Workspace { ${this.key('displayName')} }`);
    return `{ ${parts.join(' ')} }`;
  }

  meta(type, depth, own) {
    const fields = [];
    for (const [name, inner] of some(Object.entries(META[type]), 4)) {
      if (inner === 'own' && !own) continue;
      if (inner === 'names') {
        fields.push(`${this.key(name)}${this.directives()} { name }`);
        continue;
      }
      if (inner && inner !== 'own' && depth === 0) continue;
      let args = '';
      if (LISTS_WITH_DEPRECATED.includes(name) && chance(0.6)) {
        const value = chance(0.5);
        const variable = () => {
          if (chance(0.7)) return this.variable('Boolean', value, !value);
          // A variable without a value: the argument gets its default value.
          this.variables.push(`$v${this.variables.length}: Boolean`);
          return `$v${this.variables.length - 1}`;
        };
        args = `(includeDeprecated: ${chance(0.4) ? value : variable()})`;
      }
      const key = this.key(name) + args;
      const deeper = inner && inner !== 'own' ? () => ` ${this.meta(inner, depth - 1, false)}` : () => '';
      fields.push(`${key}${this.directives()}${deeper()}`);
      if (chance(0.2)) fields.push(`${key}${this.directives()}${deeper()}`);
    }
    if (chance(0.2)) fields.push(this.key('__typename'));
    return this.set(fields, [type]);
  }

  root() {
    const ids = world.nodes.filter(Boolean).map((node) => node.id);
    const id = () => (chance(0.4) ? JSON.stringify(one(ids)) : this.variable('ID', one(ids), 'nothing'));
    switch (below(8)) {
      case 0: return `${this.key('roles')}${this.directives()} ${this.object(world.roles, schema.getType('RoleDefinition'), 2)}`;
      case 1: case 2:
        return `${this.key('viewer')}${this.directives()} ${this.object([world.viewer], schema.getType('Viewer'), 3)}`;
      case 3:
        return `a${this.keys++}: node(id: ${id()})${this.directives()} ${this.any(world.nodes.filter(Boolean), schema.getType('Node'), 2)}`;
      case 4:
        return `a${this.keys++}: nodes(ids: [${id()}, ${id()}, "nothing"])${this.directives()} ${this.any(world.nodes.filter(Boolean), schema.getType('Node'), 2)}`;
      case 5: {
        const organization = world.viewer.organizations.nodes[0];
        const slug = chance(0.4) ? '"acme"' : this.variable('String', 'acme', 'nothing');
        return `a${this.keys++}: organization(slug: ${slug}) ${this.object([organization], schema.getType('Organization'), 2)}`;
      }
      case 6:
        if (this.schemas++ > 0) return '__typename';
        return `${this.key('__schema')} ${this.meta('__Schema', 2, false)}`;
      default: {
        const name = one(DESCRIBED);
        const argument = chance(0.5) ? JSON.stringify(name) : this.variable('String', name, 'Nothing');
        return `a${this.keys++}: __type(name: ${argument})${this.directives()} ${this.meta('__Type', 2, true)}`;
      }
    }
  }

  text() {
    const roots = Array.from({ length: 1 + below(3) }, () => this.root());
    const set = this.set(roots, ['Query']);
    const variables = this.variables.length > 0 ? `(${this.variables.join(', ')})` : '';
    return `query${variables} ${set} ${this.fragments.join(' ')}`.trim();
  }
}

const byId = new Map(world.nodes.filter(Boolean).map((node) => [node.id, node]));
const found = (id) => byId.get(id) ?? null;
const rootValue = {
  ...world,
  node: ({ id }) => found(id),
  nodes: ({ ids }) => ids.map(found),
  organization: ({ slug }) => world.viewer.organizations.nodes.find((each) => each.slug === slug) ?? null,
};

const answers = [];
while (answers.length < DOCUMENTS) {
  const document = new Document();
  const query = document.text();
  const parsed = parse(query);
  if (validate(schema, parsed, specifiedRules).length > 0 || query.length > 4000) continue;
  const { data, errors } = await execute({ schema, document: parsed, rootValue, variableValues: document.given });
  if (errors) throw new Error(`${query}: ${errors[0].message}`);
  if (JSON.stringify(data).length > 3000) continue;
  answers.push({ query, variables: document.given, data });
}

const full = getIntrospectionQuery({
  descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true,
  oneOf: true,
});
let stale = false;
for (const [file, written] of [
  ['answers.json', `[\n${answers.map((each) => JSON.stringify(each)).join(',\n')}\n]\n`],
  ['introspection.graphql', `${full.trim()}\n`],
]) {
  if (!process.argv.includes('--check')) writeFileSync(here(file), written);
  else if (read(file) !== written) {
    console.error(`${file} differs from the result of graphql-js: run \`npm run update\` and review the difference.`);
    stale = true;
  }
}
console.log(`${answers.length} documents executed, ${answers.filter(({ query }) => /@(skip|include)/.test(query)).length} with directives`);
if (stale) process.exit(1);
