"""The modules that a text of a route goes through, and what sentence-transformers applies beside them.

A chain is known as a whole or not at all: a module that is not expected where it stands changes every vector.
"""

from __future__ import annotations

from typing import Any, cast

from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Dense, Normalize, Router, Transformer
from sentence_transformers.sentence_transformer.modules import Dropout, LayerNorm, Pooling
from sentence_transformers.sparse_encoder.modules import (
    MLMTransformer,
    SparseAutoEncoder,
    SparseStaticEmbedding,
    SpladePooling,
)

from sparse_export.checkpoint.token_weights import TokenWeights
from sparse_export.errors import UnsupportedCheckpointError

ROUTES = ("document", "query")
SPLADE, TABLE, FEATURES, TOKEN_WEIGHTS = "splade", "table", "features", "token-weights"  # heads
# What may stand between the transformer and the autoencoder of a `features` route: traced as it is.
DENSE_MODULES = (Pooling, Dense, Normalize, LayerNorm, Dropout)
CHAINS = {
    SPLADE: "Transformer + SpladePooling",
    TABLE: "SparseStaticEmbedding",
    FEATURES: f"Transformer [+ {' | '.join(kind.__name__ for kind in DENSE_MODULES)} ...] + SparseAutoEncoder",
    TOKEN_WEIGHTS: "a dense encoder with sparse_linear.pt or a token classifier",
}


def route_modules(encoder: SparseEncoder, route: str) -> list[Any]:
    """Return the modules of a route in order; a Router has a sequence of its own for each.

    Raises:
        UnsupportedCheckpointError: The Router has other routes, or sends a task another way than to its namesake.
    """
    first, *others = list[Any](cast(Any, encoder))
    if not isinstance(first, Router):
        return [first, *others]
    if set(first.sub_modules) != set(ROUTES):
        raise UnsupportedCheckpointError(
            f"The Router has the routes {', '.join(sorted(first.sub_modules))}; exported are Routers with "
            f"exactly {' and '.join(ROUTES)}."
        )
    taken = first._resolve_route(task=route, modality="text")
    if taken != route:
        raise UnsupportedCheckpointError(
            f"The Router's route_mappings send the task {route!r} to the route {taken!r}; exported are Routers that "
            "send documents to 'document' and queries to 'query'."
        )
    return [*cast(Any, first.sub_modules[route]), *others]


def head_of(modules: list[Any]) -> str | None:
    """Return the head in which a chain of modules ends, None if any of them is not what it must be.

    Classes are compared themselves, not their names or ancestors: a subclass may compute anything.
    """
    kinds: list[type] = [Transformer if type(module) is MLMTransformer else type(module) for module in modules]
    first, *between = kinds
    if first is SparseStaticEmbedding and not between:
        return TABLE
    if first is not Transformer or not between:
        return None
    *middle, last = between
    if last is SpladePooling and not middle:
        return SPLADE
    if last is TokenWeights and not middle:
        return TOKEN_WEIGHTS
    if last is SparseAutoEncoder and all(kind in DENSE_MODULES for kind in middle):
        return FEATURES
    return None


def describe(modules: list[Any]) -> str:
    """Return the class names of a chain of modules."""
    return " + ".join(type(module).__name__ for module in modules)


def check_applied(modules: list[Any], route: str, prompt: str) -> None:
    """Refuse what sentence-transformers does to a text beside its modules and a graph cannot know of.

    Args:
        modules: A chain with a head.
        route: `document` or `query`.
        prompt: What is put in front of each text of the route.

    Raises:
        UnsupportedCheckpointError: A setting of the modules asks for it.
    """
    for module in modules:
        if isinstance(module, Pooling) and not module.include_prompt and prompt:
            raise UnsupportedCheckpointError(
                f"The Pooling of the {route} route leaves the tokens of the prompt {prompt!r} out (include_prompt is "
                "false), which is not exported; remove the prompt, or set include_prompt to true and finetune."
            )
    first = modules[0]
    if not isinstance(first, Transformer):
        return
    refused = {
        "query_expansion": bool(first.query_expansion) and route == "query",
        "a chat template": "message" in first.modality_config,
        "processing_kwargs": any((first.processing_kwargs or {}).values()),
    }
    for name, is_set in refused.items():
        if is_set:
            raise UnsupportedCheckpointError(
                f"The Transformer of the {route} route has {name}, which changes how its texts become tokens and is "
                "not exported."
            )
