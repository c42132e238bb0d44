"""Who is compared on what: the models, the contenders, and how each is made ready."""

import sys
from dataclasses import dataclass
from pathlib import Path

from contender import REFERENCE, Contender
from encode import bundle_path, export
from environments import python_of, run
from passages import ROOT

EXPORTED = ROOT / "build" / "bench" / "peers"


@dataclass(frozen=True, slots=True)
class Model:
    """How one model is measured.

    Attributes:
        texts: how many are encoded in a round, by their mean number of words; lengths that the model takes.
        warm_up: how many are encoded before that: less than a batch where a batch takes seconds.
    """

    texts: dict[int, int]
    warm_up: int


BATCH_SIZE = 32
"""Texts encoded at a time."""
LENGTHS = (8, 90, 400, 4000)
"""Mean words of a text."""
MODELS = {
    "splade-tiny": Model({8: 256, 90: 96, 400: 32}, 32),
    "minilm-size": Model({8: 128, 90: 64, 400: 32}, 8),
    "distilbert-size": Model({8: 64, 90: 32, 400: 32}, 4),
    "bert-base-size": Model({8: 32, 90: 32, 400: 32}, 2),
    "minilm-long": Model({400: 8, 4000: 4}, 1),
}


@dataclass(frozen=True, slots=True)
class Peer:
    """A library, and what it reads.

    Attributes:
        library: which of `encoders.LOADERS` loads it.
        environment: the list of its requirements; None is the environment of this process.
        weights: the model's files in its folder, as a pattern; `onnx` takes it as the one to load.
        backend: of sentence-transformers, whose exporter writes the folder; empty where the checkpoint is read.
        inside: where in that folder the peer looks.
    """

    library: str
    environment: str | None
    weights: str
    backend: str = ""
    inside: str = ""


BACKENDS = {"onnx": "sentence-transformers-onnx", "openvino": "sentence-transformers-openvino"}
PEERS = {
    REFERENCE: Peer("torch", None, "*.safetensors"),
    "st-onnx": Peer("onnx", BACKENDS["onnx"], "onnx/model.onnx", "onnx"),
    "st-onnx-int8": Peer("onnx", BACKENDS["onnx"], "onnx/model_int8.onnx", "onnx"),
    "st-openvino": Peer("openvino", BACKENDS["openvino"], "openvino/*", "openvino"),
    "fastembed": Peer("fastembed", "fastembed", "model.onnx", "onnx", "onnx"),
}
OURS = {"ours-fp32": "fp32", "ours-int8": "int8"}
CONTENDERS = (*PEERS, *OURS)


def make_ready(name: str, model: str, checkpoint: Path, threads: int | None, reuse: bool) -> Contender:
    """Install a contender's environment and write its files, where they are not there yet; ours unless `reuse`.

    Raises:
        ContenderError: something failed; its last lines say what.
    """
    if name in OURS:
        export(checkpoint, model, OURS[name], reuse)
        python = python_of("sparse-client")
        return Contender(name, "sparse_client", bundle_path(model, OURS[name]), BATCH_SIZE, threads, python=python)
    peer = PEERS[name]
    path = _exported(peer.backend, model, checkpoint) / peer.inside if peer.backend else checkpoint
    python = python_of(peer.environment) if peer.environment else Path(sys.executable)
    return Contender(name, peer.library, path, BATCH_SIZE, threads, peer.weights, python)


def _exported(backend: str, model: str, checkpoint: Path) -> Path:
    output = EXPORTED / model / backend
    if not output.exists():
        script = ROOT / "benchmarks" / "peer_export.py"
        what = f"Exporting {model} for sentence-transformers' {backend} backend"
        run(what, python_of(BACKENDS[backend]), script, backend, checkpoint, output)
    return output
