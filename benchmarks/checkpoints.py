"""Checkpoints of the usual sizes with random weights, whose vectors are as sparse as a trained model's."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    DistilBertConfig,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from passages import ROOT, passages

SPLADE_TINY = ROOT / "models" / "splade-tiny"
CHECKPOINTS = ROOT / "build" / "bench"
SIZES: dict[str, PretrainedConfig] = {
    "minilm-size": BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536),
    "minilm-long": BertConfig(
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
        max_position_embeddings=8192,
    ),
    "distilbert-size": DistilBertConfig(),
    "bert-base-size": BertConfig(),
    "bert-base-long": BertConfig(max_position_embeddings=8192, vocab_size=50368),
}
ACTIVE_DIMS = 200
"""Active dimensions wanted in a passage of 90 words: what SPLADE checkpoints of this size have."""


def checkpoint(size: str) -> Path:
    """Return the folder of a checkpoint, a bare masked language model; made once, then kept."""
    folder = CHECKPOINTS / size
    if not folder.exists():
        torch.manual_seed(0)
        tokenizer = AutoTokenizer.from_pretrained(SPLADE_TINY, model_input_names=["input_ids", "attention_mask"])
        config = SIZES[size]
        tokenizer.model_max_length = config.max_position_embeddings
        config.vocab_size = max(config.vocab_size, len(tokenizer))
        model = AutoModelForMaskedLM.from_config(config).eval()
        _favour_own_words(model)
        _calibrate(model, tokenizer)
        unfinished = folder.with_suffix(".unfinished")
        model.save_pretrained(unfinished)
        tokenizer.save_pretrained(unfinished)
        unfinished.rename(folder)
    return folder


def _favour_own_words(model: PreTrainedModel) -> None:
    """Let the head hand the states on, so that the words of a passage get its largest weights.

    With a random matrix every weight lies just above 0, where any rounding moves it in or out, and int8 could not keep
    its promise; trained models have no such vectors.
    """
    distilled = model.config.model_type == "distilbert"
    transform: Any = model.get_submodule("vocab_transform" if distilled else "cls.predictions.transform.dense")
    with torch.no_grad():
        transform.weight.copy_(torch.eye(model.config.hidden_size))


def _calibrate(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Set the decoder's bias so that a passage has `ACTIVE_DIMS` active dimensions on average."""
    batches = (tokenizer(text, return_tensors="pt") for text in passages(32, seed=1))
    with torch.inference_mode():
        highest = np.stack([model(**batch).logits.amax(1)[0].numpy() for batch in batches])
    decoder: Any = model.get_output_embeddings()
    threshold = float(np.quantile(highest, 1 - ACTIVE_DIMS / highest.shape[1]))
    with torch.no_grad():
        decoder.bias.fill_(-threshold)


if __name__ == "__main__":
    print(checkpoint(sys.argv[1]))
