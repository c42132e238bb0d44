"""A loss that wakes dimensions: a text is to get the words of another that explains it.

A dimension of weight 0 has no gradient, so no loss on vectors teaches a sparse model a word that it never gives; the
logits that the vectors are made of have one.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sparse_encoder.modules import SpladePooling
from torch import Tensor, nn

from sparse_train.model.fused.head import LOGARITHMS, handed_over, is_fused
from sparse_train.model.fused.peaks import rectified_peaks

Features = dict[str, Any]


class ExpansionLoss(nn.Module):
    """Teach a SPLADE model to expand each text with the words of another one.

    Of the words that any text of the batch has, let z be the largest logits of the first text, and y the weights that
    the model before training gave the second text, and the first one's own words. With sums over all these words:

        sum(y * softplus(logit(y) - z)) / sum(y)  +  negatives * log(1 + sum(e^z where y = 0))

    where logit(y) is what the activation makes y of. It is a threshold loss for several labels (Zhou et al. 2021,
    Document-Level Relation Extraction with Adaptive Thresholding), with 0, where relu cuts, as the threshold. It leaves
    vectors that are far from sparse: train with SpladeLoss afterwards.
    """

    def __init__(self, model: SparseEncoder, negatives: float = 0.15) -> None:
        """Keep a copy of the model as the teacher.

        Args:
            model: a SPLADE model with a fused head.
            negatives: weight of the second sum; the larger, the sparser what is learned, and the slower.

        Raises:
            ValueError: the model is another one, or several processes train it.
        """
        super().__init__()
        transformer, pooling = list(model) if len(model) == 2 else (None, None)
        if not isinstance(transformer, Transformer) or not isinstance(pooling, SpladePooling):
            raise ValueError("it trains SPLADE models, and this is another model.")
        if not is_fused(transformer):
            raise ValueError("it needs the fused head: fused_head: true, max pooling, a plain vocabulary decoder.")
        if int(os.environ.get("WORLD_SIZE", 1)) > 1:
            raise ValueError("it trains in one process; start sparse-train without torchrun or accelerate.")
        self.model = model
        self.teacher = copy.deepcopy(transformer).requires_grad_(False)
        self.negatives = negatives
        self._transformer = (transformer,)  # in a tuple, its parameters do not count a second time
        self._logarithms = LOGARITHMS[pooling.activation_function]

    def forward(self, sentence_features: Iterable[Features], labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return the two terms of the loss; features are those of the texts, and of the texts that explain them."""
        del labels
        text, explanation = sentence_features
        words = torch.cat([text["input_ids"].flatten(), explanation["input_ids"].flatten()]).unique()
        wanted = torch.maximum(self._own_logits(text, words), self._taught_logits(explanation, words))
        weights = wanted
        for _ in range(self._logarithms):
            weights = weights.log1p()
        share = weights / weights.sum(1, keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny)
        logits = self._logits(text, words)
        others = F.pad(logits.masked_fill(weights > 0, -torch.inf), (1, 0))  # with the threshold
        return {
            "expansion_loss": (share * F.softplus(wanted - logits)).sum(1).mean(),
            "other_words_loss": self.negatives * others.logsumexp(1).mean(),
        }

    def _logits(self, features: Features, words: Tensor) -> Tensor:
        """Return the largest logits of each text, `[batch, words]`."""
        hidden, weight, bias, mask = _head_inputs(self._transformer[0], features, words)
        return F.linear(hidden, weight, bias).masked_fill(~mask.bool()[..., None], -torch.inf).amax(1)

    @torch.no_grad()
    def _taught_logits(self, features: Features, words: Tensor) -> Tensor:
        """Return the teacher's largest logits of each text, 0 in place of negative ones, `[batch, words]`."""
        return rectified_peaks(*_head_inputs(self.teacher.eval(), features, words))

    def _own_logits(self, features: Features, words: Tensor) -> Tensor:
        """Return the same, and 0 also where a text does not have the word."""
        ids, mask = features["input_ids"], features["attention_mask"]
        own = mask.new_zeros(len(mask), int(words.max()) + 1).scatter_reduce_(1, ids, mask, "amax")
        return self._taught_logits(features, words) * own[:, words]

    def get_config_dict(self) -> dict[str, Any]:
        """Return what the model card tells."""
        return {"negatives": self.negatives}


def _head_inputs(transformer: Transformer, features: Features, words: Tensor) -> tuple[Tensor, Tensor, Any, Tensor]:
    """Return states, weight and bias (or None) of the decoder for these words, and mask."""
    hidden, mask, decoder = handed_over(transformer(dict(features)))
    bias = None if decoder.bias is None else decoder.bias[words]
    return hidden, decoder.weight[words], bias, mask
