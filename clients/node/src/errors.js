/**
 * The errors that callers may catch.
 *
 * SparseClientError
 * ├── BundleError              the bundle is missing, incomplete, broken, too new, or cannot do what was asked
 * ├── InputError               a text, a vector or an option was rejected, here or by the server
 * └── ServerError              the server failed, refused the caller, or is not a server of this kind
 *     ├── UnreachableError     it could not be reached, said that it is unavailable, or took too long
 *     └── ModelNotFoundError   it has no such model
 */

/** Base of every error this package throws on purpose; its message says what to do. */
export class SparseClientError extends Error {
  /**
   * @param {string} message
   * @param {{cause?: unknown}} [options]
   */
  constructor(message, options) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The bundle is missing, incomplete, broken, too new, or cannot do what was asked. */
export class BundleError extends SparseClientError {}

/** A text, a vector or an option was rejected, here or by the server. */
export class InputError extends SparseClientError {}

/** The server failed, refused the caller, or is not a server of this kind. */
export class ServerError extends SparseClientError {}

/** The server could not be reached, said that it is unavailable, or took too long. */
export class UnreachableError extends ServerError {}

/** The server has no such model. */
export class ModelNotFoundError extends ServerError {}

/**
 * What an unknown thrown thing says, on one line.
 * @param {unknown} error
 * @returns {string}
 */
export function reason(error) {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ").trim();
}
