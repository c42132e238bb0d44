"""Train sparse text encoders from a recipe: SPLADE, inference-free SPLADE and CSR.

from sparse_train import read_recipe, train
train(read_recipe(Path("recipe.yaml")))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sparse_train.errors import SparseTrainError

if TYPE_CHECKING:
    from sparse_train.model.fused.head import fuse_head
    from sparse_train.recipe.load import read_recipe
    from sparse_train.run.pipeline import train

__all__ = ["SparseTrainError", "fuse_head", "read_recipe", "train"]


# torch loads with the first use, so that `sparse-train --help` stays quick.
_HOMES = {"fuse_head": "model.fused.head", "read_recipe": "recipe.load", "train": "run.pipeline"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sparse_train' has no attribute {name!r}")
    return getattr(importlib.import_module(f"sparse_train.{_HOMES[name]}"), name)
