"""How a transformers model is traced: a rule, and the list of what the tests compare with PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedModel

# A tiny checkpoint of each of these types is compared with sentence-transformers in the tests. Others are exported just
# as well: the parity check of the export decides.
TESTED = frozenset(
    {
        "albert",
        "bert",
        "camembert",
        "convbert",
        "deberta-v2",
        "distilbert",
        "electra",
        "ernie",
        "eurobert",
        "gte",
        "jina_embeddings_v3",
        "mobilebert",
        "modernbert",
        "mpnet",
        "nomic_bert",
        "rembert",
        "roberta",
        "roformer",
        "xlm-roberta",
        "xlm-roberta-xl",
    }
)


@dataclass(frozen=True, slots=True)
class Backbone:
    """How a model is traced.

    Attributes:
        model_type: The `model_type` of the transformers configuration.
        fused_attention: Attention goes through transformers' attention interface, so that it becomes one
            `com.microsoft.MultiHeadAttention` node. Others, such as MPNet and DeBERTa-v2, compute attention in code of
            their own and are traced as they are.
        tested: The tests compare a checkpoint of this type with PyTorch.
    """

    model_type: str
    fused_attention: bool
    tested: bool


def backbone_of(model: PreTrainedModel) -> Backbone:
    """Return how a model is traced: as its class says that its attention can be exchanged."""
    kind = str(model.config.model_type)
    return Backbone(kind, bool(type(model)._supports_attention_backend), kind in TESTED)
