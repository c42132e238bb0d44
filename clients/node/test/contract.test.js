/** What the clients of all languages have in common: tests/contract.json, which the Python client's tests read too. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import test from "node:test";
import { DEFAULTS, pauses } from "../src/connection.js";
import { UnreachableError } from "../src/errors.js";
import { SparseClient } from "../src/index.js";
import { ROUTES } from "../src/manifest.js";
import { featureLabel } from "../src/overlap.js";
import { CUT_ROUNDING, TOLERANCES } from "../src/parity.js";

const contract = JSON.parse(readFileSync(new URL("../../../tests/contract.json", import.meta.url), "utf8"));
const camel = (/** @type {string} */ name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

test("what a precision promises", () => {
  const named = Object.entries(contract.tolerances).map(([precision, bars]) => [
    precision,
    Object.fromEntries(Object.entries(bars).map(([name, bar]) => [camel(name), bar])),
  ]);
  assert.deepEqual(TOLERANCES, Object.fromEntries(named));
  assert.deepEqual(CUT_ROUNDING, contract.cut_rounding);
});

test("names", () => {
  assert.deepEqual(ROUTES, contract.routes);
  assert.equal(featureLabel(123), contract.feature_123);
});

test("how a client talks to a server", () => {
  const { pauses: expected, ...defaults } = contract.client;
  assert.deepEqual({ ...DEFAULTS }, defaults);
  const found = [...pauses(defaults.retries, () => 1)];
  assert.deepEqual(
    found.map((pause) => Number(pause.toFixed(6))),
    expected,
  );
});

/** @param {(tries: number) => number} status What to answer with. @param {(url: string, tries: () => number) => Promise<void>} use */
async function served(status, use) {
  let tries = 0;
  const server = createServer((_, answer) => {
    answer.writeHead(status(++tries), { "content-type": "application/json" }).end('{"error": "busy"}');
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  await use(`http://127.0.0.1:${port}`, () => tries);
  server.closeAllConnections();
  server.close();
}

test("a server that is unavailable is asked again, as often as was said", async () => {
  await served(
    () => 503,
    async (url, tries) => {
      const client = new SparseClient(url, { model: "m", retries: 2 });
      await assert.rejects(client.encodeDocuments(["a"]), UnreachableError);
      assert.equal(tries(), 3);
    },
  );
});

test("what the server refuses is sent once", async () => {
  await served(
    () => 400,
    async (url, tries) => {
      await assert.rejects(new SparseClient(url, { model: "m" }).encodeDocuments(["a"]), /rejected the request: busy/);
      assert.equal(tries(), 1);
    },
  );
});
