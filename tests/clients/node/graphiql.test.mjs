// GraphiQL in a browser: a user signs in, copies the token into the page, and runs subscriptions.

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

/** Folder for a screenshot of each page at the end of its test; no screenshots if it is not set. */
const { SCREENSHOTS } = process.env;

let browser;
before(async () => {
  if (!skip) browser = await chromium.launch({ executablePath, args: ARGUMENTS });
});
after(() => browser?.close());

/** Opens GraphiQL in a new session for `use`, and fails if the page has errors or sends requests to other hosts. */
async function inGraphiql(use) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const problems = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    if (!new Set([new URL(SHARED).host, '']).has(new URL(request.url()).host)) problems.push(request.url());
  });
  await page.goto(new URL('/graphiql', SHARED).href);
  try {
    await use(page);
  } finally {
    if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/graphiql-${Date.now()}.png` });
    await context.close();
  }
  assert.deepEqual(problems, []);
}

async function run(page, document) {
  await page.locator('.graphiql-query-editor .CodeMirror').first().click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(document);
  // The tab shows the operation's name as soon as the page has parsed the document.
  await page.getByRole('tab', { name: /\w+ (\w+)/.exec(document)[1], exact: true }).waitFor();
  await page.keyboard.press('Control+Enter');
}

/** Waits until the response in the page contains the text. */
async function shows(page, text, timeout) {
  await page.locator('.result-window', { hasText: text }).waitFor({ timeout });
}

/** Repeats an action until the page shows the text, because the page does not show when its subscription is active. */
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

test('GraphiQL signs a user in, and shows the documentation', { skip }, () =>
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

test('GraphiQL runs a subscription to the events of the viewer', { skip }, () =>
  inGraphiql(async (page) => {
    const [mira, femi] = await Promise.all(['mira', 'femi'].map((login) => Person.signIn(SHARED, login)));
    await page.locator('#token').fill(femi.token);
    await run(page, 'subscription OfMine { viewerEvents { type changes { field after } } }');
    await causes(page, '"MEMBER_ROLE_CHANGED"', () => mira.toggleRole('pixel-pals', 'femi'));
  }));

test('GraphiQL runs a subscription to the events of a workspace', { skip }, () =>
  inGraphiql(async (page) => {
    const mira = await Person.signIn(SHARED, 'mira');
    const { id } = await mira.organization('pixel-pals');
    await page.locator('#token').fill(mira.token);
    await run(page, `subscription OfAll { workspaceEvents(workspaceId: "${id}") { type actor { username } changes { after } } }`);
    let count = 0;
    await causes(page, '"Seen in GraphiQL', () => mira.renameOrganization(id, `Seen in GraphiQL ${(count += 1)}`));
  }));
