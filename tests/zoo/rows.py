"""The public models: what each consists of, or why it is not exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BASE = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
MINI = {"hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
DISTIL = {"dim": 768, "n_heads": 12, "hidden_dim": 3072}
LARGE = {"hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096}
MODERN = {**BASE, "intermediate_size": 1152}


@dataclass(frozen=True, slots=True)
class Row:
    """Models that are built alike.

    Attributes:
        ids: Their names on the hub.
        family: As a manifest names it.
        build: The function of `zoo.checkpoints` that writes one.
        backbone: `model_type` of the transformer.
        shape: Its configuration, but for the number of layers.
        vocabulary: Tokens of the embeddings.
        tokens: Tokens of a text.
        tokenizer: The function of `zoo.vocabularies` that makes the tokenizer.
        more: What else `build` takes.
        options: Options of the export.
        refused: One sentence that says why it is not exported; then nothing is built.
    """

    ids: tuple[str, ...]
    family: str = ""
    build: str = ""
    backbone: str = ""
    shape: Mapping[str, Any] = field(default_factory=dict)
    vocabulary: int = 30_522
    tokens: int = 512
    tokenizer: str = "wordpiece"
    more: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    refused: str | None = None

    @property
    def name(self) -> str:
        """A name for files."""
        return self.ids[0].rpartition("/")[2].lower()

    @property
    def path(self) -> tuple[str, str, str, str]:
        """What of the exporter it runs through; rows of the same path differ in sizes alone."""
        return self.family, self.build, self.backbone, self.tokenizer


OPENSEARCH = "opensearch-project/opensearch-neural-sparse-encoding"
CSR = "Y-Research-Group/CSR"

ROWS = (
    Row(
        ("naver/splade-cocondenser-ensembledistil", "naver/splade-cocondenser-selfdistil", "naver/splade-v3"),
        "splade",
        "splade",
        "bert",
        BASE,
    ),
    Row(("naver/splade-v3-distilbert", "naver/splade_v2_distil"), "splade", "splade", "distilbert", DISTIL),
    Row(("prithivida/Splade_PP_en_v1", "prithivida/Splade_PP_en_v2"), "splade", "bare", "bert", BASE),
    Row(
        ("rasyosef/splade-tiny",),
        "splade",
        "splade",
        "bert",
        {"hidden_size": 128, "num_attention_heads": 2, "intermediate_size": 512},
    ),
    Row(
        ("rasyosef/splade-mini", "rasyosef/splade-small"),
        "splade",
        "splade",
        "bert",
        {"hidden_size": 512, "num_attention_heads": 8, "intermediate_size": 2048},
    ),
    Row((f"{OPENSEARCH}-v1",), "splade", "splade", "bert", BASE, options=("--special-tokens", "drop")),
    Row((f"{OPENSEARCH}-v2-distill",), "splade", "splade", "distilbert", DISTIL),
    Row(
        ("ibm-granite/granite-embedding-30m-sparse",),
        "splade",
        "splade",
        "roberta",
        MINI,
        50_265,
        512,
        "byte_level_bpe",
    ),
    Row(
        ("telepix/PIXIE-Splade-Preview", "yjoonjang/splade-ko-v1"),
        "splade",
        "splade",
        "modernbert",
        MODERN,
        50_000,
        8192,
        "byte_level_bpe",
    ),
    Row(
        ("SPLADEs on jhu-clsp/ettin-encoder-150m",),
        "splade",
        "splade",
        "modernbert",
        MODERN,
        50_368,
        7999,
        "byte_level_bpe",
    ),
    Row(
        ("SPLADEs on jhu-clsp/mmBERT-base",),
        "splade",
        "splade",
        "modernbert",
        MODERN,
        256_000,
        8192,
        "bpe_with_bytes",
    ),
    Row(
        ("hotchpotch/japanese-splade-v2", "bizreach-inc/light-splade-japanese-56M"),
        "splade",
        "splade",
        "bert",
        BASE,
        32_768,
        tokenizer="japanese",
    ),
    Row(
        ("naver/efficient-splade-VI-BT-large-doc", "naver/efficient-splade-V-large-doc"),
        "splade",
        "two_towers",
        "distilbert",
        DISTIL,
        more={"query": ("bert", {"hidden_size": 128, "num_attention_heads": 2, "intermediate_size": 512})},
    ),
    Row(
        ("naver/splade-code-06B",),
        "splade",
        "splade_code",
        "qwen3",
        {
            "hidden_size": 1024,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "intermediate_size": 3072,
            "max_position_embeddings": 40_960,
        },
        151_936,
        40_960,
        "byte_level_bpe",
        options=("--trust-remote-code",),
    ),
    Row(("naver/splade-v3-doc",), "inference-free", "inference_free", "bert", BASE, more={"idf": False}),
    Row((f"{OPENSEARCH}-doc-v1",), "inference-free", "inference_free", "bert", BASE),
    Row((f"{OPENSEARCH}-doc-v2-distill",), "inference-free", "inference_free", "distilbert", DISTIL),
    Row((f"{OPENSEARCH}-doc-v2-mini",), "inference-free", "inference_free", "bert", MINI),
    Row(
        (f"{OPENSEARCH}-doc-v3-distill",),
        "inference-free",
        "inference_free",
        "distilbert",
        DISTIL,
        more={"activation": "log1p_relu"},
    ),
    Row(
        (f"{OPENSEARCH}-doc-v3-gte",),
        "inference-free",
        "inference_free",
        "gte",
        BASE,
        tokens=8192,
        more={"activation": "log1p_relu"},
    ),
    Row((f"{OPENSEARCH}-multilingual-v1",), "inference-free", "inference_free", "bert", BASE, 105_879),
    Row(
        ("yjoonjang/inference-free-splade-ko-v1",),
        "inference-free",
        "inference_free",
        "modernbert",
        MODERN,
        50_000,
        8192,
        "byte_level_bpe",
    ),
    Row(
        ("CATIE-AQ/SPLADE_camemberta2.0_STS",),
        "csr",
        "csr",
        "deberta-v2",
        {
            **BASE,
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_buckets": 256,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "type_vocab_size": 0,
            "position_biased_input": False,
        },
        32_768,
        more={"features": 4096, "k": 256, "pooling": "mean"},
    ),
    Row(
        (f"{CSR}v2-Qwen3-4B",),
        "csr",
        "csr",
        "qwen3",
        {
            "hidden_size": 2560,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "intermediate_size": 9728,
            "max_position_embeddings": 40_960,
        },
        151_936,
        40_960,
        "byte_level_bpe",
        more={"features": 16_384, "k": 32, "pooling": "lasttoken"},
    ),
    Row(("BAAI/bge-m3",), "token-weights", "bge_m3", "xlm-roberta", LARGE, 250_002, 8192, "unigram"),
    Row(
        ("Alibaba-NLP/gte-multilingual-base",),
        "token-weights",
        "gte_multilingual",
        "gte",
        BASE,
        250_048,
        8192,
        "unigram",
    ),
    Row(
        (f"{CSR}-NV_Embed_v2-*",),
        refused="NV-Embed's own code pools with latents and is not exported; export the autoencoder alone "
        "(`--sae-only`) and give it the embeddings.",
    ),
    Row(
        ("naver/splade-v3-lexical",),
        refused="Its queries are said to weigh their own words only, and nobody here could look at its files; as "
        "a plain SPLADE its vectors would be wrong.",
    ),
    Row(
        ("naver/splade-code-8B",),
        refused="It is LoRA on a decoder of 8 billion parameters, which no test here has run; "
        "naver/splade-code-06B is exported.",
    ),
    Row(
        ("SPLARE",),
        refused="It has an autoencoder for each token and the largest feature over all tokens, a family that is not "
        "exported.",
    ),
    Row(
        ("Qdrant/minicoil-v1",),
        refused="It weighs the words of a text by small models of each word, not by a transformer with a sparse head.",
    ),
    Row(
        ("Qdrant/bm42-all-minilm-l6-v2-attentions",),
        refused="It takes the attention of [CLS] as weights, which a SparseEncoder does not have.",
    ),
    Row(("ELSER",), refused="Elastic publishes ELSER for its own engine only."),
    Row(
        ("lsr42/*",),
        refused="These have code of their own and no modules of sentence-transformers; save one as a SparseEncoder.",
    ),
    Row(("v-splade",), refused="It encodes images; exported are encoders of text."),
)
