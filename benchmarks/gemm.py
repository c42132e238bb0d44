"""What this machine can do: ONNX Runtime's own matrix products, alone in a graph with constant weights."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
import onnxruntime

KINDS = ("float32", "uint8 x int8")
OPSET, IR_VERSION = 20, 10


@dataclass(frozen=True, slots=True)
class Product:
    """`[rows, inner]` activations times constant `[inner, columns]` weights."""

    rows: int
    inner: int
    columns: int

    @property
    def flops(self) -> int:
        return 2 * self.rows * self.inner * self.columns


def products_for(hidden: int) -> list[Product]:
    """Return the sizes to try: a block of the vocabulary, a feed-forward layer, and squares, which suit GEMM best."""
    return [
        Product(2048, hidden, 240),
        Product(2048, hidden, 4 * hidden),
        Product(1024, 1024, 1024),
        Product(2048, 2048, 2048),
    ]


def measure(kind: str, product: Product, options: onnxruntime.SessionOptions, seconds: float = 0.5) -> float:
    """Return the floating point (or integer) operations a second of the fastest run within `seconds`."""
    session = onnxruntime.InferenceSession(_graph(kind, product), options, providers=["CPUExecutionProvider"])
    shape = (product.rows, product.inner)
    generator = np.random.default_rng(0)
    floats = generator.standard_normal(shape, dtype=np.float32)
    activations = floats if kind == KINDS[0] else generator.integers(0, 256, shape, dtype=np.uint8)
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while len(taken) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, {"activations": activations})
        taken.append(time.perf_counter() - start)
    return product.flops / min(taken)


def _graph(kind: str, product: Product) -> bytes:
    generator = np.random.default_rng(0)
    shape = (product.inner, product.columns)
    constants: list[np.ndarray[Any, Any]]
    if kind == KINDS[0]:
        operator, given, taken = "MatMul", ir.DataType.FLOAT, ir.DataType.FLOAT
        constants = [generator.standard_normal(shape, dtype=np.float32)]
    else:
        operator, given, taken = "MatMulInteger", ir.DataType.UINT8, ir.DataType.INT32
        # 128: int8 that wears uint8's clothes, as in the bundles
        constants = [generator.integers(-127, 128, shape, dtype=np.int8), np.array(128, dtype=np.uint8)]
    activations = ir.Value(name="activations", type=ir.TensorType(given), shape=ir.Shape([None, product.inner]))
    weights = [ir.Value(name=f"c{i}", const_value=ir.tensor(array, name=f"c{i}")) for i, array in enumerate(constants)]
    node = ir.node(operator, [activations, *weights])
    node.outputs[0].name, node.outputs[0].type = "products", ir.TensorType(taken)
    node.outputs[0].shape = ir.Shape([None, product.columns])
    graph = ir.Graph(
        [activations], node.outputs, nodes=[node], initializers=weights, opset_imports={"": OPSET}, name="gemm"
    )
    serialized: bytes = ir.serde.serialize_model(ir.Model(graph, ir_version=IR_VERSION)).SerializeToString()
    return serialized
