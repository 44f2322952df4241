// GraphiQL as it is served, in a browser: a newcomer signs in, puts the token where the page says, and listens.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { SHARED } from './support/guildhall.mjs';
import { Person } from './support/person.mjs';

const PLACES = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
const executablePath = PLACES.find((path) => path && existsSync(path));
const skip = executablePath ? false : 'there is no Chromium';

const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

/** Folder for a picture of each page at its end; none if it is not set. */
const { SCREENSHOTS } = process.env;

let browser;
before(async () => {
  if (!skip) browser = await chromium.launch({ executablePath, args: ARGUMENTS });
});
after(() => browser?.close());

/** Opens GraphiQL in a session of its own, hands it to `use`, and sees that nothing went wrong in the page. */
async function inGraphiql(use) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!new Set([new URL(SHARED).host, '']).has(new URL(request.url()).host)) complaints.push(request.url());
  });
  await page.goto(new URL('/graphiql', SHARED).href);
  try {
    await use(page);
  } finally {
    if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/graphiql-${Date.now()}.png` });
    await context.close();
  }
  assert.deepEqual(complaints, []);
}

async function run(page, document) {
  await page.locator('.graphiql-query-editor .CodeMirror').first().click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(document);
  // The tab has the operation's name once the page has understood what it is to run.
  await page.getByRole('tab', { name: /\w+ (\w+)/.exec(document)[1], exact: true }).waitFor();
  await page.keyboard.press('Control+Enter');
}

/** The answer that the page shows, once it has that text in it. */
async function shows(page, text, timeout) {
  await page.locator('.result-window', { hasText: text }).waitFor({ timeout });
}

/** Does something again and again until the page shows that text: it does not tell from when on it listens. */
async function causes(page, text, act) {
  for (let tries = 0; ; tries += 1) {
    await act();
    try {
      return await shows(page, text, 1_000);
    } catch (cause) {
      if (tries === 10) throw cause;
    }
  }
}

test('a newcomer signs in with GraphiQL, and reads the documentation', { skip }, () =>
  inGraphiql(async (page) => {
    await run(page, 'mutation Enter { signIn(input: { login: "mira", password: "guildhall-demo" }) { session { accessToken } } }');
    await shows(page, 'accessToken');
    const answer = await page.locator('.result-window .CodeMirror-code').innerText();
    await page.locator('#token').fill(/"accessToken": "([^"]+)"/.exec(answer)[1]);
    await run(page, 'query Self { viewer { user { username } } }');
    await shows(page, '"username": "mira"');
    await page.getByLabel('Show Documentation Explorer').click();
    await page.getByText('subscription', { exact: false }).first().waitFor();
  }));

test('GraphiQL runs a subscription to what concerns the viewer', { skip }, () =>
  inGraphiql(async (page) => {
    const [mira, femi] = await Promise.all(['mira', 'femi'].map((login) => Person.signIn(SHARED, login)));
    await page.locator('#token').fill(femi.token);
    await run(page, 'subscription OfMine { viewerEvents { type changes { field after } } }');
    await causes(page, '"MEMBER_ROLE_CHANGED"', () => mira.swapsRole('pixel-pals', 'femi'));
  }));

test('GraphiQL runs a subscription to a workspace', { skip }, () =>
  inGraphiql(async (page) => {
    const mira = await Person.signIn(SHARED, 'mira');
    const { id } = await mira.organization('pixel-pals');
    await page.locator('#token').fill(mira.token);
    await run(page, `subscription OfAll { workspaceEvents(workspaceId: "${id}") { type actor { username } changes { after } } }`);
    let count = 0;
    await causes(page, '"Seen in GraphiQL', () => mira.renames(id, `Seen in GraphiQL ${(count += 1)}`));
  }));
