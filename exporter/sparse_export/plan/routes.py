"""How a text of each route becomes token ids, and which graph takes them."""

from __future__ import annotations

from tokenizers import Tokenizer

from sparse_client.bundle.facts import Route
from sparse_export.checkpoint.chain import ROUTES, TABLE
from sparse_export.checkpoint.load import Checkpoint
from sparse_export.checkpoint.tokenizer import effective_tokenizer
from sparse_export.options import Precision
from sparse_export.plan import query_table

DOCUMENT, QUERY = "document.onnx", query_table.GRAPH
TOKENIZER, QUERY_TOKENIZER = "tokenizer.json", "query_tokenizer.json"


def read_routes(checkpoint: Checkpoint, precision: Precision, sae_only: bool) -> dict[str, Route]:
    """Return the routes of a checkpoint by name; a second graph or tokenizer is named only where it differs."""
    if sae_only:
        embedded = Route(graph=DOCUMENT, prompt="", add_special_tokens=False, precision=precision)
        return dict.fromkeys(ROUTES, embedded)
    shared = tokenizer_of(checkpoint, "document").to_str()
    routes = {}
    for route in ROUTES:
        looked_up = checkpoint.head(route) == TABLE
        same = tokenizer_of(checkpoint, route).to_str() == shared
        routes[route] = Route(
            graph=DOCUMENT if route == "document" or checkpoint.shares_graph() else QUERY,
            tokenizer=TOKENIZER if same else QUERY_TOKENIZER,
            prompt=checkpoint.prompt(route),
            max_length=checkpoint.max_length(route),
            add_special_tokens=not looked_up,
            precision=Precision.FP32 if looked_up else precision,
        )
    return routes


def tokenizer_of(checkpoint: Checkpoint, route: str) -> Tokenizer:
    """Return the effective tokenizer of a route."""
    return effective_tokenizer(checkpoint.tokenizer(route), checkpoint.max_length(route))
