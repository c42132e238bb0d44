"""What the user may choose, checked before anything heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sparse_export.errors import InputError

OPSETS = (18, 20)  # ReduceMax takes its axes as an input from 18 on; hosts of ONNX Runtime 1.17 stop at 20
EXTERNAL_DATA_BYTES = 2**31 - 2**26  # protobuf ends at 2 GiB; leave room for the nodes
PROOF_TOKENS = 2048


class Precision(StrEnum):
    """Precision of a bundle, as its manifest names it."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class Cpu(StrEnum):
    """Which processors an int8 graph is for, as the manifest of its bundle names it.

    On x86 with AVX2 and without VNNI, ONNX Runtime sums 8-bit products two by two in 16 bits, which saturate.
    """

    ANY = "any"  # no such sum can: the same on every processor
    VNNI = "vnni"  # a little closer to PyTorch, and wrong where sums saturate


PRECISION_OF_QUANTIZE = {"none": Precision.FP32, "fp16": Precision.FP16, "int8": Precision.INT8}


class Output(StrEnum):
    """What document.onnx returns: sorted pairs, or the weights of the whole dimension."""

    SPARSE = "sparse"
    DENSE = "dense"


class SpecialTokens(StrEnum):
    """What becomes of the dimensions of special tokens, such as [CLS]."""

    KEEP = "keep"  # as sentence-transformers does
    DROP = "drop"  # their weight is 0, as OpenSearch and fastembed have it


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """One export.

    Attributes:
        model: Folder or hub id of the checkpoint.
        output: Folder of the bundle; as every path here, a text is made a `Path`.
        precision: Precision of the graphs.
        cpu: The processors that an int8 graph is for.
        revision: Branch, tag or commit of a hub id.
        trust_remote_code: Run code that the checkpoint brings along.
        max_length: Tokens of a text, special tokens included; None keeps the checkpoint's own.
        proof_tokens: Tokens of the long text that is compared with PyTorch, beside some dozens of short ones.
        max_active_dims: Largest number of active dimensions of a text; None keeps the checkpoint's own.
        form: Sparse pairs or a dense row.
        opset: ONNX opset of the graphs.
        special_tokens: What becomes of the dimensions of special tokens; token weights have none of them anyway.
        with_dense: Of token weights: the graph also gives the model's dense embedding.
        sae_only: Take dense embeddings instead of tokens, for a sparse autoencoder.
        force: Replace an existing bundle.
        eval_data: BEIR folder for the quality report.
        min_ndcg_ratio: Smallest share of PyTorch's nDCG@10 that passes.
        prune_vocabulary: File of texts; columns of the vocabulary that none of them makes active are left out.
        prune_min_count: A column stays only if it is active in at least so many of these texts.
        external_data_bytes: Weights of a graph beyond this size go to a side file.

    Raises:
        InputError: A value is out of its range.
    """

    model: str
    output: Path
    precision: Precision = Precision.FP32
    cpu: Cpu = Cpu.ANY
    revision: str | None = None
    trust_remote_code: bool = False
    max_length: int | None = None
    proof_tokens: int = PROOF_TOKENS
    max_active_dims: int | None = None
    form: Output = Output.SPARSE
    opset: int = OPSETS[1]
    special_tokens: SpecialTokens = SpecialTokens.KEEP
    with_dense: bool = False
    sae_only: bool = False
    force: bool = False
    eval_data: Path | None = None
    min_ndcg_ratio: float = 0.99
    prune_vocabulary: Path | None = None
    prune_min_count: int = 1
    external_data_bytes: int = EXTERNAL_DATA_BYTES

    @property
    def saturates(self) -> bool:
        """Tell whether 8-bit products of the graph saturate on some processors."""
        return self.precision is Precision.INT8 and self.cpu is Cpu.VNNI

    def __post_init__(self) -> None:
        for name in ("output", "eval_data", "prune_vocabulary"):
            if isinstance(getattr(self, name), str):
                object.__setattr__(self, name, Path(getattr(self, name)))
        for name in ("max_length", "proof_tokens", "max_active_dims", "prune_min_count"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name}={value} is too small; give 1 or more.")
        if not OPSETS[0] <= self.opset <= OPSETS[1]:
            raise InputError(f"The opset is {self.opset}; allowed are {OPSETS[0]} to {OPSETS[1]}.")
        if self.cpu is not Cpu.ANY and self.precision is not Precision.INT8:
            raise InputError(
                f"cpu={self.cpu.value} is a choice of int8 alone, not of {self.precision}; "
                "give precision=int8, or leave it out."
            )
        if self.with_dense and self.form is Output.DENSE:
            raise InputError("form=dense has one output, and with_dense adds one to pairs; leave out one.")
        if self.sae_only and self.eval_data is not None:
            raise InputError(
                "eval_data needs a graph that takes texts, sae_only makes one that takes embeddings; leave out one."
            )
        if self.prune_vocabulary is None and self.prune_min_count != 1:
            raise InputError(f"prune_min_count={self.prune_min_count} needs prune_vocabulary, which is not given.")
        if self.prune_vocabulary is not None and self.form is Output.DENSE:
            raise InputError("A dense row holds the whole vocabulary; give prune_vocabulary or form=dense, not both.")
        if not 0 <= self.min_ndcg_ratio <= 1:
            raise InputError(f"min_ndcg_ratio is {self.min_ndcg_ratio}; it must lie between 0 and 1.")
