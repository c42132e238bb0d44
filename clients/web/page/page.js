/** The page: starts the worker, tells how loading goes, wires the views. */

import { cacheForOffline } from "./offline.js";
import { rankView } from "./rank-view.js";
import { Remote } from "./remote.js";
import { textView } from "./text-view.js";

const element = (id) => document.getElementById(id);
const address = new URL(location.href).searchParams;

function say(state, text) {
  element("status").dataset.state = state;
  element("status-text").textContent = text;
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function fail(error) {
  say("failed", error.message);
  element("progress").hidden = true;
}

function showProgress({ loaded, total }) {
  if (element("status").dataset.state !== "loading") return; // what was under way when something failed
  element("progress").value = loaded / total;
  say("loading", `Loading the model: ${megabytes(loaded)} of ${megabytes(total)}`);
}

function showReady(facts, offline) {
  const threads = facts.threads === 1 ? "1 thread" : `${facts.threads} threads`;
  const place = facts.gpu ? "on WebGPU" : `in WebAssembly, ${threads}`;
  const kept = offline ? " · works offline" : "";
  say(
    "ready",
    `${facts.name}: model ${megabytes(facts.modelBytes)}, ` +
      `runtime ${megabytes(facts.runtimeBytes)}, ready in ${(facts.ms / 1000).toFixed(1)} s · ` +
      `${facts.precision} ${place}${kept}`,
  );
  element("progress").hidden = true;
}

function wireVerify(remote) {
  const [button, result] = [element("verify"), element("verify-result")];
  button.disabled = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    result.textContent = "Replaying…";
    try {
      const reports = await remote.call("verify");
      result.textContent = Object.entries(reports)
        .map(
          ([route, report]) =>
            `${report.texts} ${route} vectors: same token ids, mean cosine ${report.meanCosine.toFixed(4)}, ` +
            `worst ${report.worstCosine.toFixed(4)}. The promise is kept.`,
        )
        .join(" ");
    } catch (error) {
      result.textContent = error.message;
    }
    button.disabled = false;
  });
}

async function start() {
  const offline = await cacheForOffline();
  const remote = new Remote(new Worker("worker.js", { type: "module" }));
  remote.onProgress = showProgress;
  const threads = Number(address.get("threads")) || undefined;
  const device = address.get("device") ?? undefined;
  const facts = await remote.call("load", { bundle: address.get("bundle") ?? "bundle/", threads, device });
  await textView(remote);
  facts.ms = performance.now(); // a visitor waits for the first result, so that is what the time tells
  await rankView(remote);
  showReady(facts, offline);
  document.body.dataset.ready = facts.ms.toFixed(0);
  wireVerify(remote);
}

start().catch(fail);
