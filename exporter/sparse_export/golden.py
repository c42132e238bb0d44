"""Golden vectors: texts and what PyTorch makes of them, for every client in every language to replay."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparse_export.errors import BundleError
from sparse_export.rows import Row

FILE = "golden.jsonl"
DENSE = ("embedding", "decoded")  # of Golden; only some bundles have them

# Where tokenizers and masks go wrong.
HARD_TEXTS = (
    "",
    "a",
    "   ",
    "Café déjà vu: naïve façade, Ångström, ﬁne ½ cup",
    "北京的天气今天很好。日本語のテキストも少し。",
    "한국어 문장과 숫자 12345",
    "I ❤️ New York 🗽👩‍👩‍👧‍👦!",
    "مرحبا بالعالم",
    "שלום עולם, how are you?",
    "fish fish fish fish fish fish",
    "The capital of France is [MASK].",
    "[CLS] already marked [SEP] text [PAD]",
    "<mask> and </s> of another model",
    "snake_case camelCase C++ x86_64 http://example.org/?q=1&r=2#top",
    "tab\there\nnew line\r\nand\u00a0no-break\u200bzero width",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "0.1 + 0.2 != 0.3, €5.99, 50 % off, 1,000,000",
    "zażółć gęślą jaźń, ĞÜŞİÖÇ, ñandú, Привет мир, Ελληνικά",
)
# Ordinary prose of many lengths and subjects: what int8 is judged by.
REAL_TEXTS = (
    "The weather is lovely today.",
    "how to reset a forgotten password",
    "symptoms of iron deficiency in adults",
    "best running shoes for flat feet",
    "Water boils at a lower temperature on a mountain because the air pressure is lower there.",
    "The committee approved the budget after a long debate, but two members voted against it.",
    "A search engine keeps, for every word, a list of the documents in which it occurs.",
    "Photosynthesis turns sunlight, water and carbon dioxide into sugar and oxygen inside the leaves of green plants.",
    "When the old bridge was closed for repairs, the ferry carried cars across the river every twenty minutes.",
    "The violinist tuned her instrument, nodded to the conductor and began the slow movement from memory.",
    (
        "Interest rates rose again this spring, so families with a variable mortgage now pay more each month "
        "than they had planned, and many of them are asking their bank for a fixed rate."
    ),
    (
        "Whales are mammals that returned to the sea millions of years ago. They breathe air, feed their "
        "young with milk, and keep warm under a thick layer of fat. Some of them cross whole oceans between "
        "the cold waters where they eat and the warm lagoons where their calves are born."
    ),
    (
        "To bake bread at home, mix flour, water, salt and a little yeast, and let the dough rest until it "
        "has doubled. Fold it gently, shape a loaf, and leave it in a cool place overnight. In the morning "
        "heat the oven with a heavy pot inside, drop the loaf into it, cover it, and take the lid off after "
        "half an hour so that the crust can brown."
    ),
    "The patient complained of a headache and a stiff neck, and the doctor ordered a blood test and a scan.",
    (
        "Goalkeepers rarely score, but in the last minute she ran forward for the corner and headed the ball "
        "into the net."
    ),
    (
        "The museum shows coins, glass and pottery that divers brought up from a merchant ship which sank "
        "near the harbour in the third century; the wooden hull itself was too fragile to lift and stays on "
        "the sea floor under sand."
    ),
    (
        "Rust is a programming language that checks at compile time who owns each value, which prevents many "
        "memory errors."
    ),
    "A contract is void if one party signed it under threat, or if it obliges anyone to break the law.",
    "Volcanic ash makes fertile soil: the slopes of many active volcanoes are covered with vineyards and orchards.",
    "The train leaves at seven from platform four and stops in every village, so the coach is faster on weekdays.",
)


@dataclass(frozen=True, slots=True)
class Golden:
    """One test vector.

    Attributes:
        route: `document` or `query`.
        text: The text as a user passes it, without the route's prompt.
        input_ids: Token ids, special tokens and prompt included, no padding; none where the graph takes an embedding.
        row: PyTorch's vector.
        embedding: float32 `[dim]`, what the graph takes instead of tokens, with `--sae-only`.
        decoded: float32 `[dim]`, the reconstruction of `row` by PyTorch, where dimensions are features.
    """

    route: str
    text: str
    input_ids: list[int]
    row: Row
    embedding: np.ndarray | None = None
    decoded: np.ndarray | None = None

    def inputs(self) -> dict[str, np.ndarray]:
        """Return what the graph takes, as a batch of one."""
        if self.embedding is not None:
            return {"embedding": self.embedding[None]}
        ids = np.array([self.input_ids], np.int64).reshape(1, -1)
        return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def texts(max_length: int | None) -> tuple[str, ...]:
    """Return the golden texts; one of them is longer than `max_length` tokens, where there is such a limit."""
    if max_length is None:
        return HARD_TEXTS + REAL_TEXTS
    prose = " ".join(REAL_TEXTS).split()
    words = [prose[index % len(prose)] for index in range(max_length + 20)]  # a word is at least one token
    return (*HARD_TEXTS, *REAL_TEXTS, " ".join(words))


def write(path: Path, vectors: Iterable[Golden]) -> None:
    """Write one JSON object a line; float32 values survive exactly, as the shortest decimals that name them."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for vector in vectors:
            record = {
                "route": vector.route,
                "text": vector.text,
                "input_ids": vector.input_ids,
                "indices": vector.row.indices.tolist(),
                "values": _decimals(vector.row.values),
            }
            for name in DENSE:
                if (array := getattr(vector, name)) is not None:
                    record[name] = _decimals(array)
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _decimals(array: np.ndarray) -> list[float]:
    return [float(str(value)) for value in array]


def read(path: Path) -> Iterator[Golden]:
    """Yield the vectors of a bundle.

    Raises:
        BundleError: A line is not a golden vector.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield _parse(line)
            except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
                raise BundleError(f"{path}, line {number} is not a golden vector: {error!r}.") from error


def _parse(line: bytes) -> Golden:
    record = json.loads(line)
    route, text, ids = record["route"], record["text"], record["input_ids"]
    if not (isinstance(route, str) and isinstance(text, str) and isinstance(ids, list)):
        raise TypeError("route and text must be strings, input_ids a list")
    row = Row(np.array(record["indices"], np.int32), np.array(record["values"], np.float32))
    if row.indices.ndim != 1 or row.indices.shape != row.values.shape:
        raise ValueError("indices and values must be lists of the same length")
    dense = {name: np.array(record[name], np.float32) for name in DENSE if name in record}
    if any(array.ndim != 1 for array in dense.values()):
        raise ValueError(f"{' and '.join(DENSE)} must be lists of numbers")
    return Golden(route, text, ids, row, **dense)
