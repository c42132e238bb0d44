/** Calls into the worker; errors come back with their message. */

export class Remote {
  constructor(worker) {
    this._worker = worker;
    this._waiting = new Map();
    this._next = 0;
    this.onProgress = () => {};
    worker.addEventListener("message", ({ data }) => this._answered(data));
    worker.addEventListener("error", (event) => this._broken(event));
  }

  call(method, ...parameters) {
    return new Promise((resolve, reject) => {
      this._waiting.set(this._next, { resolve, reject });
      this._worker.postMessage({ id: this._next, method, parameters });
      this._next += 1;
    });
  }

  _answered({ id, result, error, progress }) {
    if (progress) {
      this.onProgress(progress);
      return;
    }
    const { resolve, reject } = this._waiting.get(id);
    this._waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(result);
  }

  _broken(event) {
    const error = new Error(`The worker cannot start (${event.message ?? "a file is missing"}): reload the page`);
    for (const { reject } of this._waiting.values()) reject(error);
    this._waiting.clear();
  }
}

/**
 * Wrap an asynchronous function so that of many calls while one runs only the last is made after it.
 */
export function latest(run) {
  let running = false;
  let again = false;
  return async function next() {
    if (running) {
      again = true;
      return;
    }
    running = true;
    await run();
    running = false;
    if (again) {
      again = false;
      await next();
    }
  };
}
