/** One text: what the model read, and its vector as a list with bars. */

import { latest } from "./remote.js";

const SHOWN = 20;
const element = (id) => document.getElementById(id);

/** Shows the vector of the text and keeps it up to date; resolves with the first one. */
export async function textView(remote) {
  let all = false;
  let found = null;
  const update = latest(async () => {
    try {
      found = await remote.call("analyse", element("text").value);
      element("text-error").hidden = true;
      show(found, all);
    } catch (error) {
      element("text-error").textContent = error.message;
      element("text-error").hidden = false;
      element("words").hidden = true;
    }
  });
  element("text").addEventListener("input", update);
  element("more").addEventListener("click", () => {
    all = !all;
    show(found, all);
  });
  await update();
}

function show({ ms, read, limit, pieces, tokens }, all) {
  const added = tokens.filter(({ own }) => !own).length;
  const cut = read === limit ? ` Only the first ${limit} tokens of the text were read.` : "";
  element("text-summary").textContent =
    `${tokens.length} weighted words, ${added} of them added, in ${ms.toFixed(0)} ms.${cut}`;
  const strongest = tokens.reduce((most, { weight }) => Math.max(most, weight), 0);
  element("pieces").replaceChildren(...pieces.map((piece) => chip(piece, strongest)));
  element("tokens").replaceChildren(...tokens.slice(0, all ? undefined : SHOWN).map((token) => bar(token, strongest)));
  const more = element("more");
  more.hidden = tokens.length <= SHOWN;
  more.setAttribute("aria-expanded", String(all));
  more.textContent = all ? `Show the ${SHOWN} strongest` : `Show all ${tokens.length}`;
  element("words").hidden = false;
}

function chip({ token, weight }, strongest) {
  const span = document.createElement("span");
  span.textContent = token;
  span.title = weight ? `weight ${weight.toFixed(2)}` : "no weight of its own";
  span.classList.toggle("glued", token.startsWith("##"));
  span.style.setProperty("--tint", strongest > 0 ? ((weight / strongest) * 0.45).toFixed(3) : "0");
  return span;
}

function bar({ token, weight, own }, strongest) {
  const row = document.createElement("li");
  row.className = own ? "own" : "added";
  const [name, track, number] = ["token", "track", "weight"].map((kind) => {
    const part = document.createElement("span");
    part.className = kind;
    return part;
  });
  name.textContent = own ? token : `+ ${token}`;
  name.title = own ? token : `${token}, added by the model`;
  const fill = document.createElement("div");
  fill.className = "bar";
  fill.style.setProperty("--part", (Math.max(weight, 0) / strongest).toFixed(3));
  track.append(fill);
  number.textContent = weight.toFixed(2);
  row.append(name, track, number);
  return row;
}
