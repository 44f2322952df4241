// A Guildhall with the demo world in it, in a process and a folder of its own: for suites that stop it and start it again.
// All others share the one at SHARED.

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

export class Guildhall {
  /** Where GraphQL is served: the same before and after a restart. */
  url;
  #folder;
  #process;

  static async start() {
    assert(EXECUTABLE, 'GUILDHALL_BIN must name the executable; run.sh sees to that');
    const server = new Guildhall();
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

  /** Starts it again on the same data, at the same address. */
  async startAgain() {
    await this.#run(new URL(this.url).host);
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

  async #run(address) {
    const settings = ['demo', '--data-dir', join(this.#folder, 'data'), '--listen', address, '--rate-limits', 'off', '--log', 'warn'];
    this.#process = spawn(EXECUTABLE, settings, { stdio: ['ignore', 'pipe', 'inherit'] });
    running.add(this.#process);
    this.#process.once('exit', () => running.delete(this.#process));
    for await (const line of createInterface({ input: this.#process.stdout })) {
      const said = /^\s+GraphQL\s+(\S+)$/.exec(line);
      if (!said) continue;
      this.url = said[1];
      this.#process.stdout.resume();
      return;
    }
    assert.fail('it ended before it served');
  }
}
