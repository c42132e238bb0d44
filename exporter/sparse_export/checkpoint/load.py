"""Read a checkpoint the way sentence-transformers reads it, and refuse what is incomplete or damaged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from sentence_transformers import SparseEncoder
from transformers import PreTrainedModel

from sparse_export.checkpoint import token_weights
from sparse_export.checkpoint.adapters import has_adapters
from sparse_export.checkpoint.chain import ROUTES, SPLADE, TABLE, TOKEN_WEIGHTS, head_of, route_modules
from sparse_export.checkpoint.convolutions import keep_padding_out
from sparse_export.checkpoint.kind import check_kind
from sparse_export.checkpoint.natively import natively
from sparse_export.checkpoint.own_tokenizer import check_same
from sparse_export.checkpoint.source import MODULES, ROUTER, Source, locate, unreadable
from sparse_export.checkpoint.tokenizer import check_usable
from sparse_export.errors import CheckpointError, InputError
from sparse_export.options import ExportOptions, SpecialTokens

UNLIMITED = 10**6  # transformers writes about 1e30 where a tokenizer has no limit
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
        special_tokens: What becomes of the dimensions of special tokens; the encoder does that, too.
    """

    source: str
    folder: Path
    revision: str | None
    encoder: SparseEncoder
    special_tokens: SpecialTokens = SpecialTokens.KEEP

    def prompt(self, route: str) -> str:
        """Return the text that sentence-transformers puts in front of every text of a route."""
        prompts = self.encoder.prompts
        name = next((name for name in PROMPTS[route] if name in prompts), self.encoder.default_prompt_name)
        return prompts.get(name) or "" if name else ""

    def modules(self, route: str) -> list[Any]:
        """Return the modules that a text of a route goes through, in order."""
        return route_modules(self.encoder, route)

    def head(self, route: str) -> str | None:
        """Return the head of a route, None where its chain of modules is not one that is exported."""
        return head_of(self.modules(route))

    def shares_graph(self) -> bool:
        """Tell whether queries go through the very modules that documents go through."""
        document, query = (self.modules(route) for route in ROUTES)
        return len(document) == len(query) and all(one is other for one, other in zip(document, query, strict=True))

    def tokenizer(self, route: str) -> Any:
        """Return the tokenizer of a route, as transformers has it."""
        return self.modules(route)[0].tokenizer

    def dropped_ids(self, route: str) -> list[int]:
        """Return the dimensions that always have weight 0, rising."""
        if self.head(route) == TOKEN_WEIGHTS:
            return list(self.modules(route)[-1].dropped)
        if self.special_tokens is SpecialTokens.KEEP or self.head(route) not in (SPLADE, TABLE):
            return []
        return sorted(set(self.tokenizer(route).all_special_ids))

    def max_length(self, route: str) -> int | None:
        """Return the tokens of a text, special tokens included; None where the tokenizer has no limit."""
        first = self.modules(route)[0]
        own = getattr(first, f"{route}_length", None)  # of a Transformer that both routes share
        length = own if own is not None else first.tokenizer.model_max_length
        return None if length is None or length > UNLIMITED else length

    def max_active_dims(self) -> int | None:
        """Return the largest number of active dimensions of a vector, None for no limit; the same for both routes."""
        return self.encoder.max_active_dims or getattr(self.modules("document")[-1], "k", None)


def read_checkpoint(options: ExportOptions) -> Checkpoint:
    """Load a checkpoint.

    Raises:
        CheckpointError: It is missing, incomplete or damaged.
        UnsupportedCheckpointError: It is not a sparse encoder.
        InputError: `max_length` is beyond the positions of the model, or leaves no room for a text.
    """
    source = locate(options)
    with natively(source) as readable, _recording_missing() as missing:
        encoder = _load(readable)
    folder = source.folder()
    _check_tokenizers(source, folder, encoder)
    _check_finite(options.model, encoder)
    _check_complete(source, encoder, missing)
    _set_max_length(encoder, options.max_length)
    encoder.max_active_dims = options.max_active_dims or encoder.max_active_dims
    # A folder goes into bundles by its name alone: where it lies on this machine is nobody's business.
    name = folder.resolve().name if source.is_folder else options.model
    revision = None if source.is_folder else folder.name
    checkpoint = Checkpoint(name, folder, revision, encoder, options.special_tokens)
    for module, ids in {checkpoint.modules(route)[-1]: checkpoint.dropped_ids(route) for route in ROUTES}.items():
        if ids and not isinstance(module, token_weights.TokenWeights):  # which has dropped its own
            _drop(module, ids)
    return checkpoint


def _drop(module: torch.nn.Module, ids: list[int]) -> None:
    """Make the last module of a route give weight 0 to these dimensions."""

    def without(_module: torch.nn.Module, _arguments: Any, features: dict[str, Any]) -> dict[str, Any]:
        weights = features["sentence_embedding"].clone()
        weights[:, ids] = 0.0
        return {**features, "sentence_embedding": weights}

    module.register_forward_hook(without)


def _load(source: Source) -> SparseEncoder:
    per_token = token_weights.has_token_weights(source)
    if not per_token:
        check_kind(source)
    arguments = {"device": "cpu", "model_kwargs": {"dtype": torch.float32}, **source.arguments}
    try:
        encoder = token_weights.load(source, arguments) if per_token else SparseEncoder(source.location, **arguments)
        keep_padding_out(encoder)
        return encoder.eval()
    except CheckpointError:
        raise
    except Exception as error:  # any library on the way may raise anything about a damaged file
        raise unreadable(source, error, f"'{source.model}' cannot be loaded") from error


@contextlib.contextmanager
def _recording_missing() -> Iterator[dict[PreTrainedModel, list[str]]]:
    """Keep, by each model that transformers loads meanwhile, the weights that its files lack.

    transformers reports them only to the caller of `from_pretrained`, which is sentence-transformers here. Loading the
    model a second time for the report would take twice the memory.
    """
    original, missing = PreTrainedModel.__dict__["from_pretrained"], dict[PreTrainedModel, list[str]]()

    def recording(cls: type[Any], /, *args: Any, output_loading_info: bool = False, **choices: Any) -> Any:
        model, report = original.__func__(cls, *args, output_loading_info=True, **choices)
        missing[model] = sorted(report["missing_keys"])
        return (model, report) if output_loading_info else model

    PreTrainedModel.from_pretrained = classmethod(recording)  # type: ignore[assignment, method-assign]
    try:
        yield missing
    finally:
        PreTrainedModel.from_pretrained = original  # type: ignore[method-assign]


def _first_modules(encoder: SparseEncoder) -> dict[str, Any]:
    """Return the first module of each route; one that both routes share is named once, after documents."""
    firsts = {route: route_modules(encoder, route)[0] for route in ROUTES}
    return {route: first for route, first in firsts.items() if route == "document" or first is not firsts["document"]}


def _check_tokenizers(source: Source, folder: Path, encoder: SparseEncoder) -> None:
    for route, first in _first_modules(encoder).items():
        tokenizer: Any = getattr(first, "tokenizer", None)
        check_usable(source.model, tokenizer, getattr(first, "model", None))
        lowercased = bool(getattr(first, "do_lower_case", False))
        check_same(folder / folder_of(source, route), tokenizer, lowercased)


def _check_finite(model: str, encoder: SparseEncoder) -> None:
    for name, weight in encoder.named_parameters():
        if not bool(torch.isfinite(weight).all()):
            raise CheckpointError(
                f"The weight '{name}' of '{model}' has NaN or infinite values; train or fetch it again."
            )


def _check_complete(source: Source, encoder: SparseEncoder, missing: Mapping[PreTrainedModel, list[str]]) -> None:
    """Refuse weights that transformers filled with random numbers because the files lack them."""
    for first in _first_modules(encoder).values():
        loaded: PreTrainedModel | None = getattr(first, "model", None)
        if loaded is None:  # a module without a model of transformers
            continue
        if loaded not in missing:
            raise CheckpointError(
                f"'{source.model}': transformers did not load {type(loaded).__name__} by from_pretrained, so nothing "
                "says whether its weights are complete; save it with save_pretrained, without code of its own."
            )
        missed = [name for name in missing[loaded] if not (name.startswith("pooler.") and _takes_states(first))]
        advice = "it was saved without its language model head, or is of another architecture"
        _refuse_missing(loaded, source.model, missed, advice)
        if has_adapters(loaded):  # whose loading reports the adapter alone
            base, arguments = str(loaded.name_or_path), {**source.arguments, "revision": None}
            again, report = cast(Any, type(loaded)).from_pretrained(base, output_loading_info=True, **arguments)
            _refuse_missing(again, base, sorted(report["missing_keys"]), advice)


def _takes_states(transformer: Any) -> bool:
    """Tell whether a module gives the last hidden states, for which a model's own pooler is of no use."""
    return bool(transformer.modality_config.get("text", {}).get("method_output_name") == "last_hidden_state")


def folder_of(source: Source, route: str) -> str:
    """Return the folder of the first module of a route, relative to the checkpoint."""
    modules, router = source.read_json(MODULES), source.read_json(ROUTER)
    if router is not None:
        return str(router["structure"][route][0])
    return str(modules[0]["path"]) if modules else ""


def _refuse_missing(model: PreTrainedModel, name: str, missing: list[str], advice: str) -> None:
    if missing:
        if has_adapters(model):
            advice = "transformers cannot load this adapter in full: merge it into its model, and export that"
        raise CheckpointError(
            f"'{name}' lacks {len(missing)} weights of {type(model).__name__}, such as '{missing[0]}'; {advice}."
        )


def _set_max_length(encoder: SparseEncoder, max_length: int | None) -> None:
    for first in _first_modules(encoder).values():
        if getattr(first, "model", None) is not None:
            _limit(first, max_length)


def _limit(transformer: Any, max_length: int | None) -> None:
    """Limit the tokens of a text to what was asked for, and to the positions that the model has."""
    positions = _positions(transformer.model)
    if max_length is not None and positions is not None and max_length > positions:
        raise InputError(
            f"max_length is {max_length}, but the model has {positions} positions; give at most {positions}."
        )
    special = transformer.tokenizer.num_special_tokens_to_add()
    for name in ("max_seq_length", "document_length", "query_length"):  # the latter two of a task, where they are set
        own = getattr(transformer, name, None)
        if own is None and name != "max_seq_length":
            continue
        limits = [limit for limit in (max_length or own, positions) if limit is not None]
        if not limits:
            continue
        if min(limits) <= special:
            raise InputError(
                f"max_length is {min(limits)}, but {special} of these tokens are special ones; "
                f"give at least {special + 1}."
            )
        setattr(transformer, name, min(limits))


def _positions(model: PreTrainedModel) -> int | None:
    """Return how many tokens have a position; RoBERTa's table starts counting after the padding id."""
    for module in model.modules():
        table = getattr(module, "position_embeddings", None)
        if isinstance(table, torch.nn.Embedding):
            offset = getattr(module, "padding_idx", None)
            return table.num_embeddings - (offset + 1 if isinstance(offset, int) else 0)
    return getattr(model.config, "max_position_embeddings", None)
