/** Texts and token ids to rows of a graph's outputs: which texts are run together, and what is looked up instead. */

import { inBatches } from "./batch.js";
import { BundleError } from "./errors.js";
import { isLookedUp, QueryTable, TABLE } from "./lookup.js";
import { checkIds, GOLDEN, parseGoldenIds } from "./verification.js";

/** Runs the graphs of a bundle; each part of it is loaded once, on first use. */
export class Encoding {
  /**
   * @param {import("./sessions.js").Host} host
   * @param {import("./manifest.js").Manifest} manifest
   * @param {import("./sessions.js").Sessions} sessions
   * @param {number} batchSize
   * @param {number | null} most How many dimensions to keep, null for all.
   */
  constructor(host, manifest, sessions, batchSize, most) {
    this._host = host;
    this._manifest = manifest;
    this._sessions = sessions;
    this._batchSize = batchSize;
    this._most = most;
    /** @type {Map<string, Promise<any>>} */
    this._loaded = new Map();
  }

  /**
   * Encode texts.
   * @template Row
   * @param {string[]} texts
   * @param {string} name
   * @param {string[]} wanted Outputs of the graph.
   * @param {(outputs: any, most: number | null) => Row[]} read
   * @returns {Promise<Row[]>}
   */
  async rows(texts, name, wanted, read) {
    const route = this.route(name);
    const loading = this._load(route); // meanwhile
    loading.catch(() => {});
    const tokenizer = await this._provenTokenizer(name);
    const rows = await tokenizer.ids(texts, route);
    await loading;
    return this.rowsOfIds(rows, name, tokenizer.padId, wanted, read);
  }

  /** Load the table or the graph of a route. @param {import("./manifest.js").Route} route @returns {Promise<any>} */
  _load(route) {
    return isLookedUp(route, this._manifest.files) ? this._table() : this._sessions.load(route.graph);
  }

  /**
   * Encode token ids.
   * @template Row
   * @param {number[][]} rows
   * @param {string} name
   * @param {number} padId
   * @param {string[]} wanted Outputs of the graph.
   * @param {(outputs: any, most: number | null) => Row[]} read
   * @returns {Promise<Row[]>}
   */
  async rowsOfIds(rows, name, padId, wanted, read) {
    const route = this.route(name);
    if (isLookedUp(route, this._manifest.files)) {
      const table = await this._table();
      return /** @type {any[]} */ (rows.map((row) => table.vector(row, this._most)));
    }
    return inBatches(rows, this._batchSize, padId, async (inputs) =>
      read(await this._sessions.run(route.graph, inputs, wanted), this._most),
    );
  }

  /**
   * The tokenizer of a route, once it has given every golden text the ids that PyTorch saw.
   * @param {string} name
   * @returns {Promise<import("./sessions.js").Tokenizer>}
   */
  _provenTokenizer(name) {
    return this._once(`the tokenizer of ${name}`, async () => {
      const route = this.route(name);
      const [tokenizer, text] = await Promise.all([this.tokenizer(route), this.goldenText()]);
      const all = text === null ? [] : parseGoldenIds(text, `${this._host.name}: ${GOLDEN}`);
      const golden = all.filter((one) => one.route === name);
      const ids = await tokenizer.ids(
        golden.map((one) => one.text),
        route,
      );
      golden.forEach((one, at) => checkIds(this._host.name, one, ids[at]));
      return tokenizer;
    });
  }

  /** What golden.jsonl holds, null where the bundle has none. @returns {Promise<string | null>} */
  async goldenText() {
    if (!(GOLDEN in this._manifest.files)) return null;
    return this._once(GOLDEN, async () => new TextDecoder().decode(await this._host.read(GOLDEN)));
  }

  /** @param {string} name @returns {import("./manifest.js").Route} */
  route(name) {
    const { routes } = this._manifest;
    if (Object.hasOwn(routes, name)) return routes[name];
    throw new BundleError(`${this._host.name} has no route '${name}', it has: ${Object.keys(routes).join(", ")}`);
  }

  /** @param {import("./manifest.js").Route} route @returns {Promise<import("./sessions.js").Tokenizer>} */
  async tokenizer({ tokenizer: file, pythonTokenizer, maxLength }) {
    if (file === null) throw new BundleError(`${this._host.name}: ${pythonTokenizer}`);
    return this._once(`${file} up to ${maxLength}`, async () => {
      const text = new TextDecoder().decode(await this._host.read(file));
      return this._host.tokenizer(text, `${this._host.name}: ${file}`, maxLength);
    });
  }

  /** @returns {Promise<QueryTable>} */
  _table() {
    return this._once(TABLE, async () => {
      return new QueryTable(await this._host.read(TABLE), this._manifest, `${this._host.name}: ${TABLE}`);
    });
  }

  /** @param {string} file @param {() => Promise<any>} load @returns {Promise<any>} */
  _once(file, load) {
    const known = this._loaded.get(file);
    if (known) return known;
    const made = load();
    this._loaded.set(file, made);
    made.catch(() => this._loaded.delete(file));
    return made;
  }
}
