"""A checkpoint of DistilBERT's size with random weights, whose vectors are as sparse as a trained model's."""

from pathlib import Path

import numpy as np
import torch
from passages import ROOT, passages
from transformers import AutoTokenizer, DistilBertConfig, DistilBertForMaskedLM, PreTrainedTokenizerBase

SPLADE_TINY = ROOT / "models" / "splade-tiny"
DISTILBERT_SIZE = ROOT / "build" / "bench" / "distilbert-size"
ACTIVE_DIMS = 200
"""Active dimensions wanted in a passage of 90 words: what SPLADE checkpoints of this size have."""


def distilbert_size() -> Path:
    """Return the folder of the checkpoint, a bare masked language model; made once, then kept."""
    if not DISTILBERT_SIZE.exists():
        torch.manual_seed(0)
        tokenizer = AutoTokenizer.from_pretrained(SPLADE_TINY, model_input_names=["input_ids", "attention_mask"])
        model = DistilBertForMaskedLM(DistilBertConfig(vocab_size=len(tokenizer))).eval()
        _favour_own_words(model)
        _calibrate(model, tokenizer)
        unfinished = DISTILBERT_SIZE.with_suffix(".unfinished")
        model.save_pretrained(unfinished)
        tokenizer.save_pretrained(unfinished)
        unfinished.rename(DISTILBERT_SIZE)
    return DISTILBERT_SIZE


def _favour_own_words(model: DistilBertForMaskedLM) -> None:
    """Let the head hand the states on, so that the words of a passage get its largest weights.

    With a random matrix every weight lies just above 0, where any rounding moves it in or out, and int8 could not keep
    its promise; trained models have no such vectors.
    """
    with torch.no_grad():
        model.vocab_transform.weight.copy_(torch.eye(model.config.dim))


def _calibrate(model: DistilBertForMaskedLM, tokenizer: PreTrainedTokenizerBase) -> None:
    """Set the decoder's bias so that a passage has `ACTIVE_DIMS` active dimensions on average."""
    batches = (tokenizer(text, return_tensors="pt") for text in passages(32, seed=1))
    with torch.inference_mode():
        highest = np.stack([model(**batch).logits.amax(1)[0].numpy() for batch in batches])
    threshold = float(np.quantile(highest, 1 - ACTIVE_DIMS / highest.shape[1]))
    with torch.no_grad():
        model.vocab_projector.bias.fill_(-threshold)


if __name__ == "__main__":
    print(distilbert_size())
