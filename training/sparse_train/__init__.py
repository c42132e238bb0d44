"""Train sparse text encoders from a recipe: SPLADE, inference-free SPLADE, CSR.

from sparse_train import read_recipe, train
train(read_recipe(Path("recipe.yaml")))
"""

from __future__ import annotations

from typing import Any

from sparse_train.errors import SparseTrainError

__all__ = ["SparseTrainError", "read_recipe", "train"]


def __getattr__(name: str) -> Any:
    # Nothing heavy is loaded before it is used.
    if name == "train":
        from sparse_train.pipeline import train

        return train
    if name == "read_recipe":
        from sparse_train.recipe import read_recipe

        return read_recipe
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
