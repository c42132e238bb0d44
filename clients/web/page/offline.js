/** Registers the service worker before anything large is fetched, so that it is fetched once and kept. */

const PATIENCE_MS = 1500;

/** Returns whether what is loaded from now on will be there without a network. */
export async function cacheForOffline() {
  if (!navigator.serviceWorker) return false; // neither https nor localhost
  try {
    const before = navigator.serviceWorker.controller;
    // A newer build may take over now or have done so already: files of the two must not be mixed.
    if (before) navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    await navigator.serviceWorker.register("service-worker.js");
    if (before) {
      const kept = await caches.keys();
      if (!kept.includes(document.documentElement.dataset.version)) location.reload();
      return true;
    }
    const controlled = new Promise((resolve) => {
      navigator.serviceWorker.addEventListener("controllerchange", () => resolve(true), { once: true });
    });
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, false));
    return (await Promise.race([controlled, late])) || navigator.serviceWorker.controller !== null;
  } catch {
    return false; // private windows may refuse: the page works without
  }
}
