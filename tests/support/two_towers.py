"""A Router with a SPLADE of its own on each route: other weights, another tokenizer, another prompt and length."""

from __future__ import annotations

from pathlib import Path

import transformers
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.sparse_encoder.modules import SpladePooling
from tokenizers import normalizers, processors

from support.tiny_checkpoints import save_masked_lm

QUERY_LENGTH = 24


def save_two_towers(folder: Path) -> Path:
    """Write the checkpoint; its towers have random weights."""
    documents = save_masked_lm(folder.with_name(folder.name + "-document"), "bert", initializer_range=0.05)
    queries = save_masked_lm(
        folder.with_name(folder.name + "-query"), "bert", initializer_range=0.05, num_hidden_layers=1
    )
    _query_tokenizer(queries).save_pretrained(queries)
    towers = {
        f"{route}_modules": [Transformer(str(tower), transformer_task="fill-mask"), SpladePooling()]
        for route, tower in (("query", queries), ("document", documents))
    }
    router = Router.for_query_document(**towers)
    prompts = {"query": "search engine ", "document": ""}
    SparseEncoder(modules=[router], device="cpu", prompts=prompts).save_pretrained(str(folder), create_model_card=False)
    return folder


def _query_tokenizer(folder: Path) -> transformers.PreTrainedTokenizerFast:
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(folder)
    steps = tokenizer.backend_tokenizer
    steps.normalizer = normalizers.BertNormalizer(lowercase=False)
    steps.post_processor = processors.TemplateProcessing(
        single="[MASK] $A [SEP]", special_tokens=[("[MASK]", 4), ("[SEP]", 3)]
    )
    tokenizer.model_max_length = QUERY_LENGTH
    return tokenizer
