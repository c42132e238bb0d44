/** Serve a folder on loopback with the headers that let WebAssembly use threads. */

import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".jsonl": "application/json",
};

/**
 * @param {string} folder
 * @param {{port?: number, isolated?: boolean}} [options] `isolated`: send the headers that allow threads.
 * @returns {Promise<import("node:http").Server & {sent: number}>} `sent`: bytes of bodies so far.
 */
export async function serve(folder, { port = 0, isolated = true } = {}) {
  const root = await realpath(folder);
  const server = createServer((request, answer) => respond(request, answer).catch(() => answer.destroy()));
  server.sent = 0;

  async function respond(request, answer) {
    const name = decodeURIComponent(new URL(request.url, "http://loopback").pathname);
    const file = join(root, name.endsWith("/") ? `${name}index.html` : name);
    const status = file.startsWith(root + sep) ? await stat(file).catch(() => null) : null;
    if (isolated) {
      answer.setHeader("cross-origin-opener-policy", "same-origin");
      answer.setHeader("cross-origin-embedder-policy", "require-corp");
    }
    if (!status?.isFile()) {
      answer.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
      return;
    }
    answer.writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "content-length": status.size,
      "cache-control": "no-cache",
    });
    server.sent += status.size;
    await pipeline(createReadStream(file), answer);
  }

  await new Promise((done, failed) => server.once("error", failed).listen(port, "127.0.0.1", done));
  return server;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [folder, port = "8080"] = process.argv.slice(2);
  const server = await serve(folder, { port: Number(port) });
  console.log(`http://localhost:${server.address().port}/   (Ctrl-C ends)`);
}
