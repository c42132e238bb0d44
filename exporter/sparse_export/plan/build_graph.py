"""From a tower to the graph of one precision; the passes of each precision, in order, as data."""

from __future__ import annotations

from collections.abc import Callable

import onnx_ir as ir

from sparse_export.graph import residual, unpadded
from sparse_export.graph.precision import fp16, int8
from sparse_export.graph.precision.sensitivity import HEAD
from sparse_export.graph.tape import finish, stamp
from sparse_export.options import Cpu, ExportOptions, Precision
from sparse_export.plan.families import Tower

Pass = Callable[[ir.Model, Cpu, frozenset[str]], int]  # graph, processors, names that stay in float -> nodes changed
PASSES: dict[Precision, dict[str, Pass]] = {
    Precision.FP32: {},
    Precision.FP16: {"convert": lambda model, _cpu, _in_float: fp16.convert(model)},
    Precision.INT8: {"quantize": int8.quantize, "unfuse": lambda model, _cpu, _in_float: residual.unfuse(model)},
}


def assemble(
    tower: Tower, options: ExportOptions, max_active_dims: int | None, in_float: frozenset[str] = frozenset()
) -> tuple[ir.Model, dict[str, int]]:
    """Build the graph of a tower in a precision; the tower is not changed.

    Args:
        tower: What `families` traced.
        options: Precision and form of the output.
        max_active_dims: Largest number of pairs, None for no limit.
        in_float: In int8, the names of products that stay in float; `HEAD` for the head.

    Returns:
        The graph, and by the name of each pass the number of nodes that it changed.
    """
    model = tower.states.clone()
    changed = {name: run(model, options.cpu, in_float) for name, run in PASSES[options.precision].items()}
    if tower.long_texts and options.precision is not Precision.FP16:  # a GPU has no use for it
        changed["unpadded"] = unpadded.split(model)
    tower.head.attach(model, Precision.FP32 if HEAD in in_float else options.precision, options.cpu)
    tower.head.finish(model, options.form, max_active_dims)
    finish(model)
    stamp(model, tower.head.dimension, max_active_dims)
    return model, changed
