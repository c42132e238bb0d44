"""The transformers architectures that are exported, each with a parity test of its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backbone:
    """How one transformers `model_type` is traced.

    Attributes:
        model_type: The `model_type` of the transformers configuration.
        fused_attention: Attention goes through transformers' attention interface, so that it becomes one
            `com.microsoft.MultiHeadAttention` node. MPNet and DeBERTa-v2 add relative positions to the scores
            in code of their own and are traced as they are.
        tested: A tiny checkpoint of this type is compared with sentence-transformers in the tests.
    """

    model_type: str
    fused_attention: bool = True
    tested: bool = True


BACKBONES = (
    Backbone("bert"),
    Backbone("distilbert"),
    Backbone("roberta"),
    Backbone("xlm-roberta"),
    Backbone("camembert"),
    Backbone("modernbert"),
    Backbone("mpnet", fused_attention=False),
    Backbone("electra"),
    Backbone("deberta-v2", fused_attention=False),
    Backbone("albert"),
    Backbone("eurobert"),
)


def backbone_of(model_type: str) -> Backbone:
    """Return the row for a transformers `model_type`.

    A type without a row (custom code, say) is traced as it is: the parity check of the export decides.
    """
    unlisted = Backbone(model_type, fused_attention=False, tested=False)
    return next((row for row in BACKBONES if row.model_type == model_type), unlisted)
