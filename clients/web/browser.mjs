/** Debian's Chromium, headless, with a profile of its own. */

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const CHROMIUM = process.env.SPARSE_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * @param {{flags?: string[], viewport?: {width: number, height: number}}} [options]
 * @returns {Promise<import("playwright-core").BrowserContext>}
 */
export async function launch({ flags = [], viewport = { width: 1280, height: 900 } } = {}) {
  return chromium.launchPersistentContext(await mkdtemp(join(tmpdir(), "sparse-chromium-")), {
    executablePath: CHROMIUM,
    headless: true,
    viewport,
    args: [...FLAGS, ...flags],
  });
}

/**
 * Open the page and wait until it is ready or says why not.
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} url
 */
export async function opened(context, url) {
  const page = await context.newPage();
  await page.goto(url);
  await settled(page);
  return page;
}

/** @param {import("playwright-core").Page} page */
export async function settled(page) {
  await page.waitForSelector("body[data-ready], #status[data-state=failed]", { timeout: 60_000 });
}
