"""Tokenizers without a fast form, which a bundle holds as the files of their class in transformers."""

from __future__ import annotations

from typing import Any

import transformers

from sparse_client.bundle.facts import PythonTokenizer
from sparse_export.errors import UnsupportedCheckpointError

# What cuts a text into words for BertJapaneseTokenizer, by its settings; as pip names it.
WORDS = {"sudachi": ("sudachitra", "sudachipy", "sudachidict-core"), "jumanpp": ("rhoknp",)}
DICTIONARIES = {"unidic_lite": "unidic-lite", "unidic": "unidic", "ipadic": "ipadic"}


def describe(tokenizer: Any, folder: str) -> PythonTokenizer:
    """Return what a manifest says of a tokenizer.

    Args:
        tokenizer: What transformers made of the checkpoint's files.
        folder: Where the bundle has its files.

    Raises:
        UnsupportedCheckpointError: Its class is not one of transformers', which clients can load.
    """
    name = type(tokenizer).__name__
    if getattr(transformers, name, None) is not type(tokenizer):
        raise UnsupportedCheckpointError(
            f"The tokenizer {name} has no fast form (tokenizer.json) and is code of the checkpoint's own, which no "
            "client runs; convert it to a tokenizer.json."
        )
    return PythonTokenizer(
        name=name, folder=folder, packages=_packages(tokenizer.init_kwargs, name), pad_id=tokenizer.pad_token_id or 0
    )


def _packages(settings: dict[str, Any], name: str) -> tuple[str, ...]:
    if name != "BertJapaneseTokenizer":
        return ("sentencepiece",) if "sp_model_kwargs" in settings else ()
    kind = settings.get("word_tokenizer_type", "basic")
    if kind != "mecab":
        return WORDS.get(kind, ())
    dictionary = (settings.get("mecab_kwargs") or {}).get("mecab_dic", "unidic_lite")
    return "fugashi", DICTIONARIES.get(dictionary, str(dictionary))
