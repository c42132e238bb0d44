"""int8 where 8-bit products saturate: no sum of a default graph can, and the other form is computed exactly."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest

from sparse_export import Cpu, ExportOptions, Precision, verify
from sparse_export.graph.quantized import column_scales, quantize_columns
from sparse_export.graph.tape import constant_of
from sparse_export.parity.runtime import EncoderGraph, host
from sparse_export.pipeline.export import export
from support.commands import error_of, run
from support.tiny_checkpoints import save_splade

LARGEST_ACTIVATION, LARGEST_SUM = 255, 2**15 - 1
TEXTS = 20


def largest_sum(weight: np.ndarray) -> int:
    """Return the largest sum in 16 bits that int8 `[rows, columns]` can lead to, whatever the activations."""
    padded = np.concatenate([weight, np.zeros((len(weight) % 2, weight.shape[1]), np.int8)]).astype(np.int32)
    pairs = padded.reshape(-1, 2, weight.shape[1])
    sums = (np.maximum(sign * pairs, 0).sum(axis=1).max() for sign in (1, -1))
    return LARGEST_ACTIVATION * int(max(sums))


def factors(graph: ir.Graph) -> Iterator[np.ndarray]:
    """Yield the int8 weights of every product."""
    for node in graph:
        if node.op_type == "MatMulInteger":
            weight = constant_of(node.inputs[1])
            assert weight is not None
            assert weight.dtype == np.int8
            yield weight


def bundle_of(options: ExportOptions) -> Path:
    export(options)
    return options.output


@pytest.mark.parametrize("family", ["splade", "inference-free", "csr"])
def test_no_sum_of_a_default_graph_leaves_16_bits(real_bundle: Callable[[str, str], Path], family: str) -> None:
    bundle = real_bundle(family, "int8")
    assert json.loads((bundle / "manifest.json").read_text())["cpu"] == "any"
    sums = [largest_sum(weight) for weight in factors(ir.load(bundle / "document.onnx").graph)]
    assert len(sums) > 10
    assert max(sums) <= LARGEST_SUM
    assert max(sums) > 0.97 * LARGEST_SUM  # the grid is no coarser than it must be


@pytest.mark.parametrize("choices", [{"pooling": "sum"}, {"activation": "log1p_relu"}], ids=str)
def test_nor_of_another_head(choices: dict, tmp_path: Path) -> None:
    model = save_splade(tmp_path / "model", **choices)
    bundle = bundle_of(ExportOptions(str(model), tmp_path / "bundle", precision=Precision.INT8))
    assert max(largest_sum(weight) for weight in factors(ir.load(bundle / "document.onnx").graph)) <= LARGEST_SUM


@pytest.mark.parametrize("rows", [1, 2, 3, 16, 127])
@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1, 1e30])
def test_nor_of_any_weights(rows: int, scale: float) -> None:
    """Equal ones, halves that are rounded up, zeros, one that stands out."""
    generator = np.random.default_rng(rows)
    weight = generator.standard_normal((rows, 4000), dtype=np.float32)
    weight[:, :1000] = 1
    weight[:, 1000:2000] = generator.integers(-254, 255, (rows, 1000)) / 4
    weight[:, 2000:2100], weight[0, 2100:2200] = 0, 100
    weight *= np.float32(scale)
    scales = column_scales(weight, Cpu.ANY)
    quantized = quantize_columns(weight, scales)
    assert largest_sum(quantized) <= LARGEST_SUM
    np.testing.assert_allclose(quantized * scales, weight, atol=float(scales.max()) * 0.51)


def test_the_other_form_can_saturate(splade_vnni_bundle: Path) -> None:
    assert json.loads((splade_vnni_bundle / "manifest.json").read_text())["cpu"] == "vnni"
    sums = [largest_sum(weight) for weight in factors(ir.load(splade_vnni_bundle / "document.onnx").graph)]
    assert max(sums) > LARGEST_SUM


def test_a_default_graph_is_exact_on_this_processor(splade_int8_bundle: Path) -> None:
    for line in (splade_int8_bundle / "golden.jsonl").read_text(encoding="utf-8").splitlines()[:TEXTS]:
        ids = np.array([json.loads(line)["input_ids"]], np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        here, exact = (
            EncoderGraph(splade_int8_bundle / "document.onnx", exact).session.run(None, inputs)
            for exact in (False, True)
        )
        for one, other in zip(here, exact, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("older", [False, True])
def test_the_other_form_is_proven_and_verified_exactly(splade_vnni_bundle: Path, tmp_path: Path, older: bool) -> None:
    bundle = shutil.copytree(splade_vnni_bundle, tmp_path / "bundle")
    content = json.loads((bundle / "manifest.json").read_text())
    if older:  # versions before the choice wrote this form and did not say so
        del content["cpu"]
        (bundle / "manifest.json").write_text(json.dumps(content))
    assert content["in_float"] == []
    assert asdict(verify(bundle)["document"]) == content["parity"]["document"]["alone"]
    assert content["parity"]["document"]["alone"]["mean_cosine"] > 0.999


def test_it_is_shown(splade_vnni_bundle: Path, splade_int8_bundle: Path) -> None:
    for bundle, form in ((splade_vnni_bundle, "int8, VNNI"), (splade_int8_bundle, "int8, any processor")):
        assert form in run("inspect", bundle).stdout
        assert f"precision {form}" in (bundle / "README.md").read_text(encoding="utf-8")
    assert "x64quantprecision" in (splade_vnni_bundle / "README.md").read_text(encoding="utf-8")
    assert "x64quantprecision" not in (splade_int8_bundle / "README.md").read_text(encoding="utf-8")


def test_where_it_was_proven_is_told(splade_int8_bundle: Path) -> None:
    proven = json.loads((splade_int8_bundle / "manifest.json").read_text())["proven_on"]
    assert proven == asdict(host())
    assert proven["onnxruntime"] == onnxruntime.__version__
    for shown in (
        run("inspect", splade_int8_bundle).stdout,
        run("verify", splade_int8_bundle).stdout,
        (splade_int8_bundle / "README.md").read_text(encoding="utf-8"),
    ):
        assert proven["processor"] in shown
        assert f"onnxruntime {onnxruntime.__version__}" in shown


def test_it_is_a_choice_of_int8_alone(splade_tiny: Path, tmp_path: Path) -> None:
    error = error_of("--model", splade_tiny, "--output", tmp_path / "bundle", "--quantize", "fp16", "--cpu", "vnni")
    assert "--cpu vnni is a choice of int8 alone, not of fp16" in error
    assert not (tmp_path / "bundle").exists()
