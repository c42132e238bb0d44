"""The families of sparse encoders: one row each, chosen by the modules of the loaded checkpoint.

A family turns a checkpoint into a plan; everything after that (precision, proof, bundle) is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from transformers import PreTrainedModel

from sparse_export import adapters
from sparse_export.backbones import Backbone, backbone_of
from sparse_export.checkpoint import ROUTES, Checkpoint
from sparse_export.errors import CheckpointError, InputError, UnsupportedCheckpointError
from sparse_export.graph import backbone as tracing
from sparse_export.graph.autoencoder import SparseFeatures, embedding_input
from sparse_export.graph.head import Head
from sparse_export.options import ExportOptions
from sparse_export.static_table import StaticTable, check_idf, read_table


@dataclass(frozen=True, slots=True)
class Plan:
    """A float32 graph of states, the head that turns them into weights, and what queries need beside it.

    Attributes:
        backbone: The row that says how the backbone was traced, None where there is none.
        states: `input_ids`, `attention_mask` -> states, mask.
        head: What comes after; writes itself in the precision that is asked for.
        table: The weights of query tokens, where queries are a look-up.
    """

    backbone: Backbone | None
    states: ir.Model
    head: Head | SparseFeatures
    table: StaticTable | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of sparse encoder.

    Attributes:
        name: As the manifest names it.
        document: Class names of the first and last module of the document route.
        query: Likewise of the query route.
        plan: Traces a checkpoint for an opset.
        check: Refuses a checkpoint whose modules do not fit each other, before any text goes through them.
        plan_embedding: As `plan`, for what comes after the dense embedding alone; None where there is no such.
        vocabulary: Dimensions are tokens, so that those which texts do not need can be found and left out.
    """

    name: str
    document: tuple[str, str]
    query: tuple[str, str]
    plan: Callable[[Checkpoint, int], Plan]
    check: Callable[[Checkpoint], None] = lambda _: None
    plan_embedding: Callable[[Checkpoint, int], Plan] | None = None
    vocabulary: bool = True

    def planner(self, options: ExportOptions) -> Callable[[Checkpoint, int], Plan]:
        """Return the way to plan what the options ask for.

        Raises:
            InputError: The family cannot do it.
        """
        if options.prune_vocabulary is not None and not self.vocabulary:
            raise InputError(
                f"'{options.model}' is of the family {self.name}, whose dimensions are features and no vocabulary; "
                "export it without --prune-vocabulary."
            )
        if not options.sae_only:
            return self.plan
        if self.plan_embedding is None:
            raise InputError(
                f"'{options.model}' is of the family {self.name}, which has no sparse autoencoder; "
                "export it without --sae-only."
            )
        return self.plan_embedding


def family_of(checkpoint: Checkpoint) -> Family:
    """Return the row whose modules the checkpoint has.

    Raises:
        UnsupportedCheckpointError: No row fits.
        CheckpointError: The modules do not fit each other.
    """
    names = {route: [_name(module) for module in checkpoint.modules(route)] for route in ROUTES}
    for row in FAMILIES:
        if all((names[route][0], names[route][-1]) == getattr(row, route) for route in ROUTES):
            row.check(checkpoint)
            return row
    found = "; ".join(f"{route}: {' + '.join(names[route])}" for route in ROUTES)
    known = ", ".join(f"{row.name} ({' + ... + '.join(dict.fromkeys(row.document))})" for row in FAMILIES)
    raise UnsupportedCheckpointError(f"'{checkpoint.source}' has the modules {found}. Exported are {known}.")


def _name(module: Any) -> str:
    return type(module).__name__.replace("MLMTransformer", "Transformer")  # its name up to version 5.3


def _plan_splade(checkpoint: Checkpoint, opset: int) -> Plan:
    transformer, pooling = checkpoint.modules("document")
    adapters.merge(transformer.model)
    backbone = backbone_of(transformer.model.config.model_type)
    states = tracing.trace(tracing.LogitStates(transformer.model), transformer.model, backbone, opset)
    head = _vocabulary_head(transformer.model, pooling.pooling_strategy, pooling.activation_function)
    return Plan(backbone, states, head)


def _plan_inference_free(checkpoint: Checkpoint, opset: int) -> Plan:
    plan = _plan_splade(checkpoint, opset)
    (static,) = checkpoint.modules("query")
    return Plan(plan.backbone, plan.states, plan.head, read_table(static, plan.head.dimension))


def _plan_csr(checkpoint: Checkpoint, opset: int) -> Plan:
    *modules, autoencoder = checkpoint.modules("document")
    model = modules[0].model
    adapters.merge(model)
    backbone = backbone_of(model.config.model_type)
    states = tracing.trace(tracing.ModuleStates(modules), model, backbone, opset)
    return Plan(backbone, states, _features(autoencoder))


def _plan_csr_embedding(checkpoint: Checkpoint, opset: int) -> Plan:
    autoencoder = checkpoint.modules("document")[-1]
    return Plan(None, embedding_input(autoencoder.input_dim, opset), _features(autoencoder))


def _features(autoencoder: Any) -> SparseFeatures:
    weight, pre_bias, bias = (
        tensor.detach().numpy()
        for tensor in (autoencoder.encoder.weight.T, autoencoder.pre_bias, autoencoder.latent_bias)
    )
    dead = int((autoencoder.stats_last_nonzero > autoencoder.dead_threshold).sum())
    return SparseFeatures(weight, pre_bias, bias, autoencoder.normalize, dead)


def _check_inference_free(checkpoint: Checkpoint) -> None:
    (static,) = checkpoint.modules("query")
    check_idf(checkpoint.folder, static.tokenizer)
    read_table(static, checkpoint.modules("document")[0].model.get_output_embeddings().weight.shape[0])


def _check_csr(checkpoint: Checkpoint) -> None:
    *_, before, autoencoder = checkpoint.modules("document")
    if autoencoder.k > autoencoder.hidden_dim:
        raise CheckpointError(
            f"The SparseAutoEncoder keeps k = {autoencoder.k} of {autoencoder.hidden_dim} features; "
            "k must not be larger than hidden_dim."
        )
    dense = before.get_embedding_dimension() if hasattr(before, "get_embedding_dimension") else autoencoder.input_dim
    if dense != autoencoder.input_dim:
        raise CheckpointError(
            f"The SparseAutoEncoder takes {autoencoder.input_dim} dimensions, but {_name(before)} in front of it gives "
            f"{dense}; they must be the same."
        )


def _vocabulary_head(model: PreTrainedModel, pooling: str, activation: str) -> Head:
    """Return the decoder of a masked language model as a head; a missing bias is 0."""
    decoder: Any = model.get_output_embeddings()
    weight = decoder.weight.detach().numpy().T
    bias = getattr(decoder, "bias", None)
    biases = np.zeros(weight.shape[1], np.float32) if bias is None else bias.detach().numpy()
    return Head(weight, biases, pooling, activation)


_SPLADE = ("Transformer", "SpladePooling")
_STATIC = ("SparseStaticEmbedding", "SparseStaticEmbedding")
_CSR = ("Transformer", "SparseAutoEncoder")

FAMILIES = (
    Family("splade", _SPLADE, _SPLADE, _plan_splade),
    Family("inference-free", _SPLADE, _STATIC, _plan_inference_free, _check_inference_free),
    Family("csr", _CSR, _CSR, _plan_csr, _check_csr, _plan_csr_embedding, vocabulary=False),
)
