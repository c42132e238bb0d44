"""Texts on which tokenizers differ, and tokenizers of several kinds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from sparse_export.golden_texts import HARD_TEXTS, REAL_TEXTS
from support.random_tokenizers import LLAMA
from support.token_weight_checkpoints import unigram

SURROGATES = range(0xD800, 0xE000)
CHUNK = 64
MORE = (
    "ὈΔΥΣΣΕΎΣ ΣΊΣΥΦΟΣ",  # a capital sigma at the end, which JavaScript lowercases by its neighbours
    "İstanbul ISPARTA ǅ ẞ ŉ",
    "𠮷野家 𠀀𪜀 丽",  # CJK beyond U+FFFF
    "[MASK][MASK] [mask] [ MASK ] x[SEP]y",
    "e\u0301 \u0301e a\u0300\u0301\u0302",
    "\ufeffBOM\u200d\u00ad\u2060\ufffd\x00\x07\x7f",
    "…—–“”‘’·•†‡§¶",
    "a" * 100 + " " + "b" * 101,  # the longest word that is taken apart, and one that is not
    "\u2028\u2029\u0085\u000b\u000c\u1680\u3000x",
    "👩🏽‍🚀🏴󠁧󠁢󠁳󠁣󠁴󠁿🇩🇪1️⃣",
    "don't they'll I'm we've it's 'tis",
    " leading and trailing  \n\n double ",
)


def every_character() -> Iterator[str]:
    """Yield every character, some at a time, each within a word and alone."""
    codes = [code for code in range(0x110000) if code not in SURROGATES and code < 0x30000] + [*range(0xE0000, 0xE0200)]
    for start in range(0, len(codes), CHUNK):
        yield " ".join(f"a{chr(code)}b {chr(code)}" for code in codes[start : start + CHUNK])


def mixtures(count: int) -> list[str]:
    """Return random pieces of all hard texts, glued together."""
    generator = random.Random(0)
    material = "\n".join((*HARD_TEXTS, *REAL_TEXTS, *MORE))
    pieces = []
    for _ in range(count):
        starts = [generator.randrange(len(material)) for _ in range(6)]
        pieces.append("".join(material[start : start + generator.randrange(1, 12)] for start in starts))
    return pieces


def tokenizers(bert: Path, words: list[str]) -> dict[str, Tokenizer]:
    """Return a bundle's own tokenizer, and other kinds, trained on the words."""
    cased = Tokenizer.from_file(str(bert))
    cased.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    lowered = Tokenizer.from_file(str(bert))
    lowered.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.BertNormalizer(lowercase=False)])
    return {
        "bert": Tokenizer.from_file(str(bert)),
        "bert-cased": cased,
        "bert-lowered": lowered,
        "byte-level": _byte_level(words, normalizers.NFC(), pre_tokenizers.ByteLevel(add_prefix_space=False)),
        "llama": _llama(words),
        "unigram": unigram(),
    }


def _llama(words: list[str]) -> Tokenizer:
    split = pre_tokenizers.Split(Regex(LLAMA), "isolated")
    steps = [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    lowered = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase()])
    tokenizer = _byte_level(words, lowered, pre_tokenizers.Sequence(steps))
    tokenizer.model.ignore_merges = True
    return tokenizer


def _byte_level(words: list[str], normalizer: Any, pre_tokenizer: Any) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    mask = AddedToken("<mask>", lstrip=True, special=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=3000, special_tokens=["<s>", "<pad>", "</s>", mask], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(words, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer
