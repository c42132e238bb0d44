"""The files of sentence-transformers' other backends, written by its own exporters.

Runs in the environments of those backends: they have another version of it than ours.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

from sentence_transformers import SparseEncoder, export_dynamic_quantized_onnx_model

CPU_FLAGS = Path("/proc/cpuinfo")
TOKENIZER = ("config.json", "tokenizer.json", "tokenizer_config.json")


def main(backend: Any, checkpoint: Path, output: Path) -> None:
    """Write the folder that a backend reads, complete or not at all."""
    unfinished = output.with_name(output.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    model = SparseEncoder(str(checkpoint), backend=backend, device="cpu", model_kwargs={"export": True})
    model.save_pretrained(str(unfinished))
    if backend == "onnx":
        export_dynamic_quantized_onnx_model(model, instructions(), str(unfinished), file_suffix="int8")
        for name in TOKENIZER:  # fastembed reads the same graph, and looks for these beside it
            shutil.copy(checkpoint / name, unfinished / "onnx")
    unfinished.rename(output)


def instructions() -> str:
    """Return the quantization that the library offers for this machine's processor."""
    flags = CPU_FLAGS.read_text("utf-8").split() if CPU_FLAGS.exists() else []
    known = {"avx512_vnni": "avx512_vnni", "avx512f": "avx512", "avx2": "avx2"}
    return next((name for flag, name in known.items() if flag in flags), "arm64")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
