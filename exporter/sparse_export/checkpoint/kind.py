"""Refuse early what is not a sparse encoder, and say what to do instead.

sentence-transformers loads nearly everything as a SparseEncoder, by putting untrained layers on top.
"""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig

from sparse_export.checkpoint.source import KIND, MODULES, ROUTER, Source, unreadable
from sparse_export.errors import CheckpointError, UnsupportedCheckpointError

FOR_PAIRS = "which scores pairs and has no sparse vectors; export it with a tool for classifiers"
# What config_sentence_transformers.json calls a model that is no SparseEncoder.
KINDS = {
    "SentenceTransformer": "a dense SentenceTransformer, not a sparse encoder; "
    "train a sparse autoencoder on it (family csr) or export it with a tool for dense encoders",
    "CrossEncoder": f"a cross-encoder, {FOR_PAIRS}",
    "MultiVectorEncoder": "a late-interaction model, with a dense vector for each token; finetune it as a SPLADE model",
}
# What a bare transformers checkpoint is, by the end of its architecture's name.
ARCHITECTURES = {
    "ForSequenceClassification": f"a cross-encoder or classifier, {FOR_PAIRS}",
    "ForCausalLM": "a decoder-only language model; finetune it as a SPLADE or CSR model first",
    "LMHeadModel": "a decoder-only language model; finetune it as a SPLADE or CSR model first",
    "ForConditionalGeneration": "a generative model; finetune an encoder as a SPLADE model first",
    "": "which has no masked language model head; "
    "name a masked language model (SPLADE) or the folder of a trained SparseEncoder",
}
SPARSE_MODULES = ("SpladePooling", "SparseAutoEncoder", "SparseStaticEmbedding")


def check_kind(source: Source) -> None:
    """Check that a checkpoint is a SparseEncoder or a masked language model; nothing heavy is loaded.

    Raises:
        CheckpointError: A file that says what it is is damaged or missing.
        UnsupportedCheckpointError: It is something else.
    """
    modules = source.read_json(MODULES)
    if modules is None:
        _check_architecture(source)
        return
    if not _is_module_list(modules):
        raise CheckpointError(
            f"{MODULES} of '{source.model}' is not a list of modules with a path and a type; "
            "save the model again with sentence-transformers."
        )
    _check_kind(source, [_class_name(module["type"]) for module in modules])
    parts = {module["path"]: _class_name(module["type"]) for module in modules}
    if "Router" in parts.values():
        router = _settings(source, ROUTER)
        parts |= {path: _class_name(str(name)) for path, name in router.get("types", {}).items()}
    for path, name in parts.items():
        if name == "SpladePooling":
            _settings(source, f"{path}/config.json")


def _class_name(dotted: str) -> str:
    return dotted.rpartition(".")[2]


def _settings(source: Source, name: str) -> dict[str, Any]:
    """Return a file without which sentence-transformers would take defaults, whatever the model was trained with."""
    settings = source.read_json(name)
    if not isinstance(settings, dict):
        raise CheckpointError(f"'{source.model}' lacks {name}, which says how its modules work; fetch it again.")
    return settings


def _is_module_list(modules: Any) -> bool:
    return (
        isinstance(modules, list)
        and bool(modules)
        and all(isinstance(module, dict) for module in modules)
        and all(isinstance(module.get(key), str) for module in modules for key in ("path", "type"))
    )


def _check_kind(source: Source, modules: list[str]) -> None:
    settings = source.read_json(KIND)
    kind = settings.get("model_type", "SentenceTransformer") if isinstance(settings, dict) else "SentenceTransformer"
    if kind == "SparseEncoder":
        return
    if any(name in SPARSE_MODULES for name in modules):
        raise CheckpointError(
            f"{KIND} of '{source.model}' does not say that its model_type is SparseEncoder, "
            "so sentence-transformers takes it for a dense model; save the model again."
        )
    raise UnsupportedCheckpointError(f"'{source.model}' is {KINDS.get(kind, f'a {kind}, not a sparse encoder')}.")


def _check_architecture(source: Source) -> None:
    try:
        config = AutoConfig.from_pretrained(source.location, **source.arguments)
    except Exception as error:
        raise unreadable(source, error, f"'{source.model}' has no readable config.json") from error
    names = config.architectures or ["no architecture"]
    if any(name.endswith("ForMaskedLM") for name in names):
        return
    ending = next(ending for ending in ARCHITECTURES if any(name.endswith(ending) for name in names))
    raise UnsupportedCheckpointError(f"'{source.model}' is {names[0]}, {ARCHITECTURES[ending]}.")
