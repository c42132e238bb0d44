"""The judge is judged: what is broken on purpose must turn it red."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from sparse_client.bundle.reader import open_bundle
from sparse_client.vectors import SparseVector
from sparse_export import ExportOptions, Precision
from sparse_export.checkpoint.load import Checkpoint, read_checkpoint
from sparse_export.errors import ParityError
from sparse_export.golden_texts import REAL_TEXTS
from sparse_export.graph.precision.sensitivity import rank
from sparse_export.graph.tape import GraphTape, save
from sparse_export.graph.vocabulary_head import VocabularyHead
from sparse_export.options import Cpu
from sparse_export.parity import promise, proof
from sparse_export.plan.build_graph import assemble
from sparse_export.plan.families import Plan, plan


@pytest.fixture(scope="module")
def case(splade_tiny: Path) -> tuple[Checkpoint, Plan, proof.Samples]:
    options = ExportOptions(model=str(splade_tiny), output=Path("unused"))
    checkpoint = read_checkpoint(options)
    samples = proof.text_samples(checkpoint, "document", ("", "a", *REAL_TEXTS[:14]))
    return checkpoint, plan(checkpoint, options.opset), samples


def prove(
    case: tuple[Checkpoint, Plan, proof.Samples], change: Callable[[ir.Graph], None], path: Path, precision: str
) -> None:
    _, planned, samples = case
    options = ExportOptions(model="unused", output=path, precision=Precision(precision))
    model, _ = assemble(planned.document, options, None)
    change(model.graph)
    save(model, path / "document.onnx", options.external_data_bytes)
    reports = proof.prove(path / "document.onnx", {"document": samples}, options.precision)
    proof.check(reports, options.precision)


def weight_changed(graph: ir.Graph) -> None:
    value = next(value for name, value in graph.initializers.items() if "output.dense.bias" in name)
    changed = value.const_value.numpy().copy()
    changed[0] += 4
    value.const_value = ir.tensor(changed, name=value.name)


def mask_dropped(graph: ir.Graph) -> None:
    """Give every reader of the mask a mask of ones."""
    mask = next(value for value in graph.inputs if value.name == "attention_mask")
    uses = mask.uses()
    ones = GraphTape(graph, before=next(iter(graph))).op(
        "Sign", GraphTape(graph, before=next(iter(graph))).op("Add", mask, GraphTape(graph).constant([1], "axis_1"))
    )
    graph.sort()
    for node, index in uses:
        node.replace_input_with(index, ones)


def rows_swapped(graph: ir.Graph) -> None:
    """Exchange the embeddings of `the` and `weather`."""
    tables = [value for value in graph.initializers.values() if value.shape and value.shape[0] == 30522]
    value = max(tables, key=lambda value: value.const_value.size)
    changed = value.const_value.numpy().copy()
    changed[[1996, 4633]] = changed[[4633, 1996]]
    value.const_value = ir.tensor(changed, name=value.name)


def untouched(graph: ir.Graph) -> None:
    del graph


@pytest.mark.parametrize("precision", list(Precision))
def test_an_intact_graph_passes(case: tuple[Checkpoint, Plan, proof.Samples], precision: str, tmp_path: Path) -> None:
    prove(case, untouched, tmp_path, precision)


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("damage", [weight_changed, mask_dropped, rows_swapped])
def test_a_broken_graph_fails(
    case: tuple[Checkpoint, Plan, proof.Samples], damage: Callable[[ir.Graph], None], precision: str, tmp_path: Path
) -> None:
    with pytest.raises(ParityError, match="differs from PyTorch"):
        prove(case, damage, tmp_path, precision)


def test_a_neighbour_changes_nothing(splade_int8_bundle: Path) -> None:
    import json

    content = json.loads((splade_int8_bundle / "manifest.json").read_text())
    assert content["parity"]["document"]["neighbours"]["max_difference"] <= 1e-3


def test_int8_of_the_real_model_keeps_its_stricter_promise(splade_int8_bundle: Path) -> None:
    import json

    content = json.loads((splade_int8_bundle / "manifest.json").read_text())
    assert content["in_float"] == []
    for name in ("alone", "padded"):
        report = content["parity"]["document"][name]
        assert report["mean_cosine"] >= 0.998
        assert report["worst_cosine"] >= 0.99
        assert report["overlap"] >= 0.97


def test_a_foreign_tokenizer_is_found(splade_bundle: Path) -> None:
    route = open_bundle(splade_bundle).manifest.routes["document"]
    with pytest.raises(ParityError, match="tokenizer.json gives"):
        proof.check_tokenizer(splade_bundle, route, {"hello": [101, 1, 102]})


def test_the_most_damaged_product_ranks_first(case: tuple[Checkpoint, Plan, proof.Samples]) -> None:
    _, planned, samples = case
    model = planned.document.states.clone()
    node = [node for node in model.graph if node.op_type == "MatMul"][3]
    weight = node.inputs[1].const_value.numpy().copy()
    weight[0] *= 300  # one input outweighs the rest of its columns, so 8 bits leave little for them
    node.inputs[1].const_value = ir.tensor(weight, name=node.inputs[1].name)
    batches = [batch.inputs for batch in samples.batches]
    ranking = rank(model, planned.document.head, batches, Cpu.ANY, 0)  # its weights in a side file
    # The head of what is no longer a model suffers, too: its relu leaves little.
    assert [name for name, _ in ranking if name != "head"][0] == node.name


def test_of_logits_only_what_relu_leaves_counts() -> None:
    """A bias that takes most of each logit away makes the head more sensitive, though its product is the same."""
    draw = np.random.default_rng(0)
    table = ir.tensor(draw.normal(size=(50, 32)).astype(np.float32), name="table")
    model = ir.from_onnx_text(
        """<ir_version: 10, opset_import: ["": 18]>
        g (int64[b, s] input_ids, int64[b, s] attention_mask, float[50, 32] table) => (float[b, s, h] states) {
          states = Gather (table, input_ids)
        }"""
    )
    value = model.graph.inputs.pop()
    value.const_value = table
    model.graph.initializers.add(value)
    ids = np.arange(50)[None]
    batches = [{"input_ids": ids, "attention_mask": np.ones_like(ids)}]
    weight = draw.normal(size=(32, 500)).astype(np.float32)
    errors = []
    for bias in (0.0, -16.0):
        head = VocabularyHead(weight, np.full(500, bias, np.float32), "max", "relu")
        ((name, error),) = rank(model, head, batches, Cpu.ANY, 2**31)
        assert name == "head"
        errors.append(error)
    assert errors[1] > 2 * errors[0]


@pytest.mark.parametrize(
    ("one", "other", "cosine", "overlap"),
    [
        (([3], [1.0]), ([], []), 0.0, 0.0),
        (([], []), ([3], [1.0]), 0.0, 0.0),
        (([3, 1], [2.0, 1.0]), ([3, 1], [2.0, 1.0]), 1.0, 1.0),
        (([3, 1], [1.0, 1.0]), ([3, 2], [1.0, 1.0]), 0.5, 0.5),
        # As many of the graph's as PyTorch has: where PyTorch has few, a graph with many is not forgiven their order.
        (([3], [1.0]), ([2, 3], [2.0, 1.0]), 0.2**0.5, 0.0),
        (([3, 2], [1.0, 1.0]), ([3], [1.0]), 0.5**0.5, 0.5),
    ],
)
def test_figures(one: tuple[list, list], other: tuple[list, list], cosine: float, overlap: float) -> None:
    rows = [SparseVector(np.array(indices, np.int32), np.array(values, np.float32)) for indices, values in (one, other)]
    empty = SparseVector(np.zeros(0, np.int32), np.zeros(0, np.float32))  # on both sides: in no mean
    report = promise.compare([rows[0], empty], [rows[1], empty])
    assert (report.texts, report.empty) == (2, 1)
    assert report.mean_cosine == pytest.approx(cosine)
    assert report.overlap == overlap


def row_of(**weights: float) -> SparseVector:
    dense = np.zeros(8, np.float32)
    for name, weight in weights.items():
        dense[int(name[1:])] = weight
    return SparseVector.of_dense(dense)


def test_texts_that_are_all_empty_prove_nothing() -> None:
    with pytest.raises(ParityError, match="All of 2 texts have empty vectors"):
        promise.compare([row_of(), row_of()], [row_of(), row_of()])


@pytest.mark.parametrize(
    ("precision", "gap", "ties"),
    [("fp32", 5e-6, 2), ("fp32", 2e-5, 0), ("fp16", 5e-4, 2), ("fp16", 2e-3, 0), ("int8", 5e-6, 0)],
)
def test_a_cut_excuses_rounding_alone(precision: str, gap: float, ties: int) -> None:
    """Two dimensions at the cut change places; cosine and overlap stay those of the vectors as they are."""
    left, right = row_of(d1=1.0, d2=0.5), row_of(d1=1.0, d3=0.5 + gap)
    report = promise.compare([left], [right], Precision(precision), limit=2)
    assert report.cut_ties == ties
    assert report.max_difference == pytest.approx(0.0 if ties else 0.5, abs=1e-2)
    assert report.mean_cosine == pytest.approx(0.8, abs=1e-2)
    assert report.overlap == 0.5
    assert promise.compare([left], [right], Precision(precision)).cut_ties == 0, "without a limit nothing is cut"
