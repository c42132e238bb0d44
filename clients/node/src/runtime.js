/** Which ONNX Runtime may run graphs: one that is older has never been compared with PyTorch. */

import { SparseClientError } from "./errors.js";

/** What package.json asks for; an application may have installed another. */
export const OLDEST = "1.30.0";

/**
 * @param {string} name The package.
 * @param {string | undefined} version Its own.
 * @throws {SparseClientError} If it is too old.
 */
export function checkRuntime(name, version = "0") {
  const order = new Intl.Collator("en", { numeric: true });
  if (order.compare(version, OLDEST) >= 0) return;
  throw new SparseClientError(
    `${name} ${version} is too old, ${OLDEST} is the oldest that was tested: npm install ${name}@^${OLDEST}`,
  );
}
