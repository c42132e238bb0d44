"""Build the model that a recipe trains."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer, SparseEncoder
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.sparse_encoder.model_card import SparseEncoderModelCardData
from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder, SparseStaticEmbedding, SpladePooling
from torch import nn

from sparse_client.errors import one_line
from sparse_train.errors import ModelError, SparseTrainError
from sparse_train.recipe.schema import CsrModel, InferenceFreeModel, Model, Recipe, SpladeModel


def build_model(recipe: Recipe) -> SparseEncoder:
    """Return the untrained model, or the checkpoint to go on with.

    Raises:
        ModelError: it cannot be loaded, or is not what the architecture needs.
    """
    spec = recipe.model
    if os.sep in spec.name and not Path(spec.name).is_dir() and spec.name.count("/") != 1:
        raise ModelError(f"model.name: there is no folder {spec.name}.")
    try:
        model = _BUILDERS[type(spec)](spec)
    except SparseTrainError:
        raise
    except Exception as error:  # files, hub and configurations: each library has exceptions of its own
        raise ModelError(f"model.name: {spec.name} cannot be loaded: {one_line(error)}") from error
    if spec.max_length is not None:
        model.max_seq_length = spec.max_length
    if spec.prompts is not None:
        model.prompts.update(spec.prompts)
    return model


def has_router(model: SparseEncoder) -> bool:
    """Return whether queries and documents take different ways through a model."""
    return any(isinstance(module, Router) for module in model.children())


def family_of(model: SparseEncoder) -> str:
    """Return the architecture of a loaded checkpoint."""
    kinds = {type(module) for module in model.modules()}
    if SparseStaticEmbedding in kinds:
        return "inference-free"
    return "csr" if SparseAutoEncoder in kinds else "splade"


def _splade(spec: SpladeModel) -> SparseEncoder:
    return _encoder(spec, [_masked_lm(spec), _pooling(spec)])


def _inference_free(spec: InferenceFreeModel) -> SparseEncoder:
    document: Any = _masked_lm(spec)
    if spec.query_weights is None:
        query = SparseStaticEmbedding(tokenizer=document.tokenizer, frozen=spec.frozen)
    else:
        query = SparseStaticEmbedding.from_json(spec.query_weights, tokenizer=document.tokenizer, frozen=spec.frozen)
    if query.num_dimensions != document.config.vocab_size:
        raise ModelError(
            f"model.name: {spec.name} has {document.config.vocab_size} output dimensions, but its tokenizer "
            f"{query.num_dimensions} tokens, one for each query weight; resize the model's embeddings first."
        )
    router = Router.for_query_document(query_modules=[query], document_modules=[document, _pooling(spec)])
    return _encoder(spec, [router])


def _csr(spec: CsrModel) -> SparseEncoder:
    if (Path(spec.name) / "modules.json").is_file() or not Path(spec.name).is_dir():
        loading: dict[str, Any] = {
            "revision": spec.revision,
            "trust_remote_code": spec.trust_remote_code,
            "model_kwargs": spec.load,
        }
        dense: list[nn.Module] = list(SentenceTransformer(spec.name, device="cpu", **loading))
    else:
        transformer = Transformer(spec.name, **_loading(spec))
        dense = [transformer, Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")]
    width = next(w for module in reversed(dense) if (w := getattr(module, "get_embedding_dimension", lambda: None)()))
    hidden = int(width * spec.hidden_factor)
    if not 0 < spec.k <= hidden or not 0 <= spec.k_aux <= hidden:
        raise ModelError(
            f"model.k: k {spec.k} and k_aux {spec.k_aux} must be at most the {hidden} features, "
            f"which are {spec.hidden_factor} x {width}."
        )
    for parameter in nn.ModuleList(dense).parameters():
        parameter.requires_grad_(spec.train_encoder)
    features = SparseAutoEncoder(
        input_dim=width,
        hidden_dim=hidden,
        k=spec.k,
        k_aux=spec.k_aux,
        normalize=spec.normalize,
        dead_threshold=spec.dead_threshold,
    )
    return _encoder(spec, [*dense, features])


def _from_checkpoint(spec: Model) -> SparseEncoder:
    return SparseEncoder(
        spec.name,
        revision=spec.revision,
        trust_remote_code=spec.trust_remote_code,
        model_kwargs=spec.load,
        model_card_data=_card_data(spec),
    )


_BUILDERS: dict[type[Model], Callable[[Any], SparseEncoder]] = {
    SpladeModel: _splade,
    InferenceFreeModel: _inference_free,
    CsrModel: _csr,
    Model: _from_checkpoint,
}


def _masked_lm(spec: SpladeModel) -> Transformer:
    return Transformer(spec.name, transformer_task="fill-mask", **_loading(spec))


def _pooling(spec: SpladeModel) -> SpladePooling:
    return SpladePooling(pooling_strategy=spec.pooling, activation_function=spec.activation)  # type: ignore[arg-type]


def _loading(spec: Model) -> dict[str, Any]:
    shared = {"revision": spec.revision, "trust_remote_code": spec.trust_remote_code}
    return {"model_kwargs": {**shared, **(spec.load or {})}, "processor_kwargs": shared, "config_kwargs": shared}


def _encoder(spec: Model, modules: list[nn.Module]) -> SparseEncoder:
    return SparseEncoder(modules=modules, trust_remote_code=spec.trust_remote_code, model_card_data=_card_data(spec))


def _card_data(spec: Model) -> SparseEncoderModelCardData:
    """A local base model is not looked up on the hub."""
    return SparseEncoderModelCardData(local_files_only=Path(spec.name).is_dir())
