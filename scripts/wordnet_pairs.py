"""Write WordNet's (term, synonyms and gloss) pairs for training, and held-out ones as a BEIR folder.

    python scripts/wordnet_pairs.py            # build/wordnet/train.jsonl, build/wordnet/beir/

A pair comes from a noun synset of several terms whose last, which is its rarest, is one word in small letters: that
word, and the other terms with the gloss. What is trained on has no term in common with what is held out. The text is
WordNet's and stays in build/, which git ignores.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORDNET = ROOT / "models" / "wordnet"
OUTPUT = ROOT / "build" / "wordnet"
HELD_OUT = 1000
DISTRACTORS = 3000
CONTEXT = (3, 10)  # words
LICENCE = "  "  # how the lines of the licence begin in WordNet's data files

Synset = tuple[tuple[str, ...], str]


def synsets() -> Iterator[Synset]:
    """Yield the terms, the commonest first, and the definition of each synset that makes a pair."""
    for line in (WORDNET / "data.noun").read_text("utf-8").splitlines():
        if line.startswith(LICENCE):
            continue
        head, _, gloss = line.partition(" | ")
        fields = head.split(" ")
        count = int(fields[3], 16)
        terms = dict.fromkeys(re.sub(r"\(.*\)", "", term).replace("_", " ") for term in fields[4 : 4 + 2 * count : 2])
        rarest = [*terms][-1]
        if len(terms) > 1 and rarest.isalpha() and rarest.islower():
            yield tuple(terms), gloss.partition('; "')[0].strip()


def passage(terms: Iterable[str], gloss: str) -> str:
    """Return the text that a term is to be found by."""
    return f"{', '.join(terms)}: {gloss}"


def write_lines(path: Path, records: Iterable[dict[str, str]]) -> int:
    """Write JSON lines; return how many."""
    lines = [json.dumps(record) for record in records]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return len(lines)


def explained(known: list[Synset]) -> Iterator[dict[str, str]]:
    """Yield each term with its passage, alone and among words of another gloss, which the passage then has too."""
    choose = random.Random(0)
    for terms, gloss in known:
        term, text = terms[-1], passage(terms[:-1], gloss)
        yield {"text": term, "explanation": text}
        words = choose.choice(known)[1].split()
        start = choose.randrange(len(words))
        words = words[start : start + choose.randint(*CONTEXT)]
        place = choose.randint(0, len(words))
        context = " ".join(words)
        yield {"text": " ".join([*words[:place], term, *words[place:]]), "explanation": f"{text}; {context}"}


def main() -> None:
    """Write the files anew, the same on every machine."""
    if not WORDNET.is_dir():
        raise SystemExit("No WordNet in models/: run `make models` first.")
    known = list(synsets())
    random.Random(0).shuffle(known)
    held_out, rest = known[:HELD_OUT], known[HELD_OUT:]
    forbidden = {term.lower() for terms, _ in held_out for term in terms}
    train = [synset for synset in rest if not forbidden & {term.lower() for term in synset[0]}]

    shutil.rmtree(OUTPUT, ignore_errors=True)
    (OUTPUT / "beir" / "qrels").mkdir(parents=True)
    pairs = ({"query": terms[-1], "document": passage(terms[:-1], gloss)} for terms, gloss in train)
    count = write_lines(OUTPUT / "train.jsonl", pairs)
    write_lines(OUTPUT / "expansions.jsonl", explained(train))
    documents = [*held_out, *train[:DISTRACTORS]]
    texts = ({"_id": f"d{i}", "text": passage(terms[:-1], gloss)} for i, (terms, gloss) in enumerate(documents))
    write_lines(OUTPUT / "beir" / "corpus.jsonl", texts)
    write_lines(OUTPUT / "beir" / "queries.jsonl", ({"_id": f"q{i}", "text": s[0][-1]} for i, s in enumerate(held_out)))
    rows = "".join(f"q{i}\td{i}\t1\n" for i in range(len(held_out)))
    (OUTPUT / "beir" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows, encoding="utf-8")
    print(f"{OUTPUT.relative_to(ROOT)}: {count} pairs to train on, {len(held_out)} held out among {len(documents)}")


if __name__ == "__main__":
    main()
