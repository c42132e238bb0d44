"""Read a checkpoint the way sentence-transformers reads it, and refuse what is incomplete or damaged."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from sentence_transformers import SparseEncoder
from transformers import PreTrainedModel

from sparse_export.adapters import has_adapters
from sparse_export.admission import admit
from sparse_export.errors import CheckpointError, InputError, UnsupportedCheckpointError, one_line
from sparse_export.manifest import sha256
from sparse_export.options import ExportOptions
from sparse_export.source import MODULES, Source, locate

UNLIMITED = 10**6  # transformers writes about 1e30 where a tokenizer has no limit
FEWEST_WORDS = 10  # tokens that are not special; transformers makes up a tokenizer without any where it finds no file
ROUTES = ("document", "query")
# The prompts that sentence-transformers tries for each route, in its order.
PROMPTS = {"document": ("document", "passage", "corpus"), "query": ("query",)}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded checkpoint.

    Attributes:
        source: The name of the folder, or the hub id.
        folder: The files: the folder itself or the hub's local snapshot.
        revision: Commit of a hub id, None for a folder.
        encoder: sentence-transformers' own model, float32, eval mode, on the CPU: the reference.
    """

    source: str
    folder: Path
    revision: str | None
    encoder: SparseEncoder

    def prompt(self, route: str) -> str:
        """Return the text that sentence-transformers puts in front of every text of a route."""
        prompts = self.encoder.prompts
        name = next((name for name in PROMPTS[route] if name in prompts), self.encoder.default_prompt_name)
        return prompts.get(name) or "" if name else ""

    def modules(self, route: str) -> list[Any]:
        """Return the modules that a text of a route goes through, in order."""
        return route_modules(self.encoder, route)

    def tokenizer(self, route: str) -> Any:
        """Return the tokenizer of a route, as transformers has it."""
        return self.modules(route)[0].tokenizer

    def max_length(self, route: str) -> int | None:
        """Return the tokens of a text, special tokens included; None where the tokenizer has no limit."""
        length = self.tokenizer(route).model_max_length
        return None if length is None or length > UNLIMITED else length

    def sha256(self) -> str:
        """Return the sha256 of the weights: of the file, or of the list of names and sums where there are several."""
        sums = {path.relative_to(self.folder).as_posix(): sha256(path) for path in self._weights()}
        if len(sums) == 1:
            return next(iter(sums.values()))
        return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()

    def size(self) -> int:
        """Return the bytes of the weight files."""
        return sum(path.stat().st_size for path in self._weights())

    def _weights(self) -> list[Path]:
        return sorted(path for kind in ("*.safetensors", "*.bin") for path in self.folder.rglob(kind))


def route_modules(encoder: SparseEncoder, route: str) -> list[Any]:
    """Return the modules of a route; a Router has a sequence of its own for each.

    Raises:
        UnsupportedCheckpointError: The Router has other routes.
    """
    first, *others = cast(Any, encoder)
    sequences = getattr(first, "sub_modules", None)
    if sequences is None:
        return [first, *others]
    if set(sequences) != set(ROUTES):
        raise UnsupportedCheckpointError(
            f"The Router has the routes {', '.join(sorted(sequences))}; exported are Routers with "
            f"exactly {' and '.join(ROUTES)}."
        )
    return [*sequences[route], *others]


def is_lookup(checkpoint: Checkpoint, route: str) -> bool:
    """Tell whether the texts of a route go through a table of static weights alone."""
    return type(checkpoint.modules(route)[0]).__name__ == "SparseStaticEmbedding"


def read_checkpoint(options: ExportOptions) -> Checkpoint:
    """Load a checkpoint.

    Raises:
        CheckpointError: It is missing, incomplete or damaged.
        UnsupportedCheckpointError: It is not a sparse encoder.
        InputError: `max_length` is beyond the positions of the model, or leaves no room for a text.
    """
    source = locate(options)
    admit(source)
    try:
        encoder = SparseEncoder(
            source.model, device="cpu", model_kwargs={"dtype": torch.float32}, **source.arguments
        ).eval()
        folder = source.folder()
    except Exception as error:  # any library on the way may raise anything about a damaged file
        raise CheckpointError(f"'{options.model}' cannot be loaded: {one_line(error)}") from error
    _check_tokenizer(options.model, encoder)
    _check_finite(options.model, encoder)
    _check_complete(source, encoder)
    _set_max_length(encoder, options.max_length)
    encoder.max_active_dims = options.max_active_dims or encoder.max_active_dims
    # A folder goes into bundles by its name alone: where it lies on this machine is nobody's business.
    name = folder.resolve().name if source.is_folder else options.model
    return Checkpoint(name, folder, None if source.is_folder else folder.name, encoder)


def _check_tokenizer(model: str, encoder: SparseEncoder) -> None:
    tokenizer = route_modules(encoder, "document")[0].tokenizer
    if hasattr(tokenizer, "all_special_tokens") and len(tokenizer) - len(tokenizer.all_special_tokens) < FEWEST_WORDS:
        raise CheckpointError(
            f"'{model}' has no tokenizer, or an empty one; put the tokenizer's files (tokenizer.json) beside the model."
        )


def _check_finite(model: str, encoder: SparseEncoder) -> None:
    for name, weight in encoder.named_parameters():
        if not bool(torch.isfinite(weight).all()):
            raise CheckpointError(
                f"The weight '{name}' of '{model}' has NaN or infinite values; train or fetch it again."
            )


def _check_complete(source: Source, encoder: SparseEncoder) -> None:
    """Refuse weights that transformers filled with random numbers because the files lack them."""
    loaded: PreTrainedModel | None = getattr(route_modules(encoder, "document")[0], "model", None)
    if loaded is None:  # a module without a model of transformers; its family is refused later
        return
    if not has_adapters(loaded):
        _refuse_missing(loaded, source.model, {"subfolder": _document_folder(source), **source.arguments})
        return
    _refuse_missing(loaded, source.model, source.arguments)
    _refuse_missing(loaded, str(loaded.name_or_path), {**source.arguments, "revision": None})  # its base model


def _document_folder(source: Source) -> str:
    modules, router = source.read_json(MODULES), source.read_json("router_config.json")
    if router is not None:
        return str(router["structure"]["document"][0])
    return str(modules[0]["path"]) if modules else ""


def _refuse_missing(loaded: PreTrainedModel, place: str, arguments: dict[str, Any]) -> None:
    report: dict[str, Any]
    again, report = cast(Any, type(loaded)).from_pretrained(place, output_loading_info=True, **arguments)
    missing = sorted(report["missing_keys"])
    if missing:
        advice = (
            "transformers cannot load this adapter in full: merge it into its model, and export that"
            if has_adapters(again)
            else "it was saved without its language model head, or is of another architecture"
        )
        raise CheckpointError(
            f"'{place}' lacks {len(missing)} weights of {type(loaded).__name__}, such as '{missing[0]}'; {advice}."
        )


def _set_max_length(encoder: SparseEncoder, max_length: int | None) -> None:
    positions = _positions(encoder)
    if max_length is not None and positions is not None and max_length > positions:
        raise InputError(
            f"max_length is {max_length}, but the model has {positions} positions; give at most {positions}."
        )
    document = route_modules(encoder, "document")[0]
    limits = [limit for limit in (max_length or document.max_seq_length, positions) if limit is not None]
    if not limits:
        return
    special = document.tokenizer.num_special_tokens_to_add()
    if min(limits) <= special:
        raise InputError(
            f"max_length is {min(limits)}, but {special} of these tokens are special ones; give at least {special + 1}."
        )
    document.max_seq_length = min(limits)


def _positions(encoder: SparseEncoder) -> int | None:
    """Return how many tokens have a position; RoBERTa's table starts counting after the padding id."""
    model = getattr(route_modules(encoder, "document")[0], "model", None)
    if model is None:
        return None
    for module in model.modules():
        table = getattr(module, "position_embeddings", None)
        if isinstance(table, torch.nn.Embedding):
            offset = getattr(module, "padding_idx", None)
            return table.num_embeddings - (offset + 1 if isinstance(offset, int) else 0)
    return getattr(model.config, "max_position_embeddings", None)
