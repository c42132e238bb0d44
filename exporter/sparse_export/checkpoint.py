"""Read a checkpoint the way sentence-transformers reads it, and refuse early what cannot be exported."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.util import load_file_path
from transformers import AutoConfig

from sparse_export.errors import CheckpointError, InputError, UnsupportedCheckpointError
from sparse_export.manifest import sha256
from sparse_export.options import ExportOptions

UNLIMITED = 10**6  # transformers writes about 1e30 where a tokenizer has no limit
ROUTES = ("document", "query")
# The prompts that sentence-transformers tries for each route, in its order.
PROMPTS = {"document": ("document", "passage", "corpus"), "query": ("query",)}
# What a bare transformers folder is, by the end of its architecture's name, and what to do with it instead.
NOT_SPARSE = {
    "ForSequenceClassification": "a cross-encoder or classifier, which scores pairs and has no sparse vectors; "
    "export it with a tool for classifiers",
    "ForCausalLM": "a decoder-only language model; finetune it as a SPLADE or CSR model first",
    "ForConditionalGeneration": "a generative model; finetune an encoder as a SPLADE model first",
}


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

    @property
    def max_length(self) -> int | None:
        """Tokens of a text, special tokens included; None where the tokenizer has no limit."""
        length = self.encoder.max_seq_length
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


def read_checkpoint(options: ExportOptions) -> Checkpoint:
    """Load a checkpoint.

    Raises:
        CheckpointError: It is missing, incomplete or damaged.
        UnsupportedCheckpointError: It is not a sparse encoder.
        InputError: `max_length` is beyond the positions of the model.
    """
    local = _is_local(options.model)
    _refuse_other_kinds(options, local)
    try:
        encoder = SparseEncoder(
            options.model,
            device="cpu",
            revision=options.revision,
            trust_remote_code=options.trust_remote_code,
            local_files_only=local,
            model_kwargs={"dtype": torch.float32},
        ).eval()
    except Exception as error:  # any library on the way may raise anything about a damaged file
        raise CheckpointError(f"'{options.model}' cannot be loaded: {_first_line(error)}") from error
    folder, revision = (Path(options.model), None) if local else _snapshot(options)
    _check_weights(options.model, encoder)
    _check_loaded(options, local, encoder)
    _set_max_length(encoder, options.max_length)
    encoder.max_active_dims = options.max_active_dims or encoder.max_active_dims
    # A folder goes into bundles by its name alone: where it lies on this machine is nobody's business.
    return Checkpoint(folder.resolve().name if local else options.model, folder, revision, encoder)


def _is_local(model: str) -> bool:
    path = Path(model).expanduser()
    if path.is_dir():
        if not any((path / name).is_file() for name in ("modules.json", "config.json")):
            raise CheckpointError(
                f"The folder '{model}' has neither modules.json nor config.json; "
                "name the folder of a SparseEncoder or of a transformers masked language model."
            )
        return True
    looks_local = path.exists() or model.startswith((".", "/", "~")) or model.count("/") != 1
    if looks_local or Path(model.split("/")[0]).is_dir():
        raise CheckpointError(f"There is no folder '{model}'; name a folder or a hub id such as naver/splade-v3.")
    return False


def _refuse_other_kinds(options: ExportOptions, local: bool) -> None:
    """Name the kind of a checkpoint that sentence-transformers would quietly turn into an untrained sparse encoder."""
    modules = _read_json(options, local, "modules.json")
    if modules is not None:
        kind = (_read_json(options, local, "config_sentence_transformers.json") or {}).get("model_type")
        names = [module["type"] for module in modules]
        sparse = any(name.rpartition(".")[2] in ("SpladePooling", "SparseAutoEncoder", "Router") for name in names)
        if not sparse:
            raise UnsupportedCheckpointError(
                f"'{options.model}' is a dense {kind or 'SentenceTransformer'}, not a sparse encoder; "
                "train a sparse autoencoder on it (family csr) or export it with a tool for dense encoders."
            )
        return
    try:
        config = AutoConfig.from_pretrained(
            options.model,
            revision=options.revision,
            trust_remote_code=options.trust_remote_code,
            local_files_only=local,
        )
    except Exception as error:
        raise CheckpointError(f"'{options.model}' has no readable config.json: {_first_line(error)}") from error
    architectures = config.architectures or ["no architecture"]
    if any(name.endswith("ForMaskedLM") for name in architectures):
        return
    for ending, reason in NOT_SPARSE.items():
        if any(name.endswith(ending) for name in architectures):
            raise UnsupportedCheckpointError(f"'{options.model}' is {architectures[0]}, {reason}.")
    raise UnsupportedCheckpointError(
        f"'{options.model}' is {architectures[0]}, which has no masked language model head; "
        "name a masked language model (SPLADE) or the folder of a trained SparseEncoder."
    )


def _read_json(options: ExportOptions, local: bool, name: str) -> Any:
    try:
        path = load_file_path(options.model, name, revision=options.revision, local_files_only=local)
        return None if path is None else json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{name} of '{options.model}' cannot be read: {_first_line(error)}") from error


def _snapshot(options: ExportOptions) -> tuple[Path, str]:
    from huggingface_hub import snapshot_download

    folder = Path(snapshot_download(options.model, revision=options.revision, local_files_only=True))
    return folder, folder.name


def _check_weights(model: str, encoder: SparseEncoder) -> None:
    for name, weight in encoder.named_parameters():
        if not bool(torch.isfinite(weight).all()):
            raise CheckpointError(
                f"The weight '{name}' of '{model}' has NaN or infinite values; train or fetch it again."
            )


def _check_loaded(options: ExportOptions, local: bool, encoder: SparseEncoder) -> None:
    """Refuse weights that transformers filled with random numbers because the file lacks them."""
    module = encoder[0]
    loaded = getattr(module, "model", None)
    if loaded is None or _read_json(options, local, "config.json") is None:  # no weights of its own: an adapter, say
        return
    _, report = type(loaded).from_pretrained(
        options.model,
        revision=options.revision,
        trust_remote_code=options.trust_remote_code,
        local_files_only=local,
        output_loading_info=True,
    )
    missing = sorted(report["missing_keys"])
    if missing:
        raise CheckpointError(
            f"'{options.model}' lacks {len(missing)} weights of {type(loaded).__name__}, such as '{missing[0]}'; "
            "it was saved without its language model head or is of another architecture."
        )


def _set_max_length(encoder: SparseEncoder, max_length: int | None) -> None:
    positions = _positions(encoder)
    if max_length is not None and positions is not None and max_length > positions:
        raise InputError(
            f"max_length is {max_length}, but the model has {positions} positions; give at most {positions}."
        )
    own = encoder.max_seq_length
    wanted = max_length or own
    encoder.max_seq_length = wanted if positions is None else min(wanted, positions)


def _positions(encoder: SparseEncoder) -> int | None:
    """Return how many tokens have a position; RoBERTa's table starts counting after the padding id."""
    model = getattr(encoder[0], "model", None)
    if model is None:
        return None
    for module in model.modules():
        table = getattr(module, "position_embeddings", None)
        if isinstance(table, torch.nn.Embedding):
            offset = getattr(module, "padding_idx", None)
            return table.num_embeddings - (offset + 1 if isinstance(offset, int) else 0)
    return getattr(model.config, "max_position_embeddings", None)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
