"""Decoder-only checkpoints with random weights: under an autoencoder, and as a masked language model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder

from support.tiny_checkpoints import COMMON, tiny_tokenizer

CODE = """
from transformers import Qwen3ForCausalLM

class Qwen3ForMaskedLM(Qwen3ForCausalLM):
    pass
"""


def save_qwen3(folder: Path, padding_side: str, **changes: Any) -> Path:
    torch.manual_seed(0)
    settings = {**COMMON, "num_key_value_heads": 2, "head_dim": 8, "bos_token_id": 2, "eos_token_id": 3, **changes}
    model = transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**settings)).eval()
    model.save_pretrained(folder)
    tiny_tokenizer(padding_side).save_pretrained(folder)
    return folder


def save_causal_csr(folder: Path, padding_side: str = "left", is_causal: bool = True) -> Path:
    """Write Qwen3 with last-token pooling and an autoencoder, as CSRv2 has it."""
    bare = save_qwen3(folder.with_name(folder.name + "-bare"), padding_side, is_causal=is_causal)
    features = SparseAutoEncoder(input_dim=32, hidden_dim=128, k=128, k_aux=8)
    modules = [Transformer(str(bare)), Pooling(32, pooling_mode="lasttoken"), features]
    SparseEncoder(modules=modules, device="cpu").save_pretrained(str(folder), create_model_card=False)
    return folder


def save_splade_code(folder: Path, padding_side: str) -> Path:
    """Write Qwen3 made bidirectional, loaded as a masked language model by code of its own: as naver/splade-code."""
    as_masked_lm(save_qwen3(folder, padding_side, is_causal=False))
    return folder


def as_masked_lm(folder: Path) -> None:
    """Let code of its own load a saved Qwen3 as a masked language model."""
    (folder / "modeling_splade.py").write_text(CODE)
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "architectures": ["Qwen3ForMaskedLM"],
        "auto_map": {"AutoModelForMaskedLM": "modeling_splade.Qwen3ForMaskedLM"},
    }
    (folder / "config.json").write_text(json.dumps(config))
