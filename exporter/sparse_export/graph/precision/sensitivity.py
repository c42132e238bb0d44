"""Which products suffer most from int8: what the manifest reports, and the order in which they go back to float."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx_ir as ir
import onnxruntime

from sparse_export.graph.head import Head
from sparse_export.graph.precision.int8 import is_linear
from sparse_export.graph.quantized import LEVELS, TINY, column_scales, quantize_columns
from sparse_export.graph.tape import save
from sparse_export.options import Cpu

COLUMNS = 2048
HEAD = "head"  # stands for the vocabulary projection, which is not in the graph of hidden states


def rank(
    model: ir.Model, head: Head, batches: Sequence[dict[str, np.ndarray]], cpu: Cpu, external_data_bytes: int
) -> list[tuple[str, float]]:
    """Return (node name, relative error of its int8 output) of every product, largest error first.

    Args:
        model: The float32 graph of hidden states; it is not changed.
        head: What comes after that graph, named `HEAD` in the result.
        batches: Inputs of the graph, `input_ids` and `attention_mask` int64 `[1, sequence]`, of real texts.
        cpu: The processors that the products are for.
        external_data_bytes: Weights beyond this size go to a side file while they are looked at.
    """
    probe = model.clone()
    hidden = probe.graph.outputs[0]
    nodes = [node for node in probe.graph if is_linear(node)]
    products = [(str(node.name), node.inputs[0], node.inputs[1].const_value.numpy()) for node in nodes]  # type: ignore[union-attr]
    if head.weight is not None:
        products.append((HEAD, hidden, head.weight))
    sources = list(dict.fromkeys(source for _, source, _ in products))
    probe.graph.outputs[:] = [source for source in sources if source is not None]
    error, power = np.zeros(len(products)), np.full(len(products), float(TINY))
    with tempfile.TemporaryDirectory() as folder:  # as bytes, a graph ends at 2 GiB
        save(probe, Path(folder) / "probe.onnx", external_data_bytes)
        session = onnxruntime.InferenceSession(Path(folder) / "probe.onnx", providers=["CPUExecutionProvider"])
    for batch in batches:
        states = dict(zip(sources, session.run(None, batch), strict=True))
        for index, (name, source, weight) in enumerate(products):
            rows = states[source].reshape(-1, weight.shape[0])
            largest = np.abs(rows).max(axis=(0, 1) if name == HEAD and head.per_text else 1, keepdims=True)
            bias = head.relu_bias if name == HEAD else None
            lost, whole = _squares(rows, np.maximum(largest, TINY) / LEVELS, _Product(weight, bias, cpu))
            error[index] += lost
            power[index] += whole
    relative = np.sqrt(error / power)
    return [(products[index][0], float(relative[index])) for index in np.argsort(-relative, kind="stable")]


def steps(ranking: Sequence[tuple[str, float]]) -> Iterator[frozenset[str]]:
    """Yield what stays in float: the most sensitive product, then twice as many each time, all but one at the end."""
    if len(ranking) < 2:  # with its one product in float, nothing of int8 would be left
        return
    counts = [2**power for power in range(len(ranking)) if 2**power < len(ranking) - 1]
    for count in [*counts, len(ranking) - 1]:
        yield frozenset(name for name, _ in ranking[:count])


@dataclass(frozen=True, slots=True)
class _Product:
    """A product of states.

    Attributes:
        weight: float32 `[dim, columns]`.
        relu_bias: float32 `[columns]`, added before a relu; None where the product itself goes on.
        cpu: The processors that it is for.
    """

    weight: np.ndarray
    relu_bias: np.ndarray | None
    cpu: Cpu


def _squares(states: np.ndarray, steps: np.ndarray, product: _Product) -> tuple[float, float]:
    """Return the squares of what int8 loses of `[tokens, columns]` and of the whole, each summed up.

    Of logits only what a relu leaves counts. Where that is little, the same error weighs more.
    Some columns at a time: all logits of a batch of long texts are gigabytes.
    """
    quantized = np.rint(states / steps)
    lost = whole = 0.0
    for start in range(0, product.weight.shape[1], COLUMNS):
        block = product.weight[:, start : start + COLUMNS]
        columns = column_scales(block, product.cpu)
        exact = states @ block
        rounded = quantized @ quantize_columns(block, columns).astype(np.float32) * steps * columns
        if product.relu_bias is not None:
            bias = product.relu_bias[start : start + COLUMNS]
            exact, rounded = np.maximum(exact + bias, 0), np.maximum(rounded + bias, 0)
        lost += float(np.square(exact - rounded).sum())
        whole += float(np.square(exact).sum())
    return lost, whole
