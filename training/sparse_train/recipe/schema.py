"""What a recipe consists of. `sparse-train --describe` prints these classes; `reading` fills them from YAML.

Every field is a key of the recipe, its type is what the key takes, its `help` what it means. A field with `part` holds
another class of this file, one with `component` a class of the library (a list of them, where the type is a tuple).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Component:
    """A class of the library by its own name, with its arguments; an argument may be a Component or Dataset again."""

    name: str
    arguments: dict[str, Any]


def entry(meaning: str, default: Any = ..., **metadata: Any) -> Any:
    """Return a dataclass field that explains itself; without a default it is required."""
    metadata["help"] = meaning
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(metadata=metadata) if default is ... else field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """architecture: from-checkpoint, which goes on training a SparseEncoder."""

    name: str = entry("folder or hub id of the base model or checkpoint")
    revision: str | None = entry("branch, tag or commit of a hub id", None)
    trust_remote_code: bool = entry("run code that the model brings along", False)
    max_length: int | None = entry("tokens of a text; null: the model's own", None)
    prompts: dict[str, str] | None = entry("prompts by name, kept in the checkpoint: query, document", None)
    load: dict[str, Any] | None = entry("more for transformers' from_pretrained: dtype, attn_implementation", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpladeModel(Model):
    """architecture: splade, a masked language model and pooling over the sequence."""

    pooling: str = entry("max or sum", "max", allowed=("max", "sum"))
    activation: str = entry("relu: log(1 + relu). log1p_relu: log twice", "relu", allowed=("relu", "log1p_relu"))


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceFreeModel(SpladeModel):
    """architecture: inference-free, a weight per token for queries and a SPLADE for documents."""

    query_weights: str | None = entry("{token: weight} as JSON to start from, file or hub id; null: ones", None)
    frozen: bool = entry("keep the query weights as they are", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CsrModel(Model):
    """architecture: csr, a sparse autoencoder on a dense encoder."""

    hidden_factor: float = entry("features per dimension of the dense vector", 4)
    k: int = entry("features kept of a text", 256)
    k_aux: int = entry("dead features trained by the auxiliary loss", 512)
    normalize: bool = entry("normalize the dense vector before the autoencoder", False)
    dead_threshold: int = entry("steps without use after which a feature counts as dead", 30)
    train_encoder: bool = entry("train the dense encoder too, not the autoencoder alone", True)


ARCHITECTURES: dict[str, type[Model]] = {
    "splade": SpladeModel,
    "inference-free": InferenceFreeModel,
    "csr": CsrModel,
    "from-checkpoint": Model,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Where the texts of a column of ids are."""

    source: str = entry("as of a data set")
    subset: str | None = entry("configuration of a hub data set", None)
    split: str = entry("split, or a slice of it", "train")
    text: str = entry("column of the texts")
    key: str = entry("column of the ids")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Rows of text columns, and perhaps one of labels."""

    source: str = entry("hub id; or .csv .tsv .json .jsonl .parquet .arrow file, glob or saved folder; or database URL")
    name: str = entry("what metrics and errors call it", "data")
    subset: str | None = entry("configuration of a hub data set", None)
    split: str = entry("split, or a slice of it: train[:1000]", "train")
    revision: str | None = entry("branch, tag or commit of a hub id", None)
    sql: str | None = entry("query or table, where source is a database URL such as sqlite:///pairs.db", None)
    columns: list[str] | dict[str, str] | None = entry(
        "columns in the order of the loss: a list, or {new name: name in the file}; null: all, as they are", None
    )
    resolve: dict[str, Lookup] | None = entry(
        "columns that hold ids, each with the data set that has the texts; resolved before `columns`", None, part=Lookup
    )
    limit: int | None = entry("take the first rows only", None, least=1)
    loss: Component | None = entry("loss of this data set; null: the recipe's", None, component="loss")


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What to train on."""

    train: tuple[Dataset, ...] = entry("data sets to train on", part=Dataset)
    eval: tuple[Dataset, ...] = entry("data sets whose loss is computed when evaluating", (), part=Dataset)
    sampling: str = entry("how to mix several data sets", "proportional", allowed=("proportional", "round_robin"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A recipe. Losses, evaluators and callbacks are named as in the library: `Name` or `Name: {argument: value}`."""

    architecture: str = entry("what is trained", allowed=tuple(ARCHITECTURES))
    model: Model = entry("the base model")
    data: Data = entry("the data", part=Data)
    loss: Component | None = entry(
        "loss with its regularizers; required unless every data set has its own", None, component="loss"
    )
    training: dict[str, Any] = entry("fields of SparseEncoderTrainingArguments", {})
    evaluators: tuple[Component, ...] = entry("run when evaluating and at the end", (), component="evaluator")
    callbacks: tuple[Component, ...] = entry("run while training", (), component="callback")
    output: str = entry("folder of the trained checkpoint; OUTPUT.run beside it holds what --resume needs")
    fused_head: bool = entry("train SPLADE without [batch, sequence, vocab] tensors; keep less of the backbone", True)
