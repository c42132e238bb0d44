"""BertJapaneseTokenizer, which has no fast form: words by MeCab (fugashi, unidic-lite), pieces by WordPiece."""

from __future__ import annotations

from pathlib import Path

import fugashi
import transformers
import unidic_lite

from support.tiny_checkpoints import SPECIAL, save_masked_lm

TEXTS = (
    "今日は良い天気です。",
    "猫が魚を食べる。",
    "東京大学で自然言語処理を研究している。",
    "日本語の検索には形態素解析が必要だ。",
    "機械学習モデルを量子化して、CPUで速く動かす。",
    "疎なベクトルは転置インデックスで検索できます。",
    "彼女は毎朝コーヒーを飲みながら新聞を読みます。",
    "図書館で借りた本を明日までに返さなければならない。",
)


def save_checkpoint(folder: Path) -> Path:
    """Write a tiny random BERT with that tokenizer."""
    save_masked_lm(folder, "bert", initializer_range=0.05)
    for file in folder.glob("tokenizer*"):
        file.unlink()
    save_tokenizer(folder)
    return folder


def save_tokenizer(folder: Path, tokens: int = 64) -> transformers.BertJapaneseTokenizer:
    """Write a tokenizer whose vocabulary are the words and characters of `TEXTS`, and return it."""
    tagger = fugashi.GenericTagger(f"-d {unidic_lite.DICDIR} -r {unidic_lite.DICDIR}/mecabrc")
    words = [word.surface for text in TEXTS for word in tagger(text)]
    characters = sorted({character for text in TEXTS for character in text})
    vocabulary = dict.fromkeys([*SPECIAL, *words, *characters, *(f"##{one}" for one in characters)])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    tokenizer = transformers.BertJapaneseTokenizer(
        str(folder / "vocab.txt"),
        word_tokenizer_type="mecab",
        subword_tokenizer_type="wordpiece",
        mecab_kwargs={"mecab_dic": "unidic_lite"},
        model_max_length=tokens,
    )
    tokenizer.save_pretrained(folder)
    return tokenizer
