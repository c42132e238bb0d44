"""The SPLADE head for training, without the logits of every position; all torch."""
