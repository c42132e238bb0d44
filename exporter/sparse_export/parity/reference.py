"""What sentence-transformers makes of a text: torch, float32, eval. Every export is compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder
from sentence_transformers.util import select_max_active_dims

from sparse_client.bundle.outputs import DENSE
from sparse_client.parity.golden import Golden
from sparse_client.vectors import SparseVector
from sparse_export.checkpoint.chain import SPLADE
from sparse_export.checkpoint.load import Checkpoint
from sparse_export.graph import decoder

LOGITS = 2**27  # numbers that are held at once: 0.5 GiB


def token_batch(checkpoint: Checkpoint, route: str, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Return sentence-transformers' `input_ids` and `attention_mask`, int64 `[batch, sequence]`, of a padded batch."""
    features = checkpoint.encoder.preprocess(list(texts), prompt=checkpoint.prompt(route), task=route)
    # A look-up tokenizes an empty text to no token at all, for which torch has floats.
    return {name: features[name].numpy().astype(np.int64) for name in ("input_ids", "attention_mask")}


def token_ids(checkpoint: Checkpoint, route: str, text: str) -> list[int]:
    """Return sentence-transformers' token ids of a text, prompt and special tokens included."""
    ids: list[int] = token_batch(checkpoint, route, [text])["input_ids"][0].tolist()
    return ids


def encode_batch(
    checkpoint: Checkpoint, route: str, texts: Sequence[str], max_active_dims: int | None = None
) -> list[SparseVector]:
    """Encode texts as one padded batch.

    Args:
        checkpoint: The loaded checkpoint.
        route: `document` or `query`.
        texts: The texts, without prompts.
        max_active_dims: None for the checkpoint's own.

    Returns:
        One row per text.
    """
    if checkpoint.head(route) == SPLADE and _logits(checkpoint, route, texts) > LOGITS:
        weights = _pooled_in_chunks(checkpoint, route, texts, max_active_dims)
    else:
        encode = {"document": checkpoint.encoder.encode_document, "query": checkpoint.encoder.encode_query}[route]
        with torch.no_grad():
            weights = encode(
                list(texts),
                batch_size=max(1, len(texts)),
                convert_to_sparse_tensor=False,
                max_active_dims=max_active_dims,
                show_progress_bar=False,
            )
    return [SparseVector.of_dense(row) for row in np.asarray(weights)]


def _logits(checkpoint: Checkpoint, route: str, texts: Sequence[str]) -> int:
    """Return how many logits a masked language model gives for a padded batch."""
    return token_batch(checkpoint, route, texts)["input_ids"].size * _vocabulary(checkpoint, route)


def _vocabulary(checkpoint: Checkpoint, route: str) -> int:
    return int(checkpoint.modules(route)[0].model.get_output_embeddings().weight.shape[0])


def _pooled_in_chunks(
    checkpoint: Checkpoint, route: str, texts: Sequence[str], max_active_dims: int | None
) -> torch.Tensor:
    """Return what `encode` does, float32 `[batch, vocab]`, without the logits of all tokens at once.

    sentence-transformers' own modules compute it: the masked language model the states, its decoder the logits of some
    tokens, SpladePooling their weights. Both poolings of a text follow from those of its chunks.
    """
    transformer, pooling = checkpoint.modules(route)
    features = checkpoint.encoder.preprocess(list(texts), prompt=checkpoint.prompt(route), task=route)
    weight, bias = map(torch.from_numpy, decoder.matrix(transformer.model))
    with torch.no_grad():
        with decoder.left_out(transformer.model):
            states = transformer(features)["token_embeddings"]
        length = max(1, LOGITS // (len(texts) * _vocabulary(checkpoint, route)))
        chunks = zip(states.split(length, dim=1), features["attention_mask"].split(length, dim=1), strict=True)
        logits = ({"token_embeddings": some @ weight + bias, "attention_mask": mask} for some, mask in chunks)
        parts = torch.stack([pooling(some)["sentence_embedding"] for some in logits])
        weights = parts.amax(0) if pooling.pooling_strategy == "max" else parts.sum(0)
        most = max_active_dims if max_active_dims is not None else checkpoint.encoder.max_active_dims
        return weights if most is None else select_max_active_dims(weights, most)


def dense_batch(checkpoint: Checkpoint, route: str, texts: Sequence[str]) -> list[np.ndarray]:
    """Return the dense embedding of each text of a padded batch, float32 `[hidden]`, of a token-weights checkpoint."""
    features = checkpoint.encoder.preprocess(list(texts), prompt=checkpoint.prompt(route), task=route)
    with torch.no_grad():
        for module in checkpoint.modules(route):
            features = module(features)
    return list(features[DENSE].numpy())


def golden_vectors(checkpoint: Checkpoint, route: str, texts: Sequence[str], with_dense: bool = False) -> list[Golden]:
    """Encode every text alone, so that no vector has seen padding; with its dense embedding, if asked for."""
    vectors = []
    for text in texts:
        golden = _golden(checkpoint, route, text, token_ids(checkpoint, route, text))
        vectors.append(replace(golden, dense=dense_batch(checkpoint, route, [text])[0]) if with_dense else golden)
    return vectors


def embedding_vectors(checkpoint: Checkpoint, route: str, texts: Sequence[str]) -> list[Golden]:
    """Encode every text alone, and keep the dense embedding that the autoencoder is given, not the token ids."""
    vectors = []
    for text in texts:
        features = checkpoint.encoder.preprocess([text], prompt=checkpoint.prompt(route), task=route)
        with torch.no_grad():
            for module in checkpoint.modules(route)[:-1]:
                features = module(features)
        embedding = features["sentence_embedding"][0].numpy()
        vectors.append(replace(_golden(checkpoint, route, text, []), embedding=embedding))
    return vectors


def _golden(checkpoint: Checkpoint, route: str, text: str, input_ids: list[int]) -> Golden:
    row = encode_batch(checkpoint, route, [text])[0]
    return Golden(route, text, input_ids, row, decoded=_decoded(checkpoint, route, row))


def _decoded(checkpoint: Checkpoint, route: str, row: SparseVector) -> np.ndarray | None:
    """Return what a SparseAutoEncoder makes of a row; with `normalize`, in the space of normalized embeddings.

    Where queries have an autoencoder of their own, decode.onnx is that of documents, and only documents are decoded.
    """
    autoencoder = checkpoint.modules("document")[-1]
    if checkpoint.modules(route)[-1] is not autoencoder:
        return None
    if not isinstance(autoencoder, SparseAutoEncoder):
        return None
    latents = torch.zeros(1, autoencoder.hidden_dim)
    latents[0, row.indices.tolist()] = torch.from_numpy(row.values.copy())
    with torch.no_grad():
        decoded: np.ndarray = autoencoder.decode(latents, {"mu": torch.zeros(()), "std": torch.ones(())})[0].numpy()
    return decoded
