"""ONNX Runtime's profile, summed by operator."""

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gemm import KINDS

PRODUCTS = ("MatMul", "Gemm")


@dataclass(slots=True)
class Share:
    """All calls of one operator.

    Attributes:
        operator: its name.
        kind: one of `gemm.KINDS`.
        flops_by_width: operations of products with weights, by their inner dimension; products of two activations
            (attention) are not counted, nor are those inside fused attention.
    """

    operator: str
    kind: str
    seconds: float = 0.0
    calls: int = 0
    flops_by_width: Counter[int] = field(default_factory=Counter)

    @property
    def flops(self) -> int:
        return self.flops_by_width.total()


def shares_of(profile: Path) -> list[Share]:
    """Return what each operator took, most first."""
    shares: dict[str, Share] = {}
    for event in json.loads(profile.read_text("utf-8")):
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time"):
            _add(shares, event)
    return sorted(shares.values(), key=lambda share: -share.seconds)


def _add(shares: dict[str, Share], event: dict[str, Any]) -> None:
    operator, inputs = event["args"]["op_name"], event["args"]["input_type_shape"]
    kind = KINDS[any(shape.keys() & {"uint8", "int8"} for shape in inputs)]
    share = shares.setdefault(operator, Share(operator, kind))
    share.seconds += event["dur"] / 1e6
    share.calls += 1
    if any(name in operator for name in PRODUCTS):
        width, flops = _flops(inputs, event["args"]["output_type_shape"])
        share.flops_by_width[width] += flops


def _flops(inputs: list[dict[str, list[int]]], outputs: list[dict[str, list[int]]]) -> tuple[int, int]:
    """Return inner dimension and operations; weights that were packed at load are not among the inputs."""
    shapes = [next(iter(shape.values())) for shape in inputs]
    both_activations = len(shapes) > 1 and len(shapes[0]) > 2 and len(shapes[1]) > 2
    produced = math.prod(next(iter(outputs[0].values())))
    return shapes[0][-1], 0 if both_activations else 2 * produced * shapes[0][-1]
