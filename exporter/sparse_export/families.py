"""The families of sparse encoders: one row each, chosen by the modules of the loaded checkpoint.

A family turns a checkpoint into graph plans; everything after that (precision, parity, bundle) is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import onnx_ir as ir
from sentence_transformers import SparseEncoder
from transformers import PreTrainedModel

from sparse_export.backbones import Backbone, backbone_of
from sparse_export.checkpoint import Checkpoint
from sparse_export.errors import UnsupportedCheckpointError
from sparse_export.graph import backbone as tracing
from sparse_export.graph.head import Head


@dataclass(frozen=True, slots=True)
class Plan:
    """A float32 graph of hidden states and the head that turns them into weights.

    Attributes:
        backbone: The row that says how the backbone was traced.
        states: `input_ids`, `attention_mask` -> `hidden`.
        head: What comes after; writes itself in the precision that is asked for.
    """

    backbone: Backbone
    states: ir.Model
    head: Head


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of sparse encoder.

    Attributes:
        name: As the manifest names it.
        modules: Class names of the checkpoint's modules, in order, without the endings of older versions.
        plan: Traces the checkpoint; None where this version does not export the family.
    """

    name: str
    modules: tuple[str, ...]
    plan: Callable[[Checkpoint, int], Plan] | None


def family_of(checkpoint: Checkpoint) -> Family:
    """Return the row whose modules the checkpoint has.

    Raises:
        UnsupportedCheckpointError: No row fits, or the row's family is not exported yet.
    """
    names = [type(module).__name__.replace("MLMTransformer", "Transformer") for module in checkpoint.encoder]
    # A family is known by its first and last module; CSR may have poolings and dense layers between.
    row = next((row for row in FAMILIES if (names[0], names[-1]) == (row.modules[0], row.modules[-1])), None)
    if row is None:
        known = "; ".join(f"{row.name}: {' + '.join(row.modules)}" for row in FAMILIES)
        raise UnsupportedCheckpointError(f"'{checkpoint.source}' has modules {' + '.join(names)}. Known are {known}.")
    if row.plan is None:
        raise UnsupportedCheckpointError(
            f"'{checkpoint.source}' is of the family {row.name}, which this version does not export. "
            f"Exported: {', '.join(row.name for row in FAMILIES if row.plan)}."
        )
    return row


def _plan_splade(checkpoint: Checkpoint, opset: int) -> Plan:
    model = masked_language_model(checkpoint.encoder)
    backbone = backbone_of(model.config.model_type)
    states = tracing.trace(model, backbone, "logits", opset)
    pooling: Any = checkpoint.encoder[1]
    head = vocabulary_head(model, pooling.pooling_strategy, pooling.activation_function)
    return Plan(backbone, states, head)


def masked_language_model(encoder: SparseEncoder) -> PreTrainedModel:
    """Return the model of the first module, its PEFT adapters merged into the weights."""
    model: PreTrainedModel = cast(Any, encoder[0]).model
    if getattr(model, "_hf_peft_config_loaded", False):
        from peft.tuners.tuners_utils import BaseTunerLayer

        for name, layer in list(model.named_modules()):
            if isinstance(layer, BaseTunerLayer):
                layer.merge(safe_merge=True)
                model.set_submodule(name, layer.get_base_layer())
    return model


def vocabulary_head(model: PreTrainedModel, pooling: str, activation: str) -> Head:
    """Return the decoder of a masked language model as a head; a missing bias is 0."""
    decoder = model.get_output_embeddings()
    weight = decoder.weight.detach().numpy().T
    bias = getattr(decoder, "bias", None)
    return Head(
        weight, np.zeros(weight.shape[1], np.float32) if bias is None else bias.detach().numpy(), pooling, activation
    )


FAMILIES = (
    Family("splade", ("Transformer", "SpladePooling"), _plan_splade),
    Family("inference-free", ("Router",), None),
    Family("csr", ("Transformer", "Pooling", "SparseAutoEncoder"), None),
)
