/** Servers that are down, slow, no Triton at all; and, where SPARSE_SERVER names one, a real one. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import {
  InputError,
  LocalEncoder,
  ModelNotFoundError,
  ServerError,
  SparseClient,
  UnreachableError,
} from "../src/index.js";
import { compare } from "../src/parity.js";

/** Start what answers every request in the given way. */
async function serving(t, answer) {
  const server = createServer(answer);
  await new Promise((done) => server.listen(0, "127.0.0.1", () => done(undefined)));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`;
}

/** @param {string} url @param {any} kind @param {RegExp} message @param {object} [options] */
async function fails(url, kind, message, options = {}) {
  const client = new SparseClient(url, { model: "splade", ...options });
  await assert.rejects(client.encodeQueries(["a"]), (error) => {
    assert.ok(error instanceof kind, String(error));
    assert.match(/** @type {Error} */ (error).message, message);
    return true;
  });
}

test("a server that is down", async (t) => {
  const url = await serving(t, () => {});
  const free = await new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = /** @type {any} */ (server.address());
      server.close(() => done(port));
    });
  });
  await fails(
    `http://127.0.0.1:${free}`,
    UnreachableError,
    /cannot be reached \(.*ECONNREFUSED.*\): is the server running/,
  );
  await fails(url, UnreachableError, /gave no answer within 0\.2 s/, { timeout: 0.2 });
});

test("a server that breaks off", async (t) => {
  await fails(await serving(t, (request) => request.socket.destroy()), UnreachableError, /cannot be reached/);
  const half = await serving(t, (_, answer) => {
    answer.writeHead(200, { "content-length": 100 }).write("{");
    setTimeout(() => answer.destroy(), 50);
  });
  await fails(half, UnreachableError, /cannot be reached/);
});

test("a server that is not a Triton server", async (t) => {
  const html = (_, answer) => answer.writeHead(200, { "content-type": "text/html" }).end("<html>Hello</html>");
  await fails(await serving(t, html), ServerError, /answer that cannot be read .*: is it a Triton server/);
  const lost = (_, answer) => answer.writeHead(404).end("<html>Not here</html>");
  await fails(await serving(t, lost), ServerError, /answers HTTP 404: <html>Not here<\/html>; is it a Triton server/);
  const busy = (_, answer) => answer.writeHead(503).end("busy");
  await fails(await serving(t, busy), UnreachableError, /HTTP 503: busy/);
});

test("an invalid address", () => {
  for (const url of ["localhost:8000", "grpc://localhost:8001", "", "/x"]) {
    assert.throws(() => new SparseClient(url, { model: "splade" }), /give one like http:\/\/localhost:8000/);
  }
  assert.throws(() => new SparseClient("http://localhost", /** @type {any} */ ({})), /expected the name of a bundle/);
  assert.throws(() => new SparseClient("http://localhost", { model: "a", timeout: 0 }), /timeout is 0/);
});

const real = JSON.parse(process.env.SPARSE_SERVER ?? "null");
const options = { skip: real ? false : "SPARSE_SERVER names no Triton server" };

test("a real server gives the vectors of the bundle", options, async () => {
  for (const [model, folder] of Object.entries(real.models)) {
    const [client, local] = [new SparseClient(real.url, { model }), await LocalEncoder.load(folder)];
    const reports = await client.verify(folder);
    const golden = await local.golden();
    assert.equal(
      Object.values(reports).reduce((sum, { texts }) => sum + texts, 0),
      golden.length,
    );
    for (const { text } of golden.filter(({ vector }) => vector.length > 0).slice(0, 5)) {
      const [theirs, ours] = [await client.encodeDocuments([text]), await local.encodeDocuments([text])];
      assert.ok(compare(ours, theirs, null, "fp32").worstCosine > 0.9999); // the server's ONNX Runtime is another
      assert.deepEqual(await client.explain(ours[0], ours[0]), await local.explain(ours[0], ours[0]));
      for (const route of /** @type {const} */ (["document", "query"])) {
        const ids = await local.tokenIds(text, route);
        const byText = await (route === "query" ? client.encodeQueries([text]) : client.encodeDocuments([text]));
        assert.deepEqual(await client.encodeTokenIds([ids], route), byText);
      }
    }
    const [vector] = await local.encodeDocuments(["The weather is lovely today."]);
    const decode = (/** @type {any} */ one) => one.decode([vector]).catch(() => one.reconstruct([vector]));
    assert.deepEqual(await decode(client), await decode(local));
  }
});

test("more texts than a real server takes at once", options, async () => {
  const [[model]] = Object.entries(real.models);
  const client = new SparseClient(real.url, { model });
  const texts = Array.from({ length: 150 }, (_, at) => `storm number ${at}`);
  const vectors = await client.encodeDocuments(texts);
  assert.equal(vectors.length, 150);
  const [last] = await client.encodeDocuments([texts[149]]);
  assert.deepEqual(vectors[149].top(5).indices, last.top(5).indices);
});

test("what a real server refuses", options, async () => {
  const [[model]] = Object.entries(real.models);
  await assert.rejects(new SparseClient(real.url, { model: "nope" }).encodeQueries(["a"]), ModelNotFoundError);
  const client = new SparseClient(real.url, { model });
  await assert.rejects(client.encodeQueries(["a".repeat(1_000_000)]), InputError);
  await assert.rejects(client.encodeQueries(["\ud800"]), /lone surrogate/);
  assert.equal((await client.encodeQueries(["", "a\0b"])).length, 2);
});
