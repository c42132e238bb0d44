"""Checkpoints with a weight per token, of the shape of BAAI/bge-m3 and of Alibaba-NLP/gte-multilingual-base."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import sentencepiece
import torch
import transformers
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers.utils.sentencepiece_model_pb2_new import ModelProto

from support.tiny_checkpoints import COMMON, WORDS

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
VOCABULARY = 600
IDS = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}


@cache
def unigram() -> Tokenizer:
    """Return a Unigram tokenizer with a precompiled normalizer, as XLM-R's; trained on a few words."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([WORDS] * 50),
        model_writer=written,
        vocab_size=120,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    proto = ModelProto()
    proto.ParseFromString(written.getvalue())
    pieces = [(piece.piece, piece.score) for piece in proto.pieces if piece.type == 1]
    vocabulary = [*((token, 0.0) for token in SPECIAL), *pieces, ("<mask>", 0.0)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    words = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(words)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def save_bge_m3(folder: Path, pooling: str = "cls", modules: bool = True, **changes: Any) -> Path:
    """Write an XLM-R with random weights and `sparse_linear.pt` beside it."""
    torch.manual_seed(0)
    settings = {**COMMON, **IDS, "vocab_size": VOCABULARY, **changes}
    model = transformers.XLMRobertaModel(transformers.XLMRobertaConfig(**settings)).eval()
    if modules:
        save_modules(folder, model, save_tokenizer, pooling)
    else:
        model.save_pretrained(folder)
        save_tokenizer(folder)
    save_sparse_linear(folder, model.config.hidden_size)
    return folder


def save_sparse_linear(folder: Path, hidden: int) -> None:
    """Write `sparse_linear.pt` with random weights, and its neighbour of another use."""
    layer = torch.nn.Linear(hidden, 1).half()
    layer.bias.data.fill_(1.0)  # nearly every token has a weight
    torch.save(layer.state_dict(), folder / "sparse_linear.pt")
    torch.save(torch.nn.Linear(hidden, hidden).half().state_dict(), folder / "colbert_linear.pt")


def save_gte(folder: Path, **changes: Any) -> Path:
    """Write a GTE of `model_type: new` with a token classifier, as Alibaba-NLP/gte-multilingual-base has it."""
    torch.manual_seed(0)
    config = transformers.GteConfig(**gte_settings(num_labels=1))
    model = transformers.GteForTokenClassification(config).eval()
    model.classifier.bias.data.fill_(0.5)
    save_modules(folder, model.base_model, save_tokenizer)
    model.save_pretrained(folder)  # with the classifier
    as_custom_code(folder, "NewForTokenClassification", **changes)
    return folder


def gte_settings(**more: Any) -> dict[str, Any]:
    """Return settings of transformers' GTE, with frequencies of base 20,000, fixed NTK scaling by 8, heads of 8."""
    shared = {name: value for name, value in COMMON.items() if name != "initializer_range"}
    rope = {"rope_type": "linear", "rope_theta": 160_000.0, "factor": 8 ** (2 / 8)}
    return {**shared, **IDS, "vocab_size": VOCABULARY, "rope_parameters": rope, "initializer_range": 0.2, **more}


def as_custom_code(folder: Path, architecture: str, **changes: Any) -> None:
    """Turn a saved GTE of transformers into one of `model_type: new`: configuration and names of weights."""
    config = json.loads((folder / "config.json").read_text())
    del config["rope_parameters"]
    config |= {"model_type": "new", "architectures": ["NewModel", architecture], "pack_qkv": True}
    config |= {"position_embedding_type": "rope", "layer_norm_type": "layer_norm", "logn_attention_scale": False}
    config |= {"rope_theta": 20_000, "rope_scaling": {"factor": 8.0, "type": "ntk"}, "unpad_inputs": False}
    config |= {"auto_map": {"AutoModel": "Alibaba-NLP/new-impl--modeling.NewModel"}, "id2label": {"0": "LABEL_0"}}
    (folder / "config.json").write_text(json.dumps(config | changes))
    tensors = load_file(folder / "model.safetensors")
    renamed = {re.sub(r"^gte\.", "new.", name): tensor for name, tensor in tensors.items()}
    save_file(renamed, folder / "model.safetensors", {"format": "pt"})


def save_tokenizer(folder: Path) -> None:
    """Write `unigram`."""
    names = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>"}
    names |= {"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=unigram(), model_max_length=64, **names).save_pretrained(
        folder
    )


def save_modules(folder: Path, model: Any, tokenizer: Callable[[Path], object], pooling: str = "cls") -> None:
    """Write a dense encoder of sentence-transformers; `tokenizer` writes the files of one."""
    bare = folder.with_name(folder.name + "-bare")
    model.save_pretrained(bare)
    tokenizer(bare)
    chain = [Transformer(str(bare)), Pooling(model.config.hidden_size, pooling_mode=pooling), Normalize()]
    SentenceTransformer(modules=chain, device="cpu").save_pretrained(str(folder), create_model_card=False)
