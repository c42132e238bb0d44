"""What a contender does in its process: load a library's encoder, encode texts, look at the clock.

Runs in the environments of others, so every library is imported by the loader that needs it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from typing import Any

from contender import Round
from resources import Stopwatch, peak_memory

Pair = tuple[list[int], list[float]]
Encoder = tuple[Callable[[list[str]], Any], Callable[[Any], list[Pair]]]
"""A function from texts to the library's vectors, and one from these to indices and weights."""

ALONE_SECONDS, FEWEST_ALONE, MOST_ALONE = 1.0, 3, 100
"""Texts are encoded alone for so long, but at least and at most so many."""


def prepare_encoder(library: str, **settings: Any) -> Callable[..., dict[str, Any]]:
    """Load a contender and return the function that encodes texts once."""
    encode, pairs = LOADERS[library](**settings)

    def measure(texts: list[str], warm_up: int = 0, alone: bool = False, vectors: int = 0) -> dict[str, Any]:
        """Encode all texts in batches, then some alone.

        Args:
            texts: to be encoded.
            warm_up: so many of them are encoded before, which pays for lazy set-up and the first growth of memory.
            alone: whether to time texts alone, too.
            vectors: so many of the results come back.
        """
        if warm_up:
            encode(texts[:warm_up])
        stopwatch = Stopwatch()
        encoded = encode(texts)
        seconds, others = stopwatch.stop()
        found = pairs(encoded)
        active = sum(len(indices) for indices, _ in found) / len(found)
        times = _alone(encode, texts) if alone else []
        return asdict(Round(seconds, others, peak_memory(), active, times, found[:vectors]))

    return measure


def _alone(encode: Callable[[list[str]], Any], texts: list[str]) -> list[float]:
    """Return the milliseconds of every text that was encoded alone."""
    encode(texts[:1])
    taken: list[float] = []
    end = time.perf_counter() + ALONE_SECONDS
    for text in cycle(texts):
        start = time.perf_counter()
        encode([text])
        taken.append((time.perf_counter() - start) * 1000)
        if len(taken) == MOST_ALONE or (len(taken) >= FEWEST_ALONE and time.perf_counter() > end):
            return taken
    return taken


def _torch(path: str, batch_size: int, threads: int | None, **_: Any) -> Encoder:
    return _sentence_transformers(path, batch_size, threads)


def _onnx(path: str, batch_size: int, threads: int | None, weights: str) -> Encoder:
    import onnxruntime

    session = onnxruntime.SessionOptions()
    session.intra_op_num_threads = threads or 0
    settings = {"file_name": weights, "provider": "CPUExecutionProvider", "session_options": session}
    return _sentence_transformers(path, batch_size, threads, backend="onnx", model_kwargs=settings)


def _openvino(path: str, batch_size: int, threads: int | None, **_: Any) -> Encoder:
    settings = {"ov_config": {"INFERENCE_NUM_THREADS": threads} if threads else {}}
    return _sentence_transformers(path, batch_size, threads, backend="openvino", model_kwargs=settings)


def _sentence_transformers(path: str, batch_size: int, threads: int | None, **settings: Any) -> Encoder:
    import torch
    from sentence_transformers import SparseEncoder

    if threads:
        torch.set_num_threads(threads)
    model = SparseEncoder(path, device="cpu", **settings)

    def pairs(vectors: Any) -> list[Pair]:
        rows = (vector.coalesce() for vector in vectors)
        return [(row.indices()[0].tolist(), row.values().tolist()) for row in rows]

    return lambda texts: model.encode_document(texts, batch_size=batch_size), pairs


def _fastembed(path: str, batch_size: int, threads: int | None, **_: Any) -> Encoder:
    from fastembed import SparseTextEmbedding

    # The class is chosen by the name of a model that it knows; the folder says which one it is.
    model = SparseTextEmbedding("prithivida/Splade_PP_en_v1", threads=threads, specific_model_path=str(Path(path)))
    return lambda texts: list(model.embed(texts, batch_size=batch_size)), _pairs


def _sparse_client(path: str, batch_size: int, threads: int | None, **_: Any) -> Encoder:
    from sparse_client import LocalEncoder

    return LocalEncoder(path, threads=threads, batch_size=batch_size).encode_documents, _pairs


def _pairs(vectors: Sequence[Any]) -> list[Pair]:
    return [(vector.indices.tolist(), vector.values.tolist()) for vector in vectors]


LOADERS: dict[str, Callable[..., Encoder]] = {
    "torch": _torch,
    "onnx": _onnx,
    "openvino": _openvino,
    "fastembed": _fastembed,
    "sparse_client": _sparse_client,
}
