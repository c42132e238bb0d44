"""How a text of each route becomes token ids, and which graph takes them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tokenizers import Tokenizer

from sparse_export.checkpoint.chain import ROUTES, TABLE
from sparse_export.checkpoint.load import Checkpoint
from sparse_export.checkpoint.tokenizer import effective_tokenizer
from sparse_export.options import Precision
from sparse_export.plan import query_table

DOCUMENT, QUERY = "document.onnx", query_table.GRAPH
TOKENIZER, QUERY_TOKENIZER = "tokenizer.json", "query_tokenizer.json"


@dataclass(frozen=True, slots=True)
class Route:
    """One entry of the manifest's `routes`.

    Attributes:
        graph: File of the graph.
        tokenizer: File of the tokenizer, None where the graph takes dense embeddings.
        prompt: What is put in front of every text.
        max_length: Tokens of a text, special tokens included; None for no limit.
        add_special_tokens: The tokenizer adds its special tokens.
        precision: Whose promise the graph keeps; a look-up has no product to round, so it is fp32.
    """

    graph: str
    tokenizer: str | None
    prompt: str
    max_length: int | None
    add_special_tokens: bool
    precision: Precision

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as JSON has it."""
        return asdict(self)


def read_routes(checkpoint: Checkpoint, precision: Precision, sae_only: bool) -> dict[str, Route]:
    """Return the routes of a checkpoint by name; a second graph or tokenizer is named only where it differs."""
    if sae_only:
        return dict.fromkeys(ROUTES, Route(DOCUMENT, None, "", None, False, precision))
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
