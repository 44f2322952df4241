// A server with its own data folder, for suites that stop and restart it. All other suites share the server at SHARED.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** URL of the GraphQL endpoint that the suites share. */
export const SHARED = process.env.GUILDHALL_URL;

const EXECUTABLE = process.env.GUILDHALL_BIN;

// Servers end with the suite that started them, also if it fails.
const running = new Set();
process.on('exit', () => running.forEach((server) => server.kill('SIGTERM')));
process.on('SIGTERM', () => process.exit(1));

// Arguments of each kind of server, and the output line with its URL.
const DEMO = { settings: ['demo', '--log', 'warn'], output: 'stdout', urlLine: /^\s+GraphQL\s+(\S+)$/, path: '' };
const EMPTY = {
  settings: ['serve', '--embedded', '--log', 'warn,guildhall::commands=info', '--log-format', 'json'],
  output: 'stderr',
  urlLine: /"public_url":"([^"]+)"/,
  path: '/graphql',
};

export class Guildhall {
  /** URL of the GraphQL endpoint. It stays the same after a restart. */
  url;
  #kind;
  #folder;
  #process;

  constructor(kind) {
    this.#kind = kind;
  }

  /** Starts a server with the demo data. */
  static start() {
    return Guildhall.#start(DEMO);
  }

  /** Starts a server without accounts. */
  static startEmpty() {
    return Guildhall.#start(EMPTY);
  }

  static async #start(kind) {
    assert(EXECUTABLE, 'GUILDHALL_BIN must be the path of the executable; run.sh sets it');
    const server = new Guildhall(kind);
    server.#folder = await mkdtemp(join(tmpdir(), 'guildhall-'));
    // If the suite runs as root, PostgreSQL runs as another user.
    await chmod(server.#folder, 0o755);
    await server.#run('127.0.0.1:0');
    return server;
  }

  /** URL for clients of graphql-transport-ws. */
  get socketUrl() {
    return this.url.replace('http:', 'ws:');
  }

  /** Starts the server again with the same data and address, and with further arguments. */
  async restart(...settings) {
    await this.#run(new URL(this.url).host, settings);
  }

  /** Stops the server with SIGTERM, and waits until it has ended. */
  async stop() {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    const [code] = await ended;
    assert.equal(code, 0, 'the server ends without an error');
  }

  /** Kills the server with SIGKILL. */
  async kill() {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  /** Stops the server, and deletes its data. */
  async remove() {
    if (this.#process.exitCode === null) await this.stop();
    await rm(this.#folder, { recursive: true });
  }

  async #run(address, others = []) {
    const { settings, output, urlLine, path } = this.#kind;
    const common = ['--data-dir', join(this.#folder, 'data'), '--listen', address, '--rate-limits', 'off'];
    const stdio = ['ignore', 'ignore', 'inherit'];
    stdio[output === 'stdout' ? 1 : 2] = 'pipe';
    this.#process = spawn(EXECUTABLE, [...settings, ...common, ...others], { stdio });
    running.add(this.#process);
    this.#process.once('exit', () => running.delete(this.#process));
    for await (const line of createInterface({ input: this.#process[output] })) {
      const match = urlLine.exec(line);
      if (!match) continue;
      this.url = match[1] + path;
      this.#process[output].resume();
      return;
    }
    assert.fail('the server ended before it was ready');
  }
}
