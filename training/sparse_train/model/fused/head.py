"""Put the fused SPLADE head into a sentence-transformers model.

No module, class, parameter or configuration changes, so what the model saves, and how it prints, copies, pickles and
replicates, stays the same:

1. before the masked language model runs, a hook makes its vocabulary decoder pass its input on, and all of it keep less
   for the backward pass;
2. after it, a hook ends both, and sends the decoder along with the states that came in place of logits;
3. SpladePooling's `forward` is hidden by one that makes weights of states and decoder.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.sparse_encoder.modules import SpladePooling
from torch import Tensor, nn

from sparse_train.model.fused.peaks import rectified_peaks
from sparse_train.model.fused.saved_tensors import KEEP_LESS

logger = logging.getLogger(__name__)

Features = dict[str, Any]
DECODER = "vocabulary_decoder"
FLAT = "cu_seq_lens_q"
LOGARITHMS = {"relu": 1, "log1p_relu": 2}
"""How often each activation of SpladePooling takes log1p after relu."""
PROBE_TOKENS = 4


def fuse_head(model: SparseEncoder) -> SparseEncoder:
    """Make a model compute its SPLADE vectors and their gradients without `[batch, sequence, vocabulary]` tensors.

    Values and gradients stay the same, for which the backbone keeps less, too. Changes the model in place; a second
    call does nothing. A head that the algebra does not cover stays as it is, and a warning says why; a model without a
    SPLADE head has nothing to fuse. The weight of the decoder is read outside of its module, which data parallelism
    allows and sharded parameters (FSDP, DeepSpeed ZeRO-3) do not.

    Args:
        model: Any SparseEncoder, on any device.

    Returns:
        The same model.
    """
    for transformer, poolings in _heads(model):
        if is_fused(transformer):
            continue
        reason = _obstacle(transformer, poolings)
        if reason:
            logger.warning("The SPLADE head is computed by sentence-transformers' own modules: %s", reason)
            continue
        transformer.register_forward_pre_hook(_pass_states)
        transformer.register_forward_hook(_hand_over, always_call=True)
        for pooling in poolings:
            pooling.forward = _Pooling(pooling)
    return model


def is_fused(transformer: nn.Module) -> bool:
    """Tell whether a Transformer module already hands states instead of logits to its pooling."""
    return _pass_states in transformer._forward_pre_hooks.values()


def _heads(model: SparseEncoder) -> Iterator[tuple[Transformer, list[Any]]]:
    """Yield every Transformer that SpladePooling follows, with all modules that follow it on one route or another."""
    followers: dict[Transformer, list[Any]] = defaultdict(list)
    for sequence in _sequences(list(model)):
        for module, following in zip(sequence, sequence[1:], strict=False):
            if isinstance(module, Transformer) and following not in followers[module]:
                followers[module].append(following)
    for transformer, modules in followers.items():
        if any(isinstance(module, SpladePooling) for module in modules):
            yield transformer, modules


def _sequences(modules: list[Any]) -> Iterator[list[Any]]:
    """Yield the modules of every route of a model."""
    for number, module in enumerate(modules):
        if isinstance(module, Router):
            for route in cast(Any, module.sub_modules).values():
                yield from _sequences([*modules[:number], *route, *modules[number + 1 :]])
            return
    yield modules


def _obstacle(transformer: Transformer, poolings: list[Any]) -> str | None:
    """Return why a head must stay as it is, or None."""
    for pooling in poolings:
        if not isinstance(pooling, SpladePooling):
            return f"its masked language model also feeds {type(pooling).__name__}."
        if pooling.pooling_strategy != "max":
            return f"only max pooling can be fused, and this is {pooling.pooling_strategy} pooling."
    decoder = _decoder(transformer)
    if type(decoder) is not nn.Linear:
        return f"its vocabulary decoder is {type(decoder).__name__}, not a Linear layer."
    if not _ends_with(transformer, decoder):
        return f"{type(transformer.model).__name__} does more to the logits than its decoder does."
    return None


def _decoder(transformer: Transformer) -> nn.Module:
    decoder: nn.Module = transformer.model.get_output_embeddings()
    return decoder


def _ends_with(transformer: Transformer, decoder: nn.Linear) -> bool:
    """Tell by trying whether the logits are the decoder's output, for any architecture."""
    training = {module for module in transformer.modules() if module.training}
    ids = torch.arange(PROBE_TOKENS, device=decoder.weight.device)[None]
    probe = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    try:
        with torch.no_grad():
            logits = transformer.eval()({**probe})["token_embeddings"]
            cast(Any, decoder).forward = _identity
            states = transformer({**probe})["token_embeddings"]
            del decoder.forward
            return states.shape[-1] == decoder.in_features and torch.equal(decoder(states), logits)
    finally:
        vars(decoder).pop("forward", None)
        for module in training:
            module.training = True


def _identity(hidden: Tensor) -> Tensor:
    return hidden


def _pass_states(transformer: Any, _inputs: Any) -> None:
    # An attribute of the instance hides the method of its class; replicas of DataParallel have attributes of their own.
    decoder: Any = _decoder(transformer)
    if "forward" not in vars(decoder):  # as an interrupted call leaves it, and the context
        decoder.forward = _identity
        KEEP_LESS.__enter__()


def _hand_over(transformer: Any, _inputs: Any, features: Features | None) -> None:
    decoder = _decoder(transformer)
    if vars(decoder).pop("forward", None):  # None when another hook raised before this one's counterpart
        KEEP_LESS.__exit__()
    if features is not None:  # None when the model raised
        features[DECODER] = decoder


class _Pooling:
    """What SpladePooling does, from states and decoder in place of logits.

    It keeps the module for its settings alone, so a replica of the model may share it.
    """

    def __init__(self, module: SpladePooling) -> None:
        self.module = module

    def __call__(self, features: Features) -> Features:
        hidden, mask, decoder = handed_over(features)
        weights = rectified_peaks(hidden, decoder.weight, decoder.bias, mask)
        for _ in range(LOGARITHMS[self.module.activation_function]):
            weights = weights.log1p()
        if self.module.embedding_dimension is None:  # a part of what is saved
            self.module.embedding_dimension = weights.shape[1]
        features["sentence_embedding"] = weights
        return features


def handed_over(features: Features) -> tuple[Tensor, Tensor, nn.Linear]:
    """Take what a Transformer with a fused head hands on in place of logits.

    Returns:
        States before the vocabulary decoder, `[batch, sequence, hidden]`; their mask, `[batch, sequence]`; the decoder.
    """
    decoder: nn.Linear = features.pop(DECODER)
    hidden = features["token_embeddings"]
    hidden, mask = _padded(hidden, features[FLAT]) if FLAT in features else (hidden, features["attention_mask"])
    return hidden, mask, decoder


def _padded(flat: Tensor, bounds: Tensor) -> tuple[Tensor, Tensor]:
    """Return `[batch, sequence, hidden]` and its mask, of texts one behind the other in `[1, tokens, hidden]`.

    At the width of the states this costs little; sentence-transformers avoids it at the width of the vocabulary.
    """
    lengths = bounds.diff().tolist()
    texts = flat.squeeze(0).split(lengths)
    mask = nn.utils.rnn.pad_sequence([flat.new_ones(length) for length in lengths], batch_first=True)
    return nn.utils.rnn.pad_sequence(texts, batch_first=True), mask
