"""Checkpoints whose own code transformers has since taken in: loaded by transformers' own class.

`model_type: new` is the code of Alibaba-NLP's GTE models, which current transformers cannot run any more. transformers
has the same network as `gte`, and renames the weights while loading; what is left is the configuration.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sparse_export.checkpoint.source import CONFIG, MODULES, ROUTER, Source
from sparse_export.errors import CheckpointError, UnsupportedCheckpointError

CUSTOM, NATIVE = "new", "gte"
NEEDED = ("vocab_size", "hidden_size", "num_attention_heads", "max_position_embeddings", "rope_theta")
# What transformers' class computes; another value is another network.
COMPUTED = {
    "position_embedding_type": "rope",
    "layer_norm_type": "layer_norm",
    "logn_attention_scale": False,
    "pack_qkv": True,
}
LEFT_OUT = ("auto_map", "rope_theta", "rope_scaling", *COMPUTED)


@contextlib.contextmanager
def natively(source: Source) -> Iterator[Source]:
    """Yield the checkpoint with configurations that transformers knows; itself where it has none of those.

    Raises:
        UnsupportedCheckpointError: A configuration asks for what transformers' class does not compute.
        CheckpointError: A configuration is damaged.
    """
    found = {name: source.read_json(name) for name in _config_names(source)}
    custom = {name: config for name, config in found.items() if _is_custom(config)}
    if not custom:
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="sparse-export.") as home:
        copy, folder = Path(home), source.fetched()
        for path in folder.rglob("*"):
            if path.is_file():
                beside = copy / path.relative_to(folder)
                beside.parent.mkdir(parents=True, exist_ok=True)
                beside.symlink_to(path.resolve())
        for name, config in custom.items():
            (copy / name).unlink()
            (copy / name).write_text(json.dumps(native_config(config, source.model)), encoding="utf-8")
        yield replace(source, copy=copy)


def native_config(config: dict[str, Any], model: str) -> dict[str, Any]:
    """Return the configuration of transformers' `gte` that computes what `model_type: new` does.

    Its fixed NTK scaling by a factor s raises the base of the rotary frequencies to base * s, and divides them all by
    s^(2 / head dimension): that is transformers' "linear" scaling (Su Jianlin's NTK-RoPE-fixed, as in that code).

    Raises:
        UnsupportedCheckpointError: A setting has a value that transformers' class does not compute.
        CheckpointError: A setting is missing.
    """
    missing = [name for name in NEEDED if not isinstance(config.get(name), int | float)]
    if missing:
        raise CheckpointError(f"{CONFIG} of '{model}' lacks {', '.join(missing)}; fetch it again.")
    for name, allowed in COMPUTED.items():
        if config.get(name, allowed) != allowed:
            raise UnsupportedCheckpointError(
                f"{CONFIG} of '{model}' has {name} = {config[name]!r}, which transformers' {NATIVE} does not compute; "
                f"exported is {allowed!r}."
            )
    kept = {name: value for name, value in config.items() if name not in LEFT_OUT}
    names = [str(name).replace("New", "Gte", 1) for name in config.get("architectures") or []]
    return {**kept, "model_type": NATIVE, "architectures": names, "rope_parameters": _rope(config, model)}


def _rope(config: dict[str, Any], model: str) -> dict[str, Any]:
    base, scaling = float(config["rope_theta"]), config.get("rope_scaling")
    if scaling is None:
        return {"rope_type": "default", "rope_theta": base}
    known = isinstance(scaling, dict) and scaling.get("type") == "ntk" and scaling.get("mixed_b") is None
    if not known or not isinstance(scaling.get("factor"), int | float):
        raise UnsupportedCheckpointError(
            f"{CONFIG} of '{model}' has rope_scaling = {scaling!r}; exported are null and type 'ntk' with a factor and "
            "without mixed_b."
        )
    factor, width = float(scaling["factor"]), config["hidden_size"] // config["num_attention_heads"]
    return {"rope_type": "linear", "rope_theta": base * factor, "factor": factor ** (2 / width)}


def _is_custom(config: Any) -> bool:
    return isinstance(config, dict) and config.get("model_type") == CUSTOM


def _config_names(source: Source) -> list[str]:
    """Return the names of every configuration of a transformer that the checkpoint may have."""
    modules, router = source.read_json(MODULES), source.read_json(ROUTER)
    listed = modules if isinstance(modules, list) else []
    folders = [module.get("path", "") for module in listed if isinstance(module, dict)]
    folders += list(router.get("types", {})) if isinstance(router, dict) else []
    return [CONFIG, *(f"{folder}/{CONFIG}" for folder in folders if folder)]
