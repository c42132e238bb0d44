"""Passages for the benchmarks: real English of varying length, the same ones on every machine."""

import random
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORDNET = ROOT / "models" / "wordnet"


def passages(count: int, words: int = 90, seed: int = 0) -> list[str]:
    """Return texts of WordNet glosses, their lengths spread evenly from 2/3 to 4/3 of `words`.

    Raises:
        SystemExit: WordNet is not there.
    """
    generator = random.Random(seed)
    glosses = _glosses()
    texts = []
    for _ in range(count):
        length = generator.randint(round(words * 2 / 3), round(words * 4 / 3))
        taken: list[str] = []
        while len(taken) < length:
            taken += generator.choice(glosses).split()
        texts.append(" ".join(taken[:length]))
    return texts


def _glosses() -> list[str]:
    """Read the part after the bar of WordNet's data files: a definition, often with examples."""
    files = sorted(WORDNET.rglob("data.*"))
    if not files:
        raise SystemExit(f"No WordNet in {WORDNET.relative_to(ROOT)}: run `make models` first.")
    lines = (line for file in files for line in file.read_text("utf-8").splitlines())
    found = (line.partition(" | ")[2].strip() for line in lines if not line.startswith(" "))  # the licence is indented
    return [f"{gloss[0].upper()}{gloss[1:]}." for gloss in found if gloss]
