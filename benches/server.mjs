// A server with its own database, for the benchmarks in JavaScript.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import { fileURLToPath } from 'node:url';

const guildhall = process.env.GUILDHALL ?? fileURLToPath(new URL('../target/release/guildhall', import.meta.url));
const world = fileURLToPath(new URL('growth/world.sql', import.meta.url));
const port = 8650;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Server {
  // Creates the database again, fills it with growth/world.sql, and starts a server. The user of DATABASE_URL must be
  // allowed to create databases.
  static async start(database, organizations) {
    const admin = process.env.DATABASE_URL;
    const server = new Server();
    server.url = Object.assign(new URL(admin), { pathname: `/${database}` }).href;
    psql(admin, '-c', `DROP DATABASE IF EXISTS ${database}`, '-c', `CREATE DATABASE ${database}`);
    const env = { ...process.env, DATABASE_URL: server.url, GUILDHALL_JWT_SECRET: 'a secret for benches that is long enough',
      GUILDHALL_LISTEN: `127.0.0.1:${port}`, GUILDHALL_RATE_LIMITS: 'off', GUILDHALL_MAIL_WORKER: 'off' };
    execFileSync(guildhall, ['migrate'], { env, stdio: 'ignore' });
    psql(server.url, '-v', `organizations=${organizations}`, '-f', world);
    server.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    server.process = spawn(guildhall, ['serve'], { env, stdio: 'ignore' });
    const tokens = execFileSync(guildhall, ['token', '--stdin'], { env, input: 'one\nmany\nroot\n' }).toString().trim().split('\n');
    [server.one, server.many, server.root] = tokens;
    for (let left = 100; left > 0; left--) {
      if (await server.ask(server.one, '{ __typename }').catch(() => false)) break;
      await wait(50);
    }
    return server;
  }

  async stop() {
    this.process.kill('SIGTERM');
    this.agent.destroy();
    await new Promise((resolve) => this.process.on('exit', resolve));
  }

  // Posts a request, anonymous if there is no token; resolves to the response.
  post(token, query, variables, extensions) {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const options = { port, host: '127.0.0.1', path: '/graphql', method: 'POST', agent: this.agent, headers };
    return new Promise((resolve, reject) => {
      const request = http.request(options, (answer) => {
        let text = '';
        answer.on('data', (part) => { text += part; });
        answer.on('end', () => resolve(JSON.parse(text)));
      });
      request.on('error', reject);
      request.end(JSON.stringify({ query, variables, extensions }));
    });
  }

  // Posts a request that must succeed; resolves to its data.
  async ask(token, query, variables) {
    const { data, errors } = await this.post(token, query, variables);
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  }

  // Returns the processor time of the server and of its database, in milliseconds. Linux counts it in ticks of 10 ms.
  processorTime() {
    this.postmaster ??= Number(psql(this.url, '-At', '-c', "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)"));
    const { own, ended } = ticks(this.postmaster);
    const backends = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(ticks);
    const database = backends.filter(({ parent }) => parent === this.postmaster).reduce((sum, backend) => sum + backend.own, own + ended);
    return { server: 10 * ticks(this.process.pid).own, database: 10 * database };
  }
}

// Reads from /proc the parent of a process, the ticks that it has used, and those of its ended children.
function ticks(id) {
  try {
    const fields = readFileSync(`/proc/${id}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ').map(Number);
    return { parent: fields[1], own: fields[11] + fields[12], ended: fields[13] + fields[14] };
  } catch {
    return { parent: 0, own: 0, ended: 0 };
  }
}

function psql(...rest) {
  return execFileSync('psql', ['-q', '-v', 'ON_ERROR_STOP=1', ...rest], { stdio: ['ignore', 'pipe', 'inherit'] }).toString();
}
