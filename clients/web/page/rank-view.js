/** A query and some documents, ranked: the score of each, and which words make it. */

import { latest } from "./remote.js";

const SHARES = 6;
const element = (id) => document.getElementById(id);

/** Ranks the documents and keeps the order up to date; resolves with the first ranking. */
export async function rankView(remote) {
  const update = latest(async () => {
    const documents = element("documents")
      .value.split("\n")
      .filter((line) => line.trim());
    try {
      const { ms, results } = await remote.call("rank", element("query").value, documents);
      element("rank-error").hidden = true;
      show(results, documents);
      const matching = results.filter(({ score }) => score > 0).length;
      element("rank-summary").textContent =
        `${matching} of ${documents.length} documents match, ${ms.toFixed(0)} ms per text.`;
    } catch (error) {
      element("rank-error").textContent = error.message;
      element("rank-error").hidden = false;
      element("rank-summary").textContent = "";
      element("results").replaceChildren();
    }
  });
  for (const id of ["query", "documents"]) element(id).addEventListener("input", update);
  await update();
}

function show(results, documents) {
  const best = results.reduce((most, { score }) => Math.max(most, score), 0);
  element("results").replaceChildren(...results.map((result) => item(result, documents[result.position], best)));
}

function item({ score, contributions }, text, best) {
  const row = document.createElement("li");
  row.append(head(text, score), scale(score, best), shares(contributions));
  return row;
}

function head(text, score) {
  const [line, body, number] = ["div", "p", "span"].map((kind) => document.createElement(kind));
  line.className = "head";
  body.className = "document";
  body.textContent = text;
  number.className = "score";
  number.textContent = score.toFixed(2);
  number.title = "score: the dot product of the two vectors";
  line.append(body, number);
  return line;
}

function scale(score, best) {
  const [track, fill] = [document.createElement("div"), document.createElement("div")];
  track.className = "scale";
  fill.style.setProperty("--part", best > 0 ? (Math.max(score, 0) / best).toFixed(3) : "0");
  track.append(fill);
  return track;
}

function shares(contributions) {
  const list = document.createElement("ul");
  list.className = "shares";
  const shown = contributions.slice(0, SHARES).map(({ label, share }) => {
    const one = document.createElement("li");
    const word = document.createElement("b");
    word.textContent = label;
    one.append(word, ` ${percent(share)}`);
    one.style.setProperty("--tint", (0.08 + share * 0.6).toFixed(3));
    return one;
  });
  const rest = contributions.slice(SHARES).reduce((sum, { share }) => sum + share, 0);
  const note = document.createElement("li");
  note.className = "rest";
  note.textContent = contributions.length === 0 ? "no word in common" : `and ${percent(rest)} from others`;
  if (rest > 0 || contributions.length === 0) shown.push(note);
  list.append(...shown);
  return list;
}

function percent(share) {
  return share < 0.01 ? "< 1 %" : `${(share * 100).toFixed(0)} %`;
}
