"""Keep the chatter of torch, transformers and their kin away; their errors arrive as exceptions."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator

LIBRARIES = ("torch", "transformers", "sentence_transformers", "datasets", "onnxscript", "onnx_ir")


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Hide warnings and progress bars of libraries for a block; a download in a terminal keeps its bar."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "0" if sys.stderr.isatty() else "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    for library in ("TRANSFORMERS", "HF_HUB"):
        os.environ.setdefault(f"{library}_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")
    levels = {name: logging.getLogger(name).level for name in (*LIBRARIES, "root")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
