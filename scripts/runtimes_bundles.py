"""The bundles of `make runtimes`: every backbone, family and pooling with random weights, and the real models."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from sparse_export import ExportOptions, Precision  # noqa: E402
from sparse_export.options import Output  # noqa: E402
from sparse_export.pipeline.export import export  # noqa: E402
from support.real_checkpoints import gloss_collection, trained_csr  # noqa: E402
from support.tiny_checkpoints import CONFIGS, save_csr, save_inference_free, save_masked_lm, save_splade  # noqa: E402

POOLINGS = ("mean", "max", "cls", "lasttoken", "mean_sqrt_len_tokens", "weightedmean")
ALL = tuple(Precision)
FP32 = (Precision.FP32,)
Save = Callable[[Path], Path]


def checkpoints() -> Iterator[tuple[str, Save, tuple[Precision, ...], dict[str, Any]]]:
    """Yield a name, what writes or returns the checkpoint, the precisions to export, and more options."""
    for model_type in CONFIGS:
        yield model_type, partial(save_masked_lm, model_type=model_type), ALL, {}
    yield "splade, sum pooling", partial(save_splade, pooling="sum"), ALL, {}
    yield "splade, dense output", save_splade, FP32, {"form": Output.DENSE, "max_active_dims": 8}
    yield "inference-free", save_inference_free, (Precision.FP32, Precision.INT8), {}
    yield "inference-free, limited", save_inference_free, FP32, {"max_active_dims": 3}
    # Random autoencoders have too little redundancy for int8.
    for pooling in POOLINGS:
        yield f"csr, {pooling} pooling", partial(save_csr, pooling=pooling), FP32, {}
    yield "csr, autoencoder alone", save_csr, FP32, {"sae_only": True}
    yield "splade-tiny (real)", lambda _: ROOT / "models" / "splade-tiny", ALL, {}
    name = "MiniLM with an autoencoder (real)"
    yield name, lambda _: trained_csr(), (Precision.FP32, Precision.FP16), {}
    # Features in int8 miss the promise of vectors: ranking decides.
    yield name, lambda _: trained_csr(), (Precision.INT8,), {"eval_data": gloss_collection()}


def export_all(folder: Path) -> Path:
    """Export all bundles anew into `folder`, each named after its checkpoint and precision, and return it."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, save, precisions, more in checkpoints():
        model = save(folder / "checkpoints" / name)
        for precision in precisions:
            print(f"Exporting {name}, {precision}", file=sys.stderr)
            export(ExportOptions(model=str(model), output=folder / f"{name}-{precision}", precision=precision, **more))
    return folder
