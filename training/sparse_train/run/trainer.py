"""sentence-transformers' trainer, with active dimensions in its logs."""

from __future__ import annotations

from typing import Any

from sentence_transformers.sparse_encoder.trainer import SparseEncoderTrainer

from sparse_train.run.activity import ActiveDims


class Trainer(SparseEncoderTrainer):
    """SparseEncoderTrainer; nothing of how it trains is changed."""

    def __init__(self, model: Any, **more: Any) -> None:
        super().__init__(model=model, **more)
        self._activity = ActiveDims(model)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log the loss with its terms and the active dimensions."""
        if "loss" in logs:
            logs = {**logs, **self._activity.take()}
        super().log(logs, start_time)
