"""Finetune sparse text encoders: SPLADE, inference-free SPLADE and CSR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparse_train.fused.head import fuse_head

__all__ = ["fuse_head"]


def __getattr__(name: str) -> Any:
    # torch loads with the first use, so that `sparse-train --help` stays quick.
    if name == "fuse_head":
        from sparse_train.fused.head import fuse_head as found
    else:
        raise AttributeError(f"module 'sparse_train' has no attribute '{name}'")
    return found
