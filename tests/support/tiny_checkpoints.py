"""Random checkpoints of every backbone that is tested, small enough to be made anew in each test run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder, SparseStaticEmbedding, SpladePooling
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = (
    "the a of and to in is on by from how train water bread patient doctor museum search engine weather lovely today "
    "fish whale sea bank rate volcano leaf green bridge river violin law code check memory it was that with for are"
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
VOCABULARY = list(
    dict.fromkeys([*SPECIAL, *WORDS.split(), *_LETTERS, ".", ",", *(f"##{letter}" for letter in _LETTERS)])
)
UNIT = 3  # the one of a layer that a test changes
PADDED_VOCABULARY = 512  # larger than the tokenizer, and more than one block of the head

COMMON: dict[str, Any] = {
    "vocab_size": PADDED_VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 80,
    "pad_token_id": 0,
    "initializer_range": 0.2,  # far from linear, so that a wrong mask or window shows
}
# What differs from COMMON. local_attention: a window that is shorter than the texts.
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("BertConfig", {}),
    "distilbert": ("DistilBertConfig", {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}),
    "roberta": ("RobertaConfig", {}),
    "xlm-roberta": ("XLMRobertaConfig", {}),
    "camembert": ("CamembertConfig", {}),
    "modernbert": (
        "ModernBertConfig",
        {"local_attention": 8, "global_attn_every_n_layers": 2, "initializer_cutoff_factor": 5.0}
        | {"bos_token_id": 2, "cls_token_id": 2, "eos_token_id": 3, "sep_token_id": 3},
    ),
    "mpnet": ("MPNetConfig", {}),
    "electra": ("ElectraConfig", {"embedding_size": 16}),
    "deberta-v2": (
        "DebertaV2Config",
        {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 16}
        | {"norm_rel_ebd": "layer_norm", "share_att_key": True, "type_vocab_size": 0, "position_biased_input": False},
    ),
    "albert": ("AlbertConfig", {"embedding_size": 16}),
    "gte": ("GteConfig", {}),
    "nomic_bert": ("NomicBertConfig", {}),
    "jina_embeddings_v3": ("JinaEmbeddingsV3Config", {}),
    "mobilebert": (
        "MobileBertConfig",
        {"embedding_size": 16, "intra_bottleneck_size": 16, "num_feedforward_networks": 2},
    ),
    "convbert": ("ConvBertConfig", {"embedding_size": 16, "conv_kernel_size": 3}),
    "rembert": ("RemBertConfig", {"input_embedding_size": 16, "output_embedding_size": 24}),
    "roformer": ("RoFormerConfig", {"embedding_size": 16}),
    "ernie": ("ErnieConfig", {"task_type_vocab_size": 3, "use_task_id": True}),
    "xlm-roberta-xl": ("XLMRobertaXLConfig", {}),
    "eurobert": ("EuroBertConfig", {"num_key_value_heads": 2, "bos_token_id": 2, "eos_token_id": 3}),
}


def tiny_tokenizer(padding_side: str = "right") -> transformers.PreTrainedTokenizerFast:
    """Return a lowercasing WordPiece tokenizer over `VOCABULARY`."""
    tokenizer = Tokenizer(models.WordPiece({word: index for index, word in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=64, padding_side=padding_side, **names
    )


def save_masked_lm(folder: Path, model_type: str, *, padding_side: str = "right", **changes: Any) -> Path:
    """Write a bare masked language model with random weights; the same call gives the same weights."""
    name, extra = CONFIGS[model_type]
    config = getattr(transformers, name)(**{**COMMON, **extra, **changes})
    torch.manual_seed(0)
    model = transformers.AutoModelForMaskedLM.from_config(config).eval()
    with torch.no_grad():
        bias = getattr(model.get_output_embeddings(), "bias", None)
        if bias is not None:
            bias.normal_()
    model.save_pretrained(folder)
    tiny_tokenizer(padding_side).save_pretrained(folder)
    return folder


def save_splade(
    folder: Path,
    pooling: Any = "max",
    activation: Any = "relu",
    bare: Mapping[str, Any] | None = None,
    **more: Any,
) -> Path:
    """Write a SparseEncoder folder around a random BERT, `bare` being what differs in its configuration."""
    # Weights of ordinary size: summed over 64 tokens, the rounding of wild ones is more than fp16 promises.
    changes = {"initializer_range": 0.05, **(bare or {})}
    model = save_masked_lm(folder.with_name(folder.name + "-bare"), "bert", **changes)
    transformer = Transformer(str(model), transformer_task="fill-mask")
    modules = [transformer, SpladePooling(pooling_strategy=pooling, activation_function=activation)]
    SparseEncoder(modules=modules, device="cpu", **more).save_pretrained(str(folder), create_model_card=False)
    return folder


def save_inference_free(folder: Path, weight: torch.Tensor | None = None, **more: Any) -> Path:
    """Write a Router: a static table with negative and zero weights for queries, a random SPLADE for documents."""
    bare = save_masked_lm(folder.with_name(folder.name + "-bare"), "bert", initializer_range=0.05)
    document = Transformer(str(bare), transformer_task="fill-mask")
    table = torch.randn(len(VOCABULARY), generator=torch.Generator().manual_seed(0)) if weight is None else weight
    table[5] = 0.0  # "the" counts for nothing
    query = SparseStaticEmbedding(tokenizer=document.tokenizer, weight=table)
    router = Router.for_query_document(query_modules=[query], document_modules=[document, SpladePooling()])
    SparseEncoder(modules=[router], device="cpu", **more).save_pretrained(str(folder), create_model_card=False)
    return folder


def save_two_towers(
    folder: Path, query: str = "bert", document: str = "distilbert", spread: float = 0.05, **more: Any
) -> Path:
    """Write a Router with a SPLADE of its own on each route: other weights, by default other architectures."""
    towers = {}
    # Two of one type differ in their weights by another range.
    for route, model_type, width in (("query", query, spread), ("document", document, 1.2 * spread)):
        bare = save_masked_lm(folder.with_name(f"{folder.name}-{route}"), model_type, initializer_range=width)
        towers[route] = [Transformer(str(bare), transformer_task="fill-mask"), SpladePooling()]
    router = Router.for_query_document(query_modules=towers["query"], document_modules=towers["document"])
    SparseEncoder(modules=[router], device="cpu", **more).save_pretrained(str(folder), create_model_card=False)
    return folder


def save_csr(folder: Path, pooling: str = "mean", between: Sequence[torch.nn.Module] = (), **autoencoder: Any) -> Path:
    """Write a sparse autoencoder with random weights on a random BERT."""
    bare = folder.with_name(folder.name + "-bare")
    torch.manual_seed(0)
    name, extra = CONFIGS["bert"]
    model = transformers.AutoModel.from_config(getattr(transformers, name)(**{**COMMON, **extra}))
    model.save_pretrained(bare)
    tiny_tokenizer().save_pretrained(bare)
    features = SparseAutoEncoder(**{"input_dim": 32, "hidden_dim": 128, "k": 16, "k_aux": 8, **autoencoder})
    with torch.no_grad():
        features.pre_bias.normal_(0, 0.1)
        features.latent_bias.normal_(0, 0.1)
    modules = [Transformer(str(bare)), Pooling(32, pooling_mode=pooling), *between, features]
    SparseEncoder(modules=modules, device="cpu").save_pretrained(str(folder), create_model_card=False)
    return folder


def unbalance_an_attention(tensors: dict[str, torch.Tensor]) -> None:
    """Make a value 256 times smaller and its weight in the output as much larger: 8 bits see nothing beside it."""
    attention = "bert.encoder.layer.0.attention"
    tensors[f"{attention}.self.value.weight"][UNIT] /= 256
    tensors[f"{attention}.self.value.bias"][UNIT] /= 256
    tensors[f"{attention}.output.dense.weight"][:, UNIT] *= 256


# One bundle for each family and each precision, to be served or looked at.
FAMILIES = {
    "splade": save_splade,
    "inference-free": save_inference_free,
    "csr": save_csr,
    "two-towers": save_two_towers,  # of the family splade
}
TINY_BUNDLES = (
    ("splade", "fp32"),
    ("splade", "fp16"),
    ("splade", "int8"),
    ("inference-free", "int8"),
    ("csr", "fp16"),
    ("two-towers", "fp32"),
    ("two-towers", "int8"),
)
