// A Guildhall in a process and a folder of its own, with the demo world in it or with nothing: for suites that stop it and start
// it again. All others share the one at SHARED.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Where GraphQL is served to all suites. */
export const SHARED = process.env.GUILDHALL_URL;

const EXECUTABLE = process.env.GUILDHALL_BIN;

// None outlives the suite that started it, however that ends.
const running = new Set();
process.on('exit', () => running.forEach((server) => server.kill('SIGTERM')));
process.on('SIGTERM', () => process.exit(1));

// How each says, line by line, where it serves.
const DEMO = { settings: ['demo', '--log', 'warn'], output: 'stdout', says: /^\s+GraphQL\s+(\S+)$/, path: '' };
const EMPTY = {
  settings: ['serve', '--embedded', '--log', 'warn,guildhall::commands=info', '--log-format', 'json'],
  output: 'stderr',
  says: /"public_url":"([^"]+)"/,
  path: '/graphql',
};

export class Guildhall {
  /** Where GraphQL is served: the same before and after a restart. */
  url;
  #kind;
  #folder;
  #process;

  constructor(kind) {
    this.#kind = kind;
  }

  /** With the demo world in it. */
  static start() {
    return Guildhall.#start(DEMO);
  }

  /** With nobody in it. */
  static startEmpty() {
    return Guildhall.#start(EMPTY);
  }

  static async #start(kind) {
    assert(EXECUTABLE, 'GUILDHALL_BIN must name the executable; run.sh sees to that');
    const server = new Guildhall(kind);
    server.#folder = await mkdtemp(join(tmpdir(), 'guildhall-'));
    // PostgreSQL runs as somebody else where this runs as root.
    await chmod(server.#folder, 0o755);
    await server.#run('127.0.0.1:0');
    return server;
  }

  /** Where a client that speaks graphql-transport-ws connects. */
  get socketUrl() {
    return this.url.replace('http:', 'ws:');
  }

  /** Starts it again on the same data, at the same address, with those settings besides. */
  async startAgain(...settings) {
    await this.#run(new URL(this.url).host, settings);
  }

  /** Asks it to go, and waits until it has gone. */
  async stop() {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    const [code] = await ended;
    assert.equal(code, 0, 'it goes in good order');
  }

  /** Ends it where it stands. */
  async kill() {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  /** Stops it, and takes its data away. */
  async remove() {
    if (this.#process.exitCode === null) await this.stop();
    await rm(this.#folder, { recursive: true });
  }

  async #run(address, others = []) {
    const { settings, output, says, path } = this.#kind;
    const places = ['--data-dir', join(this.#folder, 'data'), '--listen', address, '--rate-limits', 'off'];
    const stdio = ['ignore', 'ignore', 'inherit'];
    stdio[output === 'stdout' ? 1 : 2] = 'pipe';
    this.#process = spawn(EXECUTABLE, [...settings, ...places, ...others], { stdio });
    running.add(this.#process);
    this.#process.once('exit', () => running.delete(this.#process));
    for await (const line of createInterface({ input: this.#process[output] })) {
      const said = says.exec(line);
      if (!said) continue;
      this.url = said[1] + path;
      this.#process[output].resume();
      return;
    }
    assert.fail('it ended before it served');
  }
}
