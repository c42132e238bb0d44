/** Keeps every file of the page on the device: after the first load no network is needed. */

const VERSION = "@VERSION@"; // the build's hash of all files
const PAGE = ["./", "style.css", "page.js", "offline.js", "remote.js", "rank-view.js", "text-view.js"];

self.addEventListener("install", (event) => {
  self.skipWaiting(); // the page reloads itself, see offline.js
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(PAGE)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== VERSION) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && url.origin === location.origin) event.respondWith(kept(event.request, url));
});

async function kept(request, url) {
  const cache = await caches.open(VERSION);
  // The page is one file whatever stands behind the question mark.
  const key = request.mode === "navigate" ? new URL(url.pathname.replace(/index\.html$/, ""), url).href : url.href;
  const found = await cache.match(key);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok && answer.status === 200) await store(cache, key, answer.clone());
  return answer;
}

async function store(cache, key, answer) {
  // Not awaited to its end: the page reads while the copy is written.
  cache.put(key, answer).catch(() => {});
}
