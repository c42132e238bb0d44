"""Count active dimensions while training, so that they stand beside the loss in every log."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class ActiveDims:
    """Mean number of weights that are not 0, per route where a model has routes, since the last `take`."""

    def __init__(self, model: nn.Module) -> None:
        self._counts: dict[str, list[torch.Tensor | int]] = {}
        model.register_forward_hook(self._count, with_kwargs=True)

    def _count(self, model: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if not model.training:
            return
        features = args[0] if args else kwargs.get("input", {})
        task = features.get("task") if isinstance(features, dict) else None
        name = f"{task}_active_dims" if isinstance(task, str) else "active_dims"
        vectors = output["sentence_embedding"].detach()
        active, texts = self._counts.get(name, [0, 0])
        self._counts[name] = [active + torch.count_nonzero(vectors), texts + len(vectors)]  # stays on the device

    def take(self) -> dict[str, float]:
        """Return the means and start anew."""
        means = {name: round(float(active) / int(texts), 1) for name, (active, texts) in self._counts.items()}
        self._counts = {}
        return means
