"""What the commands print: tables for the eye, JSON lines for programs."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sparse_client.cli.tables import print_columns, print_table
from sparse_client.errors import SparseClientError

if TYPE_CHECKING:
    from pathlib import Path

    from sparse_client.cli.load_test import Level
    from sparse_client.corpus.encode import Summary
    from sparse_client.overlap import Contribution
    from sparse_client.parity.golden import Report


def wants_table(form: str | None) -> bool:
    """Tell whether to print a table: if asked to, else on a terminal."""
    return (form or ("table" if sys.stdout.isatty() else "jsonl")) == "table"


def show_tokens(form: str | None, label: dict[str, Any], tokens: list[tuple[str, float]]) -> None:
    """Print the tokens of one text."""
    if wants_table(form):
        print_table(str(next(iter(label.values()), "")), tokens)
    else:
        _line({**label, "tokens": [token for token, _ in tokens], "values": [weight for _, weight in tokens]})


def show_overlap(form: str | None, score: float, texts: tuple[str, str], shown: "Sequence[Contribution]") -> None:
    """Print what a query and a document have in common."""
    query, document = texts
    if wants_table(form):
        tokens = [(one.label, one.contribution) for one in shown]
        notes = [f"{one.share:.1%}" for one in shown]
        print_table(f"score {score:.3f}: {query} | {document}", tokens, notes, "(nothing in common)")
        return
    line = {"query": query, "document": document, "score": score, "labels": [one.label for one in shown]}
    shares = {"contributions": [one.contribution for one in shown], "shares": [one.share for one in shown]}
    _line({**line, **shares})


def show_levels(form: str | None, levels: "Sequence[Level]", names: Sequence[str]) -> None:
    """Print what was measured with each number of callers; names are those of the percentiles."""
    if wants_table(form):
        rows = [
            [str(one.callers), str(one.calls), f"{one.texts_per_second:.1f}", *(f"{ms:.1f}" for ms in one.milliseconds)]
            for one in levels
        ]
        print_columns(["callers", "calls", "texts/s", *(f"{name} ms" for name in names)], rows)
        return
    for one in levels:
        line = {"callers": one.callers, "calls": one.calls, "texts_per_second": one.texts_per_second}
        _line(line | {f"{name}_ms": ms for name, ms in zip(names, one.milliseconds, strict=True)})


def show_summary(done: "Summary", output: "Path", seconds: float) -> None:
    """Say on stderr what was encoded into a folder."""
    before = f" ({done.texts - done.encoded:,} were there)" if done.encoded < done.texts else ""
    clipped = f", {done.clipped:,} weights were larger than the largest impact" if done.clipped else ""
    sys.stderr.write(
        f"{output}/: {done.texts:,} texts{before} in {seconds:.1f} s, {done.encoded / seconds:,.1f} texts/s; "
        f"{done.active:.1f} active dimensions a text, {done.bytes / 1e6:,.1f} MB in {done.files} files{clipped}\n"
    )


def show_verification(bundle: str, report: "Report", *, in_process: bool) -> None:
    """Print how far a client is from PyTorch, route by route, where it ran if in this process, and the outcome.

    Raises:
        SparseClientError: If something is not as it must be.
    """
    rows = []
    for route, one in report.distances.items():
        shares = [f"{share:.5f}" for share in (one.mean_cosine, one.worst_cosine, one.overlap)]
        rows.append([route, str(one.texts), f"{one.max_difference:.2e}", *shares])
    print_columns(["route", "texts", "largest difference", "mean cosine", "worst cosine", "top-64 overlap"], rows)
    if in_process:
        import onnxruntime

        from sparse_client.bundle.processor import processor_name

        sys.stdout.write(f"on {processor_name()}, onnxruntime {onnxruntime.__version__}\n")
    if not report.passed:
        raise SparseClientError(
            f"{bundle} ({report.precision}) differs from PyTorch by more than it may: {'; '.join(report.misses)}"
        )
    sys.stdout.write(f"{bundle}: {report.precision}, verified\n")


def _line(fields: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
