"""Every backbone of the list against sentence-transformers, in every precision, padded either way."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sparse_client.parity.distance import Distance
from sparse_client.parity.replay import verify
from sparse_client.vectors import SparseVector
from sparse_export import ExportOptions, Precision
from sparse_export.checkpoint.load import Checkpoint, read_checkpoint
from sparse_export.errors import UnsupportedCheckpointError
from sparse_export.graph import attention
from sparse_export.graph.backbones import TESTED
from sparse_export.graph.tape import save
from sparse_export.parity import promise
from sparse_export.parity.runtime import EncoderGraph
from sparse_export.pipeline.export import export
from sparse_export.plan import families
from sparse_export.plan.build_graph import assemble
from sparse_export.plan.families import Tower
from support.tiny_checkpoints import CONFIGS, VOCABULARY, save_masked_lm

Case = tuple[ExportOptions, Checkpoint, Tower]
# Tiny random models are harder on int8 than trained ones: 32 hidden units leave no redundancy.
INT8_MEAN_COSINE = 0.99


@pytest.fixture(scope="module")
def towers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Case]:
    @cache
    def tower(model_type: str) -> Case:
        folder = save_masked_lm(tmp_path_factory.mktemp("backbones") / model_type, model_type)
        options = ExportOptions(model=str(folder), output=folder / "unused")
        checkpoint = read_checkpoint(options)
        return options, checkpoint, families.plan(checkpoint, options.opset).document

    return tower


def batches() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return token ids and masks: alone, and three lengths padded on the right and on the left."""
    generator = np.random.default_rng(0)
    ids = generator.integers(5, len(VOCABULARY), (3, 40))
    right, left = np.ones_like(ids), np.ones_like(ids)
    for row, length in enumerate((40, 23, 2)):
        right[row, length:] = 0
        left[row, : 40 - length] = 0
    return {
        "one token": (ids[:1, :1], np.ones((1, 1), np.int64)),
        "alone": (ids[:1], np.ones((1, 40), np.int64)),
        "right": (ids * right, right),
        "left": (ids * left, left),
    }


def inputs(ids: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
    return {"input_ids": ids, "attention_mask": mask}


def pytorch(checkpoint: Checkpoint, ids: np.ndarray, mask: np.ndarray) -> list[SparseVector]:
    features = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    with torch.inference_mode():
        return [SparseVector.of_dense(row) for row in checkpoint.encoder(features)["sentence_embedding"].numpy()]


def compared(case: Case, precision: Precision, tmp_path: Path) -> dict[str, Distance]:
    options, checkpoint, tower = case
    chosen = ExportOptions(model=options.model, output=options.output, precision=precision)
    path = tmp_path / "document.onnx"
    save(assemble(tower, chosen, None)[0], path, options.external_data_bytes)
    graph = EncoderGraph(path)
    return {
        name: promise.compare(pytorch(checkpoint, *batch), graph.run(inputs(*batch)))
        for name, batch in batches().items()
    }


def test_every_type_of_the_list_has_a_checkpoint() -> None:
    assert set(CONFIGS) == TESTED
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"{len(TESTED)} backbones are tested" in readme


@pytest.mark.parametrize("name", attention.CHANGING)
def test_what_the_attention_node_does_not_have_is_refused(name: str) -> None:
    states = torch.ones(1, 2, 3, 4)
    with pytest.raises(UnsupportedCheckpointError, match=f"Linear gives its attention {name}, which"):
        attention._attend(torch.nn.Linear(1, 1), states, states, states, torch.ones(1, 3), **{name: 1.0})


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("model_type", CONFIGS)
def test_parity(towers: Callable[[str], Case], model_type: str, precision: Precision, tmp_path: Path) -> None:
    reports = compared(towers(model_type), precision, tmp_path)
    assert all(report.reference_active > 10 for report in reports.values()), "an empty vector would prove nothing"
    if precision is Precision.INT8:
        assert all(report.mean_cosine >= INT8_MEAN_COSINE for report in reports.values()), reports
    else:
        promise.check(reports, precision)


@pytest.mark.parametrize("model_type", CONFIGS)
def test_attention_is_fused(towers: Callable[[str], Case], model_type: str) -> None:
    _, checkpoint, tower = towers(model_type)
    operators = [node.op_type for node in tower.states.graph]
    layers = checkpoint.encoder[0].model.config.num_hidden_layers
    assert operators.count("MultiHeadAttention") == (layers if tower.backbone.fused_attention else 0)
    own = layers * (2 if model_type == "convbert" else 1)  # which has one over the weights of its convolutions, too
    assert operators.count("Softmax") == (0 if tower.backbone.fused_attention else own)


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("model_type", CONFIGS)
def test_row_with_nothing_unmasked_is_empty(
    towers: Callable[[str], Case], model_type: str, precision: Precision, tmp_path: Path
) -> None:
    options, _, tower = towers(model_type)
    chosen = ExportOptions(model=options.model, output=options.output, precision=precision)
    path = tmp_path / "document.onnx"
    save(assemble(tower, chosen, None)[0], path, options.external_data_bytes)
    graph = EncoderGraph(path)
    ids, mask = batches()["alone"]
    together = graph.run(inputs(np.repeat(ids, 2, axis=0), np.stack([mask[0], np.zeros_like(mask[0])])))
    assert len(together[1].indices) == 0
    np.testing.assert_array_equal(together[0].indices, graph.run(inputs(ids, mask))[0].indices)
    empty = np.zeros((1, 0), np.int64)
    assert [len(row.indices) for row in graph.run(inputs(empty, empty))] == [0]


@pytest.mark.parametrize("model_type", CONFIGS)
def test_a_row_does_not_depend_on_its_padding(towers: Callable[[str], Case], model_type: str, tmp_path: Path) -> None:
    options, _, tower = towers(model_type)
    path = tmp_path / "document.onnx"
    save(assemble(tower, options, None)[0], path, options.external_data_bytes)
    graph = EncoderGraph(path)
    ids, mask = batches()["right"]
    alone = [
        graph.run(inputs(row[None, :length], np.ones((1, length), np.int64)))[0]
        for row, length in zip(ids, mask.sum(axis=1), strict=True)
    ]
    promise.check({"padded": promise.compare(alone, graph.run(inputs(ids, mask)))}, Precision.FP32)


def test_trigrams_read_no_padding(tmp_path: Path) -> None:
    """A trained MobileBERT has an embedding of [PAD] that is not zero, and a token reads its neighbours'."""
    folder = save_masked_lm(tmp_path / "model", "mobilebert")
    weights = load_file(folder / "model.safetensors")
    weights["mobilebert.embeddings.word_embeddings.weight"][0] = 1.0
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    export(ExportOptions(str(folder), tmp_path / "bundle"))
    assert verify(tmp_path / "bundle").passed
