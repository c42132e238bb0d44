"""The largest logit of every vocabulary entry over the positions of a text, without all logits at once.

    peaks[b, v] = relu(max over s of (hidden[b, s] . weight[v] + bias[v]))

Max pooling of SPLADE needs no more than this: relu and log1p rise, so they may follow the maximum instead of preceding
it, and log1p is left to autograd. The vocabulary goes through in blocks. What is kept for the backward pass is the peak
and its position, `[batch, vocabulary]` each: a peak of 0 carries no gradient, and any other to one position only. With
G `[batch * sequence, vocabulary]`, whose few values are the gradients of the active peaks at their positions, the
gradients are `dhidden = G weight` and `dweight = G^T hidden`; both are weighted sums of a few rows of a matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

SCORES = {"cpu": 1 << 20, "cuda": 1 << 26}
"""Logits of one block: on a CPU they stay in its cache; a GPU wants few and large kernels."""
FEWEST_COLUMNS = 64
DENSE = 0.25
"""Active share of a block beyond which all its positions are looked for, not those of its active peaks alone."""


def rectified_peaks(hidden: Tensor, weight: Tensor, bias: Tensor | None, mask: Tensor) -> Tensor:
    """Return the positive part of each text's largest logits.

    Under autocast the product runs in autocast's type, as that of a Linear would; everything after it, and both
    gradients, are in the type of the weight.

    Args:
        hidden: States before the vocabulary decoder, `[batch, sequence, hidden]`, at least one position.
        weight: The decoder's, `[vocabulary, hidden]`.
        bias: The decoder's, `[vocabulary]`, or None.
        mask: `[batch, sequence]`; positions of value 0 do not count. A text without any other has peaks of 0.

    Returns:
        `[batch, vocabulary]`, of the weight's type.
    """
    device = hidden.device.type
    product = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
    with torch.autocast(device, enabled=False):
        peaks: Tensor = _RectifiedPeaks.apply(hidden, weight, bias, mask.bool(), product)
    return peaks


class _RectifiedPeaks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        hidden, weight, bias, mask, product = inputs
        source = _unmasked(mask)
        states = hidden.gather(1, source[..., None].expand_as(hidden)).to(product)
        found = _Peaks.none(states, weight, any(ctx.needs_input_grad))
        _scan(states, weight, bias, found)
        found.peaks.masked_fill_(~mask.any(1, keepdim=True), 0)
        ctx.save_for_backward(hidden, weight, source, found.peaks, found.positions)
        return found.peaks

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        hidden, weight, source, peaks, positions = ctx.saved_tensors
        for_hidden, for_weight, for_bias = ctx.needs_input_grad[:3]
        columns, rows = ((peaks > 0) & (gradient != 0)).t().nonzero(as_tuple=True)  # in the order of the columns
        values = gradient[rows, columns]
        length = hidden.shape[1]
        tokens = rows * length + source[rows, positions[rows, columns].long()]
        d_hidden = d_weight = d_bias = None
        if for_hidden:
            order = tokens.argsort(stable=True)
            sums = _weighted_sums(tokens[order], columns[order], values[order], weight, hidden[..., 0].numel())
            d_hidden = sums.view_as(hidden).to(hidden.dtype)
        if for_weight:
            states = hidden.flatten(0, 1).to(weight.dtype)
            d_weight = _weighted_sums(columns, tokens, values, states, len(weight))
        if for_bias:
            d_bias = values.new_zeros(len(weight)).index_add_(0, columns, values)
        return d_hidden, d_weight, d_bias, None, None


@dataclass(frozen=True, slots=True)
class _Peaks:
    """What is known of the peaks so far.

    Attributes:
        peaks: `[batch, vocabulary]`.
        positions: int16 or int32 `[batch, vocabulary]`, right where the peak is not 0; None without gradients.
    """

    peaks: Tensor
    positions: Tensor | None

    @classmethod
    def none(cls, states: Tensor, weight: Tensor, with_positions: bool) -> _Peaks:
        peaks = weight.new_zeros(len(states), len(weight))
        small = torch.int16 if states.shape[1] <= torch.iinfo(torch.int16).max else torch.int32
        return cls(peaks, torch.zeros_like(peaks, dtype=small) if with_positions else None)


def _unmasked(mask: Tensor) -> Tensor:
    """Return for each position itself, or where it is masked the first of its row that is not: int64 `[batch, S]`.

    Copies of an unmasked position leave the maximum as it is, which is cheaper than to mask the logits.
    """
    own = torch.arange(mask.shape[1], device=mask.device)
    return torch.where(mask, own, mask.int().argmax(1, keepdim=True))


def _scan(states: Tensor, weight: Tensor, bias: Tensor | None, found: _Peaks) -> None:
    """Fill in peaks and positions, block by block of the vocabulary."""
    flat = states.flatten(0, 1)
    width = max(FEWEST_COLUMNS, SCORES.get(states.device.type, SCORES["cuda"]) // len(flat))
    for start in range(0, len(weight), width):
        block = slice(start, start + width)
        scores = (flat @ weight[block].to(flat.dtype).t()).view(*states.shape[:2], -1)
        if found.positions is not None and states.is_cuda:  # no way there of knowing what is active without a wait
            largest, found.positions[:, block] = scores.max(1)
        else:
            largest = scores.amax(1)
        peaks = largest.to(weight.dtype)
        peaks = (peaks if bias is None else peaks + bias[block]).relu_()
        found.peaks[:, block] = peaks
        if found.positions is not None and not states.is_cuda:
            _find_positions(scores, peaks, found.positions[:, block])


def _find_positions(scores: Tensor, peaks: Tensor, positions: Tensor) -> None:
    """Write the positions of a block's active peaks; scores `[batch, sequence, columns]`, the others without sequence.

    The maximum alone is quick where the maximum with its position is not, and few peaks are active.
    """
    rows, columns = peaks.nonzero(as_tuple=True)
    if len(rows) > DENSE * peaks.numel():
        positions.copy_(scores.argmax(1))
    else:
        positions[rows, columns] = scores[rows, :, columns].argmax(1).to(positions.dtype)


def _weighted_sums(groups: Tensor, indices: Tensor, weights: Tensor, table: Tensor, count: int) -> Tensor:
    """Return `[count, hidden]`: for each group the sum of `weights * table[indices]` over its entries.

    Args:
        groups: Group of each entry, rising.
        indices: Row of the table of each entry.
        weights: Factor of each entry, of the table's type.
        table: `[rows, hidden]`.
        count: Number of groups; those without an entry have a sum of 0.
    """
    starts = torch.searchsorted(groups, torch.arange(count, device=groups.device))
    return F.embedding_bag(indices, table, starts, mode="sum", per_sample_weights=weights)
