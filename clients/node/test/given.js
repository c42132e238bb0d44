/** What the test run was given by tests/javascript: folders of real bundles, and texts with the ids Python gives them. */

import { readFileSync } from "node:fs";
import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Bundle folders by name, such as `splade-int8`. @type {Record<string, string>} */
export const bundles = JSON.parse(process.env.SPARSE_BUNDLES ?? "{}");
if (Object.keys(bundles).length === 0)
  throw new Error("run these tests with pytest tests/javascript, which makes bundles");

/** @returns {{tokenizers: Record<string, string>, cases: {tokenizer: string, text: string, ids: number[]}[]}} */
export function tokens() {
  return JSON.parse(readFileSync(/** @type {string} */ (process.env.SPARSE_TOKENS), "utf8"));
}

/**
 * A copy of a bundle to break.
 * @param {string} name
 * @param {(manifest: any, folder: string) => unknown} change Of the manifest, in place, or of other files.
 * @returns {Promise<string>} Its folder.
 */
export async function broken(name, change) {
  const folder = join(await mkdtemp(join(tmpdir(), "sparse-")), "bundle");
  await cp(bundles[name], folder, { recursive: true });
  const file = join(folder, "manifest.json");
  const manifest = JSON.parse(await readFile(file, "utf8"));
  await change(manifest, folder);
  await writeFile(file, JSON.stringify(manifest));
  return folder;
}
