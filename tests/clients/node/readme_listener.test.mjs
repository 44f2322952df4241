// Runs the listener from README.md while the server is stopped and started again.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Guildhall } from './support/guildhall.mjs';
import { Person } from './support/person.mjs';

const README = new URL('../../../README.md', import.meta.url);
const FOLDER = new URL('.', import.meta.url);

async function listing() {
  const blocks = [...(await readFile(README, 'utf8')).matchAll(/^```js\n([^]*?)^```$/gm)];
  const [[, code], ...others] = blocks.filter(([, code]) => code.includes('graphql-ws'));
  assert.deepEqual(others, []);
  return code;
}

/** Runs the listener. `received()` returns the cursors that it has printed. */
function listen(code, server, workspaceId) {
  const surroundings = new URL('support/listener_surroundings.mjs', FOLDER).href;
  const process_ = spawn(process.execPath, ['--input-type=module', '--import', surroundings, '-'], {
    cwd: FOLDER,
    env: { ...process.env, GUILDHALL_URL: server.url, WORKSPACE_ID: workspaceId },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  process_.stdin.end(code.replace('ws://localhost:4000/graphql', server.socketUrl));
  let printed = '';
  process_.stdout.on('data', (text) => (printed += text));
  return {
    received: () => [...printed.matchAll(/cursor: '([^']+)'/g)].map(([, cursor]) => cursor),
    end: async () => {
      const ended = once(process_, 'exit');
      process_.kill();
      await ended;
    },
  };
}

test('the listener in README.md has at most ten lines', async () => {
  const lines = (await listing()).split('\n').filter((line) => line.trim());
  assert(lines.length <= 10, `${lines.length} lines`);
});

test('the listener in README.md receives every event once while the server is restarted and killed', async () => {
  const code = await listing();
  const server = await Guildhall.start();
  const mira = await Person.signIn(server.url, 'mira');
  const { id, cursor } = await mira.organization('pixel-pals');
  const listener = listen(code, server, id);

  let count = 0;
  const rename = () => mira.renameOrganization(id, `Name ${(count += 1)}`);
  const written = async () => {
    const document = `query ($id: ID!, $after: String) {
      node(id: $id) { ... on Organization { events(after: $after, first: 100) { nodes { cursor } } } } }`;
    const { node } = await mira.execute(document, { id, after: cursor });
    return node.events.nodes.map((event) => event.cursor);
  };
  const hasReceived = async (last) => {
    while (listener.received().at(-1) !== last) await sleep(20);
  };

  try {
    // The listener gets only events after its subscription is active, and does not show when that is.
    while (listener.received().length === 0) {
      await rename();
      await sleep(100);
    }
    for (const go of [() => server.stop(), () => server.kill()]) {
      await rename();
      await hasReceived((await written()).at(-1));
      await go();
      await server.restart();
      await rename();
      await rename();
    }
    await rename();
    const all = await written();
    await hasReceived(all.at(-1));
    const received = listener.received();
    assert.deepEqual(received, all.slice(all.indexOf(received[0])));
  } finally {
    await listener.end();
    await server.remove();
  }
});
