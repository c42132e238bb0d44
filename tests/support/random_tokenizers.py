"""Tokenizers put together at random, of parts that Node builds and of parts that it must refuse."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

LLAMA = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
BEHAVIORS = ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")
CONTENTS = (
    *(
        "[MASK]",
        "<x>",
        "wea",
        " the",
        "##er",
        "Zürich",
        "zürich",
        "weather",
        "WEATHER",
        "e\u0301",
        "é",
        "  ",
        "\n",
        "a.b",
    ),
    *("the", "then", "<MASK>", "漢", "👩", "x*", "Σ", "ß"),
)
# What added tokens and suffixes are found in.
TEXTS = (
    "the weather in Zürich then WEATHER [MASK] <x>  x* <MASK>",
    "é e\u0301 ΣΣ ßẞ ﬁ ½ ①",
    "I'M they'LL 'ſ don't 1234567 \r\n\n  x",
    " [MASK] [MASK]wea\n\n## er a.b aXb",
)


class Maker:
    """Makes tokenizers from models that are trained once.

    Args:
        words: What models are trained on.
        seed: The same seed gives the same tokenizers.
    """

    def __init__(self, words: Sequence[str], seed: int) -> None:
        self._random = random.Random(seed)
        byte_level, spaces = pre_tokenizers.ByteLevel(add_prefix_space=False), pre_tokenizers.WhitespaceSplit()
        alphabet = {"initial_alphabet": pre_tokenizers.ByteLevel.alphabet()}
        self._bytes = _trained(models.BPE(), byte_level, trainers.BpeTrainer, words, alphabet)
        self._characters = _trained(models.BPE(unk_token="<unk>"), spaces, trainers.BpeTrainer, words, {})
        piece = models.WordPiece(unk_token="<unk>")
        self._pieces = _trained(piece, pre_tokenizers.BertPreTokenizer(), trainers.WordPieceTrainer, words, {})
        self._words = sorted({word for text in words for word in text.split()})

    def tokenizer(self) -> Tokenizer:
        """Return the next one."""
        model, ends = self._model()
        tokenizer = Tokenizer(model)
        if (normalizer := self._maybe(self._normalizer)) is not None:
            tokenizer.normalizer = normalizer
        pre_tokenizer = self._cut_to_bytes() if ends else self._maybe(self._pre_tokenizer)
        if pre_tokenizer is not None:
            tokenizer.pre_tokenizer = pre_tokenizer
        if (processor := self._maybe(self._processor)) is not None:
            tokenizer.post_processor = processor
        tokenizer.add_tokens([self._added() for _ in range(self._random.randrange(4))])
        if self._chance(2):
            tokenizer.add_special_tokens([self._added() for _ in range(2)])
        return tokenizer

    def truncation(self) -> dict[str, Any] | None:
        """Return how texts are cut, None for not at all."""
        if self._chance(2):
            return None
        length = self._random.randrange(6, 40)
        return {"max_length": length, "direction": self._one("left", "right"), "stride": self._one(0, 0, 1)}

    def _model(self) -> tuple[Any, bool]:
        kind = self._random.randrange(10)
        if kind < 4:
            most, prefix = self._one(100, 100, 5, 0), self._one("##", "##", "", "@@")
            return models.WordPiece(
                dict(self._pieces["vocab"]),
                unk_token="<unk>",
                max_input_chars_per_word=most,
                continuing_subword_prefix=prefix,
            ), False
        if kind < 8:
            more: dict[str, Any] = {
                "fuse_unk": self._chance(2),
                "ignore_merges": self._chance(2),
                "byte_fallback": self._chance(4),
            }
            more |= {"unk_token": "<unk>"} if self._chance(2) else {}
            more |= {"dropout": self._one(0.0, 0.5)} if self._chance(6) else {}
            return _bpe(self._bytes, **more), self._chance(6) is False
        if kind == 8:
            return _bpe(self._characters, unk_token="<unk>", fuse_unk=self._chance(2)), False
        if self._chance(2):
            return models.WordLevel({word: at for at, word in enumerate((*SPECIAL, *self._words))}, "<unk>"), False
        return models.Unigram([(word, -1.0 - at % 7) for at, word in enumerate((*SPECIAL, *self._words))], 3), False

    def _normalizer(self) -> Any:
        one = self._random.randrange(16)
        if one < 7:
            flags = {name: self._chance(2) for name in ("clean_text", "handle_chinese_chars", "lowercase")}
            return normalizers.BertNormalizer(**flags, strip_accents=self._one(None, True, False))
        if one < 12:
            return self._one(normalizers.Lowercase, normalizers.NFC, normalizers.NFD)()
        if one < 14:
            return normalizers.Sequence([self._normalizer() for _ in range(self._random.randrange(1, 3))])
        # Not Strip: where it leaves nothing of an added token, the library itself never ends.
        return self._one(
            normalizers.NFKC(), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Replace("e", "E")
        )

    def _pre_tokenizer(self) -> Any:
        one = self._random.randrange(10)
        if one < 5:
            return pre_tokenizers.BertPreTokenizer()
        if one < 7:
            return self._cut_to_bytes()
        if one == 7:
            return pre_tokenizers.Sequence([self._pre_tokenizer() for _ in range(self._random.randrange(1, 3))])
        behavior, pattern = self._one(*BEHAVIORS), self._one(" ", Regex(r"\s+"), Regex(r"\p{L}+"), Regex(LLAMA))
        return self._one(
            pre_tokenizers.Whitespace(),
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Punctuation(behavior),
            pre_tokenizers.Split(pattern, behavior, self._chance(3)),
            pre_tokenizers.Digits(self._chance(2)),
            pre_tokenizers.Metaspace(prepend_scheme=self._one("always", "first", "never"), split=self._chance(2)),
            pre_tokenizers.FixedLength(self._one(1, 2, 5)),
            pre_tokenizers.UnicodeScripts(),
            pre_tokenizers.CharDelimiterSplit("e"),
        )

    def _cut_to_bytes(self) -> Any:
        last = pre_tokenizers.ByteLevel(add_prefix_space=self._chance(2), use_regex=self._chance(2))
        if self._chance(2):
            return last
        first = self._one(
            pre_tokenizers.Split(Regex(LLAMA), "isolated"), pre_tokenizers.BertPreTokenizer(), self._pre_tokenizer()
        )
        return pre_tokenizers.Sequence([first, last])

    def _processor(self) -> Any:
        one = self._random.randrange(5)
        first, last = ("<s>", 0), ("</s>", 2)
        if one == 0:
            single = self._one("<s> $A </s>", "$A </s>", "<s> <s> $A", "$A", "<s>:1 $A:1 </s>:1")
            return processors.TemplateProcessing(single=single, special_tokens=[first, last])
        if one == 1:
            return processors.BertProcessing(last, first)
        if one == 2:
            return processors.RobertaProcessing(
                last, first, trim_offsets=self._chance(2), add_prefix_space=self._chance(2)
            )
        if one == 3:
            return processors.ByteLevel()
        return processors.Sequence([processors.ByteLevel(), self._processor()])

    def _added(self) -> AddedToken:
        often = self._chance(3)
        flags = {name: often and self._chance(3) for name in ("lstrip", "rstrip", "single_word")}
        return AddedToken(self._one(*CONTENTS), normalized=self._chance(2), **flags)

    def _maybe(self, make: Any) -> Any:
        return None if self._chance(5) else make()

    def _chance(self, of: int) -> bool:
        return self._random.randrange(of) == 0

    def _one(self, *choices: Any) -> Any:
        return self._random.choice(choices)


def compared(folder: Path, maker: Maker, texts: Sequence[str], count: int) -> Iterator[dict[str, Any]]:
    """Yield cases for Node: a tokenizer's file, texts, their ids, and what it is made of."""
    for number in range(count):
        tokenizer, truncation = maker.tokenizer(), maker.truncation()
        if truncation is not None:
            tokenizer.enable_truncation(**truncation)
        tokenizer.save(str(folder / f"{number}.json"), pretty=False)
        # What is saved is what a bundle has: ids of added tokens are counted anew when it is read.
        read = Tokenizer.from_file(str(folder / f"{number}.json"))
        special = number % 3 != 0
        ids = [_ids(read, text, special) for text in texts]
        length = truncation and truncation["max_length"]
        yield {"file": str(folder / f"{number}.json"), "special": special, "maxLength": length, "ids": ids}


def _ids(tokenizer: Tokenizer, text: str, special: bool) -> list[int] | None:
    """Return None where the library itself gives up."""
    try:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=special).ids
    except BaseException as error:  # a panic of Rust's is no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        return None
    return ids


def _trained(
    model: Any, pre_tokenizer: Any, trainer: Any, words: Sequence[str], more: dict[str, Any]
) -> dict[str, Any]:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizer
    kind = trainer(vocab_size=1000, special_tokens=list(SPECIAL), show_progress=False, **more)
    tokenizer.train_from_iterator(words, kind)
    made: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    return made


def _bpe(model: dict[str, Any], **more: Any) -> models.BPE:
    return models.BPE(dict(model["vocab"]), [tuple(merge) for merge in model["merges"]], **more)
