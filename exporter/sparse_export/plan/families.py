"""The families of sparse encoders: one row each, chosen by the heads of both routes of the loaded checkpoint.

A family turns a checkpoint into a plan; everything after that (precision, proof, bundle) is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import onnx_ir as ir
import torch

from sparse_export.checkpoint import adapters
from sparse_export.checkpoint.chain import (
    CHAINS,
    FEATURES,
    ROUTES,
    SPLADE,
    TABLE,
    TOKEN_WEIGHTS,
    check_applied,
    describe,
)
from sparse_export.checkpoint.load import Checkpoint
from sparse_export.checkpoint.tokenizer import check_same_labels
from sparse_export.errors import CheckpointError, InputError, UnsupportedCheckpointError
from sparse_export.graph import backbone as tracing
from sparse_export.graph import decoder, unpadded
from sparse_export.graph.backbones import Backbone, backbone_of
from sparse_export.graph.feature_head import FeatureHead, embedding_input
from sparse_export.graph.head import Head
from sparse_export.graph.token_head import TokenHead
from sparse_export.graph.vocabulary_head import VocabularyHead
from sparse_export.options import ExportOptions, SpecialTokens
from sparse_export.plan.query_table import StaticTable, check_idf, read_table


@dataclass(frozen=True, slots=True)
class Tower:
    """A float32 graph of states, and the head that turns them into weights.

    Attributes:
        backbone: The row that says how the backbone was traced, None where there is none.
        states: `input_ids`, `attention_mask` -> states, mask.
        head: What comes after; writes itself in the precision that is asked for.
        long_texts: Its texts may be so long that those without padding get attention of their own.
    """

    backbone: Backbone | None
    states: ir.Model
    head: Head
    long_texts: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What each route is computed with.

    Attributes:
        document: The tower of documents.
        query: The tower of queries, where it is another one; or the table of query weights; None where queries go
            through the tower of documents.
    """

    document: Tower
    query: Tower | StaticTable | None = None

    def towers(self) -> dict[str, Tower]:
        """Return every tower by the route that it is named after."""
        return {"document": self.document} | ({"query": self.query} if isinstance(self.query, Tower) else {})

    def with_document_head(self, head: Head) -> Plan:
        """Return the plan with another head on the tower of documents."""
        return replace(self, document=replace(self.document, head=head))


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of sparse encoder.

    Attributes:
        name: As the manifest names it.
        heads: The head of the document route and that of the query route.
        check: Refuses a checkpoint whose modules do not fit each other, before any text goes through them; None where
            loading has done that.
    """

    name: str
    heads: tuple[str, str]
    check: Callable[[Checkpoint], None] | None = None

    @property
    def has_features(self) -> bool:
        """Tell whether dimensions are features of an autoencoder, not tokens."""
        return self.heads[0] == FEATURES

    def check_options(self, checkpoint: Checkpoint, options: ExportOptions) -> None:
        """Refuse options that a checkpoint of this family has no use for.

        Raises:
            InputError: The family, or a checkpoint with two towers, cannot do it.
        """
        two_towers = self.heads[0] == self.heads[1] and not checkpoint.shares_graph()
        if options.prune_vocabulary is not None and self.heads[0] != SPLADE:
            why = "whose dimensions are features and no vocabulary" if self.has_features else "which has no decoder"
            raise InputError(
                f"'{options.model}' is of the family {self.name}, {why}; export it without prune_vocabulary."
            )
        if options.special_tokens is SpecialTokens.DROP and self.has_features:
            raise InputError(
                f"'{options.model}' is of the family {self.name}, whose dimensions are features and no tokens; "
                "export it without special_tokens=drop."
            )
        if options.with_dense and self.heads[0] != TOKEN_WEIGHTS:
            raise InputError(
                f"'{options.model}' is of the family {self.name}, which has no dense embedding beside its weights; "
                "export it without with_dense."
            )
        if options.with_dense and not checkpoint.modules("document")[-1].dense_as_published:
            raise InputError(
                f"'{options.model}' does not make its dense embedding of the first state, normalized; "
                "export it without with_dense."
            )
        if options.prune_vocabulary is not None and two_towers:
            raise InputError(
                f"'{options.model}' has a tower of its own for queries, whose columns the texts of prune_vocabulary "
                "cannot choose; export it without prune_vocabulary."
            )
        if options.sae_only and not self.has_features:
            raise InputError(
                f"'{options.model}' is of the family {self.name}, which has no sparse autoencoder; "
                "export it without sae_only."
            )
        if options.sae_only and two_towers:
            raise InputError(
                f"'{options.model}' has a sparse autoencoder for each route, and sae_only exports one; "
                "export it without sae_only."
            )


def family_of(checkpoint: Checkpoint) -> Family:
    """Return the row whose heads the checkpoint has.

    Raises:
        UnsupportedCheckpointError: No row fits, or something is applied beside the modules that is not exported.
        CheckpointError: The modules do not fit each other.
    """
    heads = tuple(checkpoint.head(route) for route in ROUTES)
    row = next((row for row in FAMILIES if row.heads == heads), None)
    if row is None:
        found = "; ".join(f"{route}: {describe(checkpoint.modules(route))}" for route in ROUTES)
        known = ", ".join(
            f"{row.name} ({'; '.join(CHAINS[head] for head in dict.fromkeys(row.heads))})" for row in FAMILIES
        )
        raise UnsupportedCheckpointError(f"'{checkpoint.source}' has the modules {found}. Exported are {known}.")
    for route in ROUTES:
        check_applied(checkpoint.modules(route), route, checkpoint.prompt(route))
    if row.check is not None:
        row.check(checkpoint)
    return row


def plan(checkpoint: Checkpoint, opset: int, with_dense: bool = False) -> Plan:
    """Trace the graphs of a checkpoint; of token weights `with_dense` if that is asked for."""
    document = _tower(checkpoint, "document", opset, with_dense)
    if checkpoint.head("query") == TABLE:
        (static,) = checkpoint.modules("query")
        return Plan(document, read_table(static, document.head.dimension).without(checkpoint.dropped_ids("query")))
    return Plan(document) if checkpoint.shares_graph() else Plan(document, _tower(checkpoint, "query", opset))


def plan_embedding(checkpoint: Checkpoint, opset: int) -> Plan:
    """Return the graph of what comes after the dense embedding alone."""
    autoencoder = checkpoint.modules("document")[-1]
    return Plan(Tower(None, embedding_input(autoencoder.input_dim, opset), _features(autoencoder)))


def _tower(checkpoint: Checkpoint, route: str, opset: int, with_dense: bool = False) -> Tower:
    *modules, last = checkpoint.modules(route)
    model = modules[0].model
    adapters.merge(model)
    backbone = backbone_of(model)
    states: torch.nn.Module
    head: Head
    if checkpoint.head(route) == FEATURES:
        states, head = tracing.ModuleStates(modules), _features(last)
    elif checkpoint.head(route) == TOKEN_WEIGHTS:
        states, head = tracing.HiddenStates(model), _token_head(last, with_dense)
    else:
        states = tracing.LogitStates(model)
        whole = VocabularyHead(*decoder.matrix(model), last.pooling_strategy, last.activation_function)
        head = whole.without(checkpoint.dropped_ids(route))
    long_texts = (checkpoint.max_length(route) or 0) > unpadded.TOKENS
    return Tower(backbone, tracing.trace(states, model, backbone, opset), head, long_texts)


def _features(autoencoder: Any) -> FeatureHead:
    weight, pre_bias, bias = (
        tensor.detach().numpy()
        for tensor in (autoencoder.encoder.weight.T, autoencoder.pre_bias, autoencoder.latent_bias)
    )
    dead = int((autoencoder.stats_last_nonzero > autoencoder.dead_threshold).sum())
    return FeatureHead(weight, pre_bias, bias, autoencoder.normalize, dead)


def _token_head(module: Any, with_dense: bool) -> TokenHead:
    linear, bias = (tensor.detach().numpy() for tensor in (module.linear.weight.T, module.linear.bias))
    return TokenHead(linear, bias, module.vocabulary, module.dropped, with_dense)


def _check_splade(checkpoint: Checkpoint) -> None:
    widths = {}
    for route in ROUTES:
        if checkpoint.head(route) != SPLADE:
            continue
        transformer = checkpoint.modules(route)[0]
        output = transformer.model.get_output_embeddings()
        if output is None or transformer.modality_config.get("text", {}).get("method_output_name") != "logits":
            raise UnsupportedCheckpointError(
                f"The {route} route has SpladePooling on {type(transformer.model).__name__}, which gives no logits; "
                "it needs a masked language model (transformer_task fill-mask)."
            )
        widths[route] = output.weight.shape[0]
    if len(set(widths.values())) > 1:
        raise CheckpointError(
            f"Documents have {widths['document']} dimensions and queries {widths['query']}; "
            "queries and documents must share one vocabulary."
        )
    if len(widths) > 1 and not checkpoint.shares_graph():
        check_same_labels(*(checkpoint.tokenizer(route) for route in ROUTES))


def _check_inference_free(checkpoint: Checkpoint) -> None:
    _check_splade(checkpoint)
    (static,) = checkpoint.modules("query")
    check_idf(checkpoint.folder, static.tokenizer)
    read_table(static, checkpoint.modules("document")[0].model.get_output_embeddings().weight.shape[0])


def _check_csr(checkpoint: Checkpoint) -> None:
    for route in ROUTES:
        *_, before, autoencoder = checkpoint.modules(route)
        _check_autoencoder(before, autoencoder)
    one, other = (checkpoint.modules(route)[-1] for route in ROUTES)
    if (one.hidden_dim, one.k) != (other.hidden_dim, other.k):
        raise CheckpointError(
            f"Documents keep {one.k} of {one.hidden_dim} features and queries {other.k} of {other.hidden_dim}; "
            "both must be the same."
        )


def _check_autoencoder(before: Any, autoencoder: Any) -> None:
    if autoencoder.k > autoencoder.hidden_dim:
        raise CheckpointError(
            f"The SparseAutoEncoder keeps k = {autoencoder.k} of {autoencoder.hidden_dim} features; "
            "k must not be larger than hidden_dim."
        )
    dense = before.get_embedding_dimension() if hasattr(before, "get_embedding_dimension") else autoencoder.input_dim
    if dense != autoencoder.input_dim:
        raise CheckpointError(
            f"The SparseAutoEncoder takes {autoencoder.input_dim} dimensions, but {type(before).__name__} in front of "
            f"it gives {dense}; they must be the same."
        )


FAMILIES = (
    Family("splade", (SPLADE, SPLADE), _check_splade),
    Family("inference-free", (SPLADE, TABLE), _check_inference_free),
    Family("csr", (FEATURES, FEATURES), _check_csr),
    Family("token-weights", (TOKEN_WEIGHTS, TOKEN_WEIGHTS)),
)
