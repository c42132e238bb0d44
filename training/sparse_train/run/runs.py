"""Where a training lives: OUTPUT.run with checkpoints while it runs, OUTPUT once it is complete."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from sparse_train.errors import OutputError

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True, slots=True)
class Run:
    """The folders of a training.

    Attributes:
        output: the trained checkpoint; it appears when it is complete, by a rename.
        folder: checkpoints and logs on the way, what `--resume` needs.
    """

    output: Path

    @property
    def folder(self) -> Path:
        """Return the folder of the run beside the output."""
        return self.output.with_name(f"{self.output.name}.run")

    def check(self, *, resume: bool, force: bool) -> Path | None:
        """Check that the training may write; return the checkpoint to go on from, None to start anew.

        Raises:
            OutputError: If the output or an earlier run is in the way, or there is nothing to resume.
        """
        if resume:
            checkpoint = self.last_checkpoint()
            if checkpoint is None:
                raise OutputError(f"{self.folder}: has no complete checkpoint to resume from.")
            return checkpoint
        if not force and is_first_process():
            if self.output.exists():
                raise OutputError(f"{self.output}: already exists; name another output, or replace it with --force.")
            if self.folder.exists():
                raise OutputError(
                    f"{self.folder}: holds an earlier run; go on with --resume, or start anew with --force."
                )
        return None

    def start_anew(self) -> None:
        """Remove the checkpoints and logs of an earlier run; its output stays until the new one is complete.

        Under torchrun or accelerate, only the first process changes anything.
        """
        if is_first_process():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)

    def last_checkpoint(self) -> Path | None:
        """Return the newest checkpoint that was written to its end.

        The trainer writes trainer_state.json last: a checkpoint without a whole one was cut off.
        """
        numbered = {
            int(m[1]): path for path in self.folder.glob("checkpoint-*") if (m := _CHECKPOINT.fullmatch(path.name))
        }
        return next(
            (numbered[step] for step in sorted(numbered, reverse=True) if _is_complete(numbered[step], step)), None
        )


def is_first_process() -> bool:
    """Return whether this is the process that writes, before torch knows."""
    return os.environ.get("RANK", "0") == "0"


def _is_complete(checkpoint: Path, step: int) -> bool:
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(state["global_step"] == step)
