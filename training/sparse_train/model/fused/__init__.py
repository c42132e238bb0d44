"""The SPLADE head for training, without the logits of every position and with less kept; all torch."""
