"""How a text of each route becomes token ids, and which graph takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparse_client.bundle.facts import Route
from sparse_export.checkpoint import slow_tokenizer
from sparse_export.checkpoint.chain import ROUTES, TABLE
from sparse_export.checkpoint.load import Checkpoint
from sparse_export.checkpoint.tokenizer import effective_tokenizer, is_fast
from sparse_export.options import Precision
from sparse_export.plan import query_table

DOCUMENT, QUERY = "document.onnx", query_table.GRAPH
TOKENIZER, QUERY_TOKENIZER = "tokenizer.json", "query_tokenizer.json"
FOLDER, QUERY_FOLDER = "tokenizer", "query_tokenizer"  # of one without a fast form


def read_routes(checkpoint: Checkpoint, precision: Precision, sae_only: bool) -> dict[str, Route]:
    """Return the routes of a checkpoint by name; a second graph or tokenizer is named only where it differs.

    Raises:
        UnsupportedCheckpointError: A tokenizer is code of the checkpoint's own.
    """
    if sae_only:
        embedded = Route(graph=DOCUMENT, prompt="", add_special_tokens=False, precision=precision)
        return dict.fromkeys(ROUTES, embedded)
    shared = _content(checkpoint, "document")
    routes = {}
    for route in ROUTES:
        looked_up = checkpoint.head(route) == TABLE
        same, tokenizer = _content(checkpoint, route) == shared, checkpoint.tokenizer(route)
        fast, folder = is_fast(tokenizer), FOLDER if same else QUERY_FOLDER
        routes[route] = Route(
            graph=DOCUMENT if route == "document" or checkpoint.shares_graph() else QUERY,
            tokenizer=(TOKENIZER if same else QUERY_TOKENIZER) if fast else None,
            python_tokenizer=None if fast else slow_tokenizer.describe(tokenizer, folder),
            prompt=checkpoint.prompt(route),
            max_length=checkpoint.max_length(route),
            add_special_tokens=not looked_up,
            precision=Precision.FP32 if looked_up else precision,
        )
    return routes


def write_tokenizer(folder: Path, checkpoint: Checkpoint, route: str, entry: Route) -> None:
    """Write the tokenizer of a route into a bundle: one file, or the folder of one without a fast form."""
    tokenizer = checkpoint.tokenizer(route)
    if entry.python_tokenizer is not None:
        tokenizer.save_pretrained(folder / entry.python_tokenizer.folder)
        return
    effective = effective_tokenizer(tokenizer, checkpoint.max_length(route))
    # Not by its own `save`, which tells of a full disk in an error of its own.
    (folder / str(entry.tokenizer)).write_text(effective.to_str(pretty=True), encoding="utf-8")


def _content(checkpoint: Checkpoint, route: str) -> Any:
    """Return what two tokenizers are the same by."""
    tokenizer, length = checkpoint.tokenizer(route), checkpoint.max_length(route)
    if is_fast(tokenizer):
        return effective_tokenizer(tokenizer, length).to_str()
    return type(tokenizer).__name__, length, tokenizer.get_vocab(), repr(tokenizer.init_kwargs)
