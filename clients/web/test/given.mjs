/** The page's site with the bundles that tests/javascript made. */

import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "../build.mjs";

/** Bundle folders by name, such as `splade-int8`. @type {Record<string, string>} */
export const bundles = JSON.parse(process.env.SPARSE_BUNDLES ?? "{}");

/**
 * Build the page with the int8 bundle, and put all bundles below `bundles/`.
 * @returns {Promise<{site: string, remove: () => Promise<void>}>}
 */
export async function made() {
  const folder = await mkdtemp(join(tmpdir(), "sparse-page-"));
  const site = join(folder, "site");
  await build(bundles["splade-int8"], site);
  await mkdir(join(site, "bundles"));
  for (const [name, path] of Object.entries(bundles)) await symlink(path, join(site, "bundles", name));
  return { site, remove: () => rm(folder, { recursive: true, force: true }) };
}

/**
 * Copy a bundle into the site, changed.
 * @param {string} name
 * @param {string} folder
 * @param {(manifest: any, folder: string) => unknown} change Of the manifest, in place, or of other files.
 */
export async function changed(name, folder, change) {
  await cp(bundles[name], folder, { recursive: true });
  const file = join(folder, "manifest.json");
  const manifest = JSON.parse(await readFile(file, "utf8"));
  await change(manifest, folder);
  await writeFile(file, JSON.stringify(manifest));
}
