"""Compare the tokenizer that transformers built with the tokenizer.json that the checkpoint came with.

transformers builds a tokenizer by the class that tokenizer_config.json names, and fills it with the vocabulary of
tokenizer.json: with a wrong class 'the whale' becomes letters. sentence-transformers has the same wrong ids, so a
comparison with it finds nothing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from sparse_export.errors import CheckpointError
from sparse_export.golden_texts import HARD_TEXTS, REAL_TEXTS

FILE, SETTINGS = "tokenizer.json", "tokenizer_config.json"
PARTS = ("model", "pre_tokenizer", "normalizer", "post_processor")
# What a setting of tokenizer_config.json, where it is given, changes in tokenizer.json on purpose.
CHANGES = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
    "add_prefix_space": "add_prefix_space",
}
SPECIAL_TOKENS = ("add_bos_token", "add_eos_token")  # change the whole post-processor


def check_same(folder: Path, tokenizer: Any, lowercased: bool) -> None:
    """Check that a loaded tokenizer gives the ids of the tokenizer.json in `folder`, where there is one.

    Args:
        folder: Where the checkpoint has the tokenizer's files.
        tokenizer: What transformers made of them.
        lowercased: sentence-transformers put a lowercasing normalizer in front.

    Raises:
        CheckpointError: The ids of a text differ, and no setting of tokenizer_config.json asks for that.
    """
    built = getattr(tokenizer, "backend_tokenizer", None)
    if built is None or not (folder / FILE).is_file():
        return
    own, built = Tokenizer.from_file(str(folder / FILE)), Tokenizer.from_str(built.to_str())
    for one in (own, built):
        one.no_truncation()
        one.no_padding()
    text = next((text for text in REAL_TEXTS + HARD_TEXTS if own.encode(text).ids != built.encode(text).ids), None)
    if text is None:
        return
    parts = _unexplained(own, built, _settings(folder), lowercased)
    if parts:
        raise CheckpointError(
            f"transformers makes another tokenizer of '{folder.name}' than its {FILE} holds "
            f"(other {', '.join(parts)}): "
            f"{text[:40]!r} becomes {built.encode(text).tokens[:6]}, not {own.encode(text).tokens[:6]}. "
            f"{SETTINGS} names the class {_settings(folder).get('tokenizer_class')!r}; put the right class there "
            "(PreTrainedTokenizerFast takes the file as it is), or the settings that the model was trained with."
        )


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / SETTINGS
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _unexplained(own: Tokenizer, built: Tokenizer, settings: dict[str, Any], lowercased: bool) -> list[str]:
    """Return the parts in which two tokenizers differ without a setting that says so."""
    wanted = {CHANGES[name] for name in CHANGES if settings.get(name) is not None}
    explained = {"normalizer"} if lowercased else set()
    if any(settings.get(name) is not None for name in SPECIAL_TOKENS):
        explained.add("post_processor")
    one, other = (json.loads(tokenizer.to_str()) for tokenizer in (own, built))
    differing = [part for part in PARTS if one[part] != other[part]] or ["added_tokens"]
    return [
        part
        for part in differing
        if part not in explained and _without(one[part], wanted) != _without(other[part], wanted)
    ]


def _without(value: Any, keys: set[str]) -> Any:
    """Return JSON without these keys, at whatever depth."""
    if isinstance(value, dict):
        return {key: _without(entry, keys) for key, entry in value.items() if key not in keys}
    if isinstance(value, list):
        return [_without(entry, keys) for entry in value]
    return value
