"""From a tower to the graph of one precision; the passes of each precision, in order, as data."""

from __future__ import annotations

from collections.abc import Callable

import onnx_ir as ir

from sparse_export.graph import residual, sparse_output
from sparse_export.graph.precision import fp16, int8
from sparse_export.graph.precision.sensitivity import HEAD
from sparse_export.graph.tape import finish, stamp
from sparse_export.options import ExportOptions, Output, Precision
from sparse_export.plan.families import Tower

PASSES: dict[Precision, tuple[Callable[[ir.Model], object], ...]] = {
    Precision.FP32: (),
    Precision.FP16: (fp16.convert,),
    Precision.INT8: (residual.unfuse,),
}


def assemble(
    tower: Tower, options: ExportOptions, max_active_dims: int | None, in_float: frozenset[str] = frozenset()
) -> ir.Model:
    """Return the graph of a tower in a precision; the tower is not changed.

    Args:
        tower: What `families` traced.
        options: Precision and form of the output.
        max_active_dims: Largest number of pairs, None for no limit.
        in_float: In int8, the names of products that stay in float; `HEAD` for the head.
    """
    model = tower.states.clone()
    if options.precision is Precision.INT8:
        int8.quantize(model, options.cpu, keep=in_float)
    for change in PASSES[options.precision]:
        change(model)
    tower.head.attach(model, Precision.FP32 if HEAD in in_float else options.precision, options.cpu)
    if options.form is Output.SPARSE:
        sparse_output.attach(model, max_active_dims, tower.head.columns)
    elif max_active_dims is not None:
        sparse_output.limit_dense(model, max_active_dims)
    finish(model)
    stamp(model, tower.head.dimension, max_active_dims)
    return model
