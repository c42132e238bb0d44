"""Keep less for the backward pass: not what takes much memory and next to no time to make again.

    a = gelu(x); a W          autograd keeps x and a; here x
    a = softmax(x) * d; a V   autograd keeps softmax(x), d and a; here softmax(x) and d
    x * d                     a CPU keeps d, dropout's 0 and 1 / (1 - p), as floats; here as bytes

What is made again is made by the same operation of the same numbers, so gradients stay the same to the last bit, unless
somebody edits a result behind autograd's back. Hooks around the model (`save_on_cpu`) see nothing of the backbone.
Torch asks for every tensor that it is about to keep: https://docs.pytorch.org/docs/stable/notes/autograd.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

Again = Callable[[], Tensor]
SOFTMAX = {"SoftmaxBackward0", "SafeSoftmaxBackward0"}
SMALL = 1 << 14
"""Elements of a tensor that is not worth the trouble."""
SAMPLE = 64
"""Elements that tell quickly that a tensor has more than two values."""


def _pack(tensor: Tensor) -> Tensor | Again:
    again = None
    if tensor.numel() > SMALL and tensor.is_contiguous():
        again = _result(tensor) if tensor.requires_grad else _two_values(tensor)
    # Not the tensor itself: it would hold the operation that keeps it, and neither would ever be freed.
    return again or tensor.detach()


def _unpack(kept: Tensor | Again) -> Tensor:
    return kept if isinstance(kept, Tensor) else kept()


KEEP_LESS = saved_tensors_hooks(_pack, _unpack)
"""The context in which operations keep less."""


def _result(tensor: Tensor) -> Again | None:
    """Return how to make a tensor again from what other operations keep, where they do."""
    # A product of more than two dimensions flattens them first.
    result = tensor._base if tensor._base is not None else tensor
    if result.numel() != tensor.numel() or not result.is_contiguous():
        return None
    node: Any = result.grad_fn
    if node is None:
        return None
    shape = tensor.shape
    if node.name() == "GeluBackward0":
        return lambda: torch.ops.aten.gelu(node._saved_self, approximate=node._saved_approximate).view(shape)
    if node.name() == "MulBackward0":
        factor = node.next_functions[0][0]
        if factor is not None and factor.name() in SOFTMAX:
            return lambda: (factor._saved_result * node._saved_other).view(shape)
    return None


def _two_values(tensor: Tensor) -> Again | None:
    """Return how to make a tensor again from bytes, if it is on a CPU and has no value but 0 and another one."""
    if tensor.device.type != "cpu" or not tensor.is_floating_point():
        return None
    sample = tensor.flatten()[:SAMPLE]
    value = float(sample.max())
    if not ((sample == 0) | (sample == value)).all():
        return None
    dtype, bits = tensor.dtype, tensor.bool()

    def again() -> Tensor:
        return bits.to(dtype).mul_(value)

    return again if torch.equal(again(), tensor) else None
