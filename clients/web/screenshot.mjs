/** Write screenshots of the page, as a visitor sees it when it is ready. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { launch, opened } from "./browser.mjs";
import { serve } from "./serve.mjs";

const SHOTS = [
  { name: "page", width: 1100, height: 900, colorScheme: "light", fullPage: false },
  { name: "desktop", width: 1280, height: 900, colorScheme: "light", fullPage: true },
  { name: "dark", width: 1280, height: 900, colorScheme: "dark", fullPage: true },
  { name: "phone", width: 390, height: 844, colorScheme: "light", fullPage: true },
  { name: "phone-dark", width: 390, height: 844, colorScheme: "dark", fullPage: true },
];

const [site, output] = process.argv.slice(2);
if (!output) throw new Error("usage: node screenshot.mjs SITE FOLDER");
await mkdir(output, { recursive: true });
const server = await serve(site);
const context = await launch();
try {
  for (const { name, width, height, colorScheme, fullPage } of SHOTS) {
    const page = await opened(context, `http://localhost:${server.address().port}/`);
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(300); // the bars grow
    const path = join(output, `${name}.png`);
    await page.screenshot({ path, fullPage });
    console.log(path);
    await page.close();
  }
} finally {
  await context.close();
  server.closeAllConnections();
  server.close();
}
