"""Tokenizers of each kind, trained on WordNet: the ids of the kind, fewer words than the public ones have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from support import japanese
from support.real_checkpoints import ROOT, glosses, locked
from support.token_weight_checkpoints import unigram as tiny_unigram

CACHE = ROOT / "build" / "zoo" / "tokenizers"
TRAINED = 8000  # of all kinds; the embeddings have as many rows as the public model
TEXTS = 20_000
BERT = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
ROBERTA = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>"}
ROBERTA_ROLES = {"cls_token": "<s>", "sep_token": "</s>"}


def wordpiece() -> tuple[Tokenizer, dict[str, str]]:
    """Return BERT's kind: lowercased words, cut into pieces."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    _train(tokenizer, trainers.WordPieceTrainer(vocab_size=TRAINED, special_tokens=list(BERT.values())))
    _around(tokenizer, "[CLS]", "[SEP]")
    return tokenizer, BERT


def byte_level_bpe() -> tuple[Tokenizer, dict[str, str]]:
    """Return RoBERTa's kind, which ModernBERT and Qwen share: byte pairs of bytes."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    special = list(ROBERTA.values())
    _train(tokenizer, trainers.BpeTrainer(vocab_size=TRAINED, special_tokens=special, initial_alphabet=letters))
    _around(tokenizer, "<s>", "</s>")
    return tokenizer, ROBERTA | ROBERTA_ROLES


def bpe_with_bytes() -> tuple[Tokenizer, dict[str, str]]:
    """Return Gemma's kind, which mmBERT has: byte pairs of characters, and bytes for what is not in the vocabulary."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    special = [*ROBERTA.values(), *(f"<0x{byte:02X}>" for byte in range(256))]
    _train(tokenizer, trainers.BpeTrainer(vocab_size=TRAINED, special_tokens=special))
    _around(tokenizer, "<s>", "</s>")
    return tokenizer, ROBERTA | ROBERTA_ROLES


def unigram() -> tuple[Tokenizer, dict[str, str]]:
    """Return XLM-R's kind: Unigram with a precompiled normalizer."""
    return tiny_unigram(), ROBERTA | ROBERTA_ROLES


def save(kind: str, tokens: int, folder: Path, padding_side: str = "right") -> Any:
    """Write a tokenizer beside a model and return it."""
    if kind == "japanese":
        return japanese.save_tokenizer(folder, tokens)
    tokenizer, roles = _cached(kind)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=tokens, padding_side=padding_side, **roles
    )
    fast.save_pretrained(folder)
    return fast


def _cached(kind: str) -> tuple[Tokenizer, dict[str, str]]:
    make = {one.__name__: one for one in (wordpiece, byte_level_bpe, bpe_with_bytes, unigram)}[kind]
    path = CACHE / f"{kind}.json"
    roles = BERT if kind == "wordpiece" else ROBERTA | ROBERTA_ROLES
    CACHE.mkdir(parents=True, exist_ok=True)
    with locked(path):
        if not path.exists():
            make()[0].save(str(path))
    return Tokenizer.from_file(str(path)), roles


def _train(tokenizer: Tokenizer, trainer: Any) -> None:
    trainer.show_progress = False
    tokenizer.train_from_iterator(glosses(TEXTS), trainer)


def _around(tokenizer: Tokenizer, first: str, last: str) -> None:
    ids = [(token, tokenizer.token_to_id(token)) for token in (first, last)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=ids)
