"""Show how training goes: a bar in a terminal, and a line with every log."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from transformers import TrainerCallback

QUIET = {"total_flos", "epoch", "grad_norm", "train_runtime", "train_samples_per_second", "train_steps_per_second"}
ENDINGS = ("loss", "loss_k", "loss_4k", "loss_aux", "learning_rate", "active_dims", "ndcg@10", "spearman", "accuracy")


class ProgressLines(TrainerCallback):
    """Writes to stderr, from the first process only."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, soft_wrap=True, highlight=False)
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the bar."""
        if state.is_world_process_zero:
            self._task = self._bar.add_task("training", total=state.max_steps, completed=state.global_step)
            self._bar.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Move the bar."""
        if state.is_world_process_zero:
            self._bar.update(self._task, completed=state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Write one line: step, loss with its terms, active dimensions, metrics."""
        shown = {name: value for name, value in (logs or {}).items() if name not in QUIET and name.endswith(ENDINGS)}
        if state.is_world_process_zero and shown:
            values = "  ".join(f"{name} {value:.4g}" for name, value in shown.items())
            self._console.print(f"step {state.global_step}/{state.max_steps}  {values}")

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Leave the bar as it stands."""
        if state.is_world_process_zero:
            self._bar.stop()
