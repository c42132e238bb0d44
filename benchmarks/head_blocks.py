"""The vocabulary projection alone, by columns of a block and by order: what `BLOCK` of graph/head.py rests on.

Each figure is the fastest of several runs that alternate between all blocks; operations are those of the product.
"""

import argparse
import sys
import time
from typing import Any

import numpy as np
import onnx_ir as ir
import onnxruntime
from rich.console import Console
from rich.table import Table

import gemm
from sparse_export.graph import vocabulary_head as heads
from sparse_export.graph.projection import Matrix
from sparse_export.graph.quantized import QuantizedStates, column_scales, quantize_columns
from sparse_export.graph.tape import GraphTape, finish
from sparse_export.graph.vocabulary_head import VocabularyHead
from sparse_export.options import Precision

VOCABULARY = 30_522
SIGN = 128  # int8 as uint8, with 128 for 0


class WeightFirst(VocabularyHead):
    """The same head with `W hᵀ` in place of `h W`; the maximum is then over neighbouring values."""

    def _max_pool(self, tape: GraphTape, states: ir.Value, mask: ir.Value, matrix: Matrix) -> ir.Value:
        del mask
        scales = column_scales(matrix.weight, matrix.cpu)
        quantized = QuantizedStates.per_text(tape, states) if matrix.precision is Precision.INT8 else None
        columns = tape.op("Transpose", quantized.values if quantized else states, perm=[0, 2, 1])
        pooled = []
        for block in self._blocks():
            weight = np.ascontiguousarray(self.weight[:, block].T)
            if quantized:
                rows = (quantize_columns(weight.T, scales[block]).T.astype(np.int16) + SIGN).astype(np.uint8)
                zero = tape.constant(np.uint8(SIGN), "zero_point")
                products = tape.op("MatMulInteger", tape.constant(rows, f"w{block.start}"), columns, zero, zero)
            else:
                products = tape.op("MatMul", tape.constant(weight, f"w{block.start}"), columns)
            pooled.append(tape.op("ReduceMax", products, tape.constant([2], "axis_2"), keepdims=0))
        largest = tape.op("Concat", *pooled, axis=1)
        if quantized:
            largest = quantized.pooled(tape).dequantize(tape, largest, scales, "head")
        return self._activate(tape, tape.op("Add", largest, tape.constant(self.bias, "head.bias")))


ORDERS: dict[str, type[VocabularyHead]] = {"h W": VocabularyHead, "W hᵀ": WeightFirst}


def main() -> None:
    options = _parse_options()
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.enable_mem_pattern = False
    for hidden in options.hidden:
        peaks = dict.fromkeys(gemm.KINDS, 0.0)
        table = Table(title=f"Head of {hidden} x {VOCABULARY}, {options.tokens} tokens: GOP/s and share of the peak")
        names = [str(block) if block < VOCABULARY else "whole" for block in options.blocks]
        for column in ("batch", "kind", "order", *names):
            table.add_column(column, justify="right")
        rows = []
        for kind, precision in zip(gemm.KINDS, (Precision.FP32, Precision.INT8), strict=True):
            for batch in options.batches:
                for order in options.orders:
                    sessions = [_open(ORDERS[order], hidden, block, precision, settings) for block in options.blocks]
                    rows.append((batch, kind, order, _speeds(sessions, (batch, options.tokens, hidden), options)))
                    del sessions
            speeds = [gemm.measure(kind, product, settings) for product in gemm.products_for(hidden)]
            peaks[kind] = max(speeds)
        for batch, kind, order, speeds in rows:
            cells = [f"{speed / 1e9:.0f} ({speed / peaks[kind]:.0%})" for speed in speeds]
            table.add_row(str(batch), kind, order, *cells)
        Console(width=None if sys.stdout.isatty() else 140).print(table)
        print("  peak: " + ", ".join(f"{kind} {peak / 1e9:.0f}" for kind, peak in peaks.items()) + " GOP/s", flush=True)


def _parse_options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--hidden", nargs="+", type=int, default=[128, 384, 768])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--tokens", type=int, default=120)
    parser.add_argument("--blocks", nargs="+", type=int, default=[120, 240, 480, 960, 1920, VOCABULARY])
    parser.add_argument("--orders", nargs="+", choices=ORDERS, default=list(ORDERS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6.0, help="for each row of the table")
    return parser.parse_args()


def _open(
    kind: type[VocabularyHead], hidden: int, block: int, precision: Precision, settings: onnxruntime.SessionOptions
) -> onnxruntime.InferenceSession:
    generator = np.random.default_rng(0)
    weight = generator.standard_normal((hidden, VOCABULARY), dtype=np.float32)
    states = ir.Value(name="hidden", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(["b", "s", hidden]))
    mask = ir.Value(name="mask", type=ir.TensorType(ir.DataType.INT64), shape=ir.Shape(["b", "s"]))
    graph = ir.Graph([states, mask], [states, mask], nodes=[], opset_imports={"": gemm.OPSET}, name="head")
    model = ir.Model(graph, ir_version=gemm.IR_VERSION)
    before, heads.BLOCK = heads.BLOCK, block
    kind(weight, np.zeros(VOCABULARY, np.float32), "max", "relu").attach(model, precision)
    heads.BLOCK = before
    finish(model)
    serialized = ir.to_proto(model).SerializeToString()
    return onnxruntime.InferenceSession(serialized, settings, providers=["CPUExecutionProvider"])


def _speeds(sessions: list[onnxruntime.InferenceSession], shape: tuple[int, int, int], options: Any) -> list[float]:
    """Return operations a second of each session, its fastest run of all."""
    generator = np.random.default_rng(0)
    inputs = {
        "hidden": generator.standard_normal(shape, dtype=np.float32),
        "mask": np.ones(shape[:2], np.int64),
    }
    taken: list[list[float]] = [[] for _ in sessions]
    end = time.perf_counter() + options.seconds
    while len(taken[0]) < 3 or time.perf_counter() < end:
        for session, times in zip(sessions, taken, strict=True):
            for _ in range(3):
                start = time.perf_counter()
                session.run(None, inputs)
                times.append(time.perf_counter() - start)
    batch, tokens, hidden = shape
    return [2 * batch * tokens * hidden * VOCABULARY / min(times) for times in taken]


if __name__ == "__main__":
    main()
