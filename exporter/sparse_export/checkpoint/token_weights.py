"""Checkpoints with a weight per token, as their authors publish them: a dense encoder, and beside it one linear layer.

    weight of an id = the largest relu(linear(state)) of the tokens with this id

The formula is that of BGE-M3 (arXiv 2402.03216; FlagEmbedding) and of mGTE (arXiv 2407.19669; their model cards), which
both leave out four special tokens. The layer is in `sparse_linear.pt`, or is the token classifier of the encoder's own
weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from sentence_transformers import SentenceTransformer, SparseEncoder
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling

from sparse_client.bundle.outputs import DENSE
from sparse_client.errors import one_line
from sparse_export.checkpoint.natively import NATIVE
from sparse_export.checkpoint.source import CONFIG, KIND, MODULES, Source
from sparse_export.errors import CheckpointError

LINEAR = "sparse_linear.pt"
WEIGHTS = "model.safetensors"
CLASSIFIER = "ForTokenClassification"  # how the architecture of an encoder with a token classifier ends
DROPPED = ("cls_token_id", "eos_token_id", "pad_token_id", "unk_token_id")  # these have no weight


class TokenWeights(torch.nn.Module):
    """The head in torch, as a module of sentence-transformers: what an export is compared with.

    Args:
        weight: float32 `[1, hidden]`.
        bias: float32 `[1]`.
        vocabulary: Number of dimensions: one for each row of the embedding table.
        dropped: Ids without a weight.
        dense_as_published: The encoder's own modules make the dense embedding of the first state, normalized.
    """

    def __init__(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor,
        vocabulary: int,
        dropped: tuple[int, ...],
        dense_as_published: bool,
    ) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(weight.shape[1], 1)
        with torch.no_grad():
            self.linear.weight.copy_(weight)
            self.linear.bias.copy_(bias)
        self.vocabulary = vocabulary
        self.dropped = dropped
        self.dense_as_published = dense_as_published

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """Add `sentence_embedding`, float32 `[batch, vocabulary]`, and `dense`, float32 `[batch, hidden]`."""
        states, ids = features["token_embeddings"], features["input_ids"]
        weights = torch.relu(self.linear(states)).squeeze(-1) * features["attention_mask"]
        largest = torch.zeros(len(ids), self.vocabulary).scatter_reduce(1, ids, weights, "amax")
        largest[:, list(self.dropped)] = 0.0
        first = features["attention_mask"].argmax(dim=1)
        dense = torch.nn.functional.normalize(states[torch.arange(len(ids)), first], dim=-1)
        return {**features, "sentence_embedding": largest, DENSE: dense}

    def get_embedding_dimension(self) -> int:
        """Return the number of dimensions."""
        return self.vocabulary


def has_token_weights(source: Source) -> bool:
    """Tell whether a checkpoint is a dense encoder with a weight per token, by its files alone.

    Raises:
        CheckpointError: A file that says what it is is damaged.
    """
    kind = source.read_json(KIND)
    if isinstance(kind, dict) and kind.get("model_type") == "SparseEncoder":
        return False
    return source.find(LINEAR) is not None or _has_classifier(source)


def load(source: Source, arguments: dict[str, Any]) -> SparseEncoder:
    """Load such a checkpoint as a SparseEncoder, eval mode.

    Args:
        source: The checkpoint.
        arguments: What the loaders of sentence-transformers take.

    Raises:
        CheckpointError: The layer is missing, damaged or of another shape.
    """
    dense = SentenceTransformer(source.location, **arguments)
    first: Any = dense[0]
    weight, bias = _layer(source)
    hidden = first.model.config.hidden_size
    if weight.shape != (1, hidden) or bias.shape != (1,):
        raise CheckpointError(
            f"The layer of token weights of '{source.model}' has a weight {list(weight.shape)} and a bias "
            f"{list(bias.shape)}; expected [1, {hidden}] and [1]."
        )
    ids = {getattr(first.tokenizer, name) for name in DROPPED} - {None}
    published = source.read_json(MODULES) is None or _is_first_state(list(dense))
    vocabulary = first.model.get_input_embeddings().weight.shape[0]
    head = TokenWeights(weight.float(), bias.float(), vocabulary, tuple(sorted(ids)), published)
    prompts = {name: prompt or "" for name, prompt in dense.prompts.items()}
    default = dense.default_prompt_name
    return SparseEncoder(modules=[first, head], prompts=prompts, default_prompt_name=default, device="cpu").eval()


def _is_first_state(modules: list[Any]) -> bool:
    """Tell whether sentence-transformers would make the dense embedding as the head does."""
    kinds = [type(module) for module in modules]
    return kinds == [Transformer, Pooling, Normalize] and modules[1].pooling_mode == "cls"


def _has_classifier(source: Source) -> bool:
    config = source.read_json(CONFIG)
    if not isinstance(config, dict) or config.get("model_type") != NATIVE or len(config.get("id2label") or {}) != 1:
        return False
    names = config.get("architectures") or []
    return isinstance(names, list) and any(str(name).endswith(CLASSIFIER) for name in names)


def _layer(source: Source) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias as they are stored."""
    path = source.find(LINEAR)
    try:
        if path is not None:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
            return tensors["weight"], tensors["bias"]
        path = source.find(WEIGHTS)
        if path is None:
            raise CheckpointError(f"'{source.model}' has neither {LINEAR} nor {WEIGHTS}; fetch it again.")
        with safe_open(path, framework="pt") as file:
            return file.get_tensor("classifier.weight"), file.get_tensor("classifier.bias")
    except CheckpointError:
        raise
    except Exception as error:  # torch, pickle and safetensors raise all kinds of errors
        name = LINEAR if path is None else Path(path).name
        raise CheckpointError(
            f"The layer of token weights in {name} of '{source.model}' cannot be read: {one_line(error)}"
        ) from error
