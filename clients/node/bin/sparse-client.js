#!/usr/bin/env node
/** sparse-client encode|decode|verify: texts to vectors and weighted tokens, with a bundle or a server. */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { place } from "../src/folder.js";
import { InputError, LocalEncoder, SparseClient, SparseClientError } from "../src/index.js";

const HELP = `Usage: sparse-client encode|decode|verify [--bundle DIR] [--url URL --model NAME] [TEXT...]

  encode   write the sparse vector of each text, one JSON line each
  decode   write the weighted tokens of each text, one JSON line each
  verify   replay the golden vectors of --bundle, in this process or on the server at --url

Options:
  --bundle DIR    folder that sparse-export wrote
  --url URL       Triton server instead of a bundle, such as http://localhost:8000
  --model NAME    the bundle's name on the server
  --input FILE    one text per line instead of arguments; - for standard input
  --route ROUTE   document or query (default: document)
  --top K         keep the K strongest dimensions (default: all; decode: 10)
  --threads N     threads of one run of a graph

Example:
  sparse-client decode --bundle bundle/ "The weather is lovely today."
`;
const TEXT = { type: /** @type {const} */ ("string") };
const OPTIONS = {
  bundle: TEXT,
  url: TEXT,
  model: TEXT,
  input: TEXT,
  top: TEXT,
  threads: TEXT,
  route: { ...TEXT, default: "document" },
  help: { type: /** @type {const} */ ("boolean"), short: "h" },
};

/** @param {string | undefined} given @param {string} name @returns {number | undefined} */
function number(given, name) {
  if (given === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(given)) throw new InputError(`--${name} is ${given}, expected a whole number, 1 or more`);
  return Number(given);
}

/** @param {any} values @param {string[]} words @returns {string[]} */
function texts({ input }, words) {
  if ((input === undefined) === (words.length === 0)) throw new InputError("give either texts or --input FILE");
  if (input === undefined) return words;
  let bytes;
  try {
    bytes = readFileSync(input === "-" ? 0 : input);
  } catch (error) {
    throw new InputError(`--input ${input} cannot be read: ${/** @type {Error} */ (error).message}`);
  }
  let content;
  try {
    content = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new InputError(`--input ${input} is not UTF-8: save the file as UTF-8`);
  }
  return content.replace(/\r?\n$/, "").split(/\r?\n/);
}

/** @param {any} values */
async function opened({ bundle, url, model, top, threads }) {
  const maxActiveDims = number(top, "top");
  if (url !== undefined) return new SparseClient(url, { model, maxActiveDims });
  if (bundle === undefined) throw new InputError("give --bundle DIR, or --url URL and --model NAME");
  return LocalEncoder.load(bundle, { maxActiveDims, threads: number(threads, "threads") });
}

/** @param {unknown} line */
function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** @param {any} values @param {string} command @param {string[]} words */
async function show(values, command, words) {
  if (!["document", "query"].includes(values.route)) {
    throw new InputError(`--route is ${values.route}, expected document or query`);
  }
  const given = texts(values, words);
  const encoder = await opened(values);
  const encode = values.route === "query" ? encoder.encodeQueries(given) : encoder.encodeDocuments(given);
  const vectors = await encode;
  const tokens = command === "decode" ? await encoder.decode(vectors, { top: number(values.top, "top") ?? 10 }) : [];
  vectors.forEach((vector, at) => {
    const named = tokens[at] ?? [];
    const shown = { tokens: named.map(([token]) => token), values: named.map(([, weight]) => weight) };
    print({ text: given[at], ...(command === "decode" ? shown : vector.toJSON()) });
  });
}

/** @param {any} values */
async function verify(values) {
  if (values.bundle === undefined) throw new InputError("verify needs --bundle DIR, whose golden vectors are replayed");
  const bundle = await LocalEncoder.load(values.bundle, {
    checksums: true,
    threads: number(values.threads, "threads"),
  });
  const target = values.url === undefined ? bundle : new SparseClient(values.url, { model: values.model });
  if (target instanceof SparseClient) print(await target.verify(bundle));
  else print({ on: await place(), ...(await bundle.verify()) });
}

async function main() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const [command, ...words] = positionals;
  if (values.help || command === undefined) {
    process.stdout.write(HELP);
  } else if (command === "verify") {
    await verify(values);
  } else if (command === "encode" || command === "decode") {
    await show(values, command, words);
  } else {
    throw new InputError(`there is no command '${command}': encode, decode or verify`);
  }
}

process.stdout.on("error", (error) => {
  if (/** @type {NodeJS.ErrnoException} */ (error).code === "EPIPE") process.exit(0); // the reader had enough
  throw error;
});
main().catch((error) => {
  const ours = error instanceof SparseClientError || String(error?.code).startsWith("ERR_PARSE_ARGS");
  if (!ours) throw error;
  process.stderr.write(`Error: ${error.message.replace(/\s+/g, " ")}\n`);
  process.exitCode = 1;
});
