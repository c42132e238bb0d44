"""Ours against the peers that can be installed, each in its own environment, in one run.

A contender's process lives for one turn: it encodes short texts, then longer ones, and ends, so that one computes at
a time and none has another's memory. The turns alternate, another contender first each round, so that a busy machine
slows all of them down. Writes build/bench/peers.json, peers.md and peers.png.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from contender import REFERENCE, Contender, ContenderError, Round
from encode import find_checkpoint, positive
from environments import requirements
from limit import hidden_size, ideal_seconds, machine_peaks
from lineup import CONTENDERS, LENGTHS, MODELS, OURS, make_ready
from passages import ROOT, passages
from peers_plot import plot
from peers_report import Case, Row, as_markdown, make_rows
from report import machine, versions

BENCH = ROOT / "build" / "bench"
README_WORDS = 90
COMPARED = 16
"""Texts whose vectors are compared with PyTorch's."""

Rounds = dict[int, dict[Contender, list[Round]]]
"""By words of a text, then by contender."""
Failures = dict[str, str]


def main() -> None:
    options = _parse_options()
    rows, failures = list[Row](), Failures()
    checkpoints = {model: find_checkpoint(model) for model in options.models}
    peaks = machine_peaks(map(hidden_size, checkpoints.values()), options.threads)
    about = {
        "settings": vars(options),
        "machine": machine(),
        "versions": {REFERENCE: versions()} | requirements(),
        "peaks": peaks,
        "failures": failures,
    }
    for model in options.models:
        contenders = _ready(model, checkpoints[model], options, failures)
        counts = {words: count for words, count in MODELS[model].texts.items() if words in options.lengths}
        texts = {words: passages(options.texts or count, words) for words, count in counts.items()}
        rounds = compete(model, contenders, texts, options.rounds, failures)
        for words, given in texts.items():
            shares = _shares(rounds[words], given, peaks)
            rows += make_rows(Case(model, words, len(given)), rounds[words], shares)
        _write(about, rows)
    shown = [row for row in rows if row.words == README_WORDS]
    if options.readme and shown:
        plot(shown, ROOT / "docs" / "speed.png")
    print((BENCH / "peers.md").read_text("utf-8"))


def _parse_options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument(
        "--lengths", nargs="+", type=int, choices=LENGTHS, default=list(LENGTHS), help="words of a text"
    )
    parser.add_argument("--contenders", nargs="*", choices=CONTENDERS, default=list(CONTENDERS), help="beside torch")
    parser.add_argument("--rounds", type=positive, default=2)
    parser.add_argument("--texts", type=positive, help="of a round; without it fewer for larger models and texts")
    parser.add_argument("--threads", type=positive, help="of every contender; without it each library's default")
    parser.add_argument("--reuse", action="store_true", help="take our bundles of the last run")
    parser.add_argument("--readme", action="store_true", help=f"write docs/speed.png, too: {README_WORDS} words")
    options = parser.parse_args()
    options.lengths.sort()  # memory grows with the length, and its peak is asked for after each
    return options


def _ready(model: str, checkpoint: Path, options: Any, failures: Failures) -> list[Contender]:
    """Return the contenders that could be made ready; the first one is the reference."""
    contenders = []
    for name in dict.fromkeys([REFERENCE, *options.contenders]):
        try:
            contenders.append(make_ready(name, model, checkpoint, options.threads, options.reuse))
        except ContenderError as error:
            failures[f"{name} on {model}"] = str(error)
    return contenders


def compete(
    model: str, contenders: list[Contender], texts: dict[int, list[str]], rounds: int, failures: Failures
) -> Rounds:
    """Give every contender a turn in each round, another one first each time; one that fails has no more turns."""
    results: Rounds = {words: {contender: [] for contender in contenders} for words in texts}
    left = list(contenders)
    for number in range(rounds):
        start = number % len(contenders)
        for contender in contenders[start:] + contenders[:start]:
            if contender in left:
                print(f"{model}, round {number + 1} of {rounds}: {contender.name}", file=sys.stderr)
                try:
                    _take_turn(contender, MODELS[model].warm_up, texts, results)
                except ContenderError as error:
                    left.remove(contender)
                    failures[f"{contender.name} on {model}"] = str(error)
    return results


def _take_turn(contender: Contender, warm_up: int, texts: dict[int, list[str]], results: Rounds) -> None:
    running = contender.start()
    for words, given in texts.items():
        done = results[words][contender]
        request = {"texts": given, "warm_up": warm_up, "alone": True, "vectors": 0 if done else COMPARED}
        done.append(Round(**running.measure(request)))
    running.close()


def _shares(rounds: dict[Contender, list[Round]], texts: list[str], peaks: dict[str, float]) -> dict[str, float]:
    """Return, for each of ours, the share of the machine's peak that the fastest round reached."""
    return {
        contender.name: ideal_seconds(contender, texts, peaks) / min(one.seconds for one in done)
        for contender, done in rounds.items()
        if contender.name in OURS and done
    }


def _write(about: dict[str, Any], rows: list[Row]) -> None:
    """Write all that is known so far: a run that is cut short leaves the models that it finished."""
    content = about | {"rows": [asdict(row) for row in rows]}
    (BENCH / "peers.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    (BENCH / "peers.md").write_text(as_markdown(about, rows), "utf-8")
    if rows:
        plot(rows, BENCH / "peers.png")


if __name__ == "__main__":
    main()
