"""Write the checkpoint of a row: its modules, configuration and tokenizer, with two layers and random weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder, SparseStaticEmbedding, SpladePooling

from support import japanese
from support.decoder_checkpoints import as_masked_lm
from support.real_checkpoints import glosses
from support.token_weight_checkpoints import as_custom_code, save_modules, save_sparse_linear
from zoo import vocabularies
from zoo.rows import Row

CONFIGS = {
    "bert": "BertConfig",
    "deberta-v2": "DebertaV2Config",
    "distilbert": "DistilBertConfig",
    "gte": "GteConfig",
    "modernbert": "ModernBertConfig",
    "qwen3": "Qwen3Config",
    "roberta": "RobertaConfig",
    "xlm-roberta": "XLMRobertaConfig",
}
SMALL_HIDDEN, SMALL_VOCABULARY = 64, 9000
SPREAD = 0.05  # of the weights: far enough from linear that a wrong mask shows
ACTIVE_DIMS = 200  # of a text, as trained models have
NTK = 8.0  # GTE's fixed scaling of its frequencies
TRANSFORMS = ("vocab_transform", "transform.dense", "lm_head.dense", "head.dense")  # in front of a decoder


def write(row: Row, folder: Path, small: bool = False) -> Path:
    """Write the checkpoint of a row, and return its folder.

    Args:
        row: A row that is not refused.
        folder: Where.
        small: With a narrow transformer and few embeddings.
    """
    torch.manual_seed(0)
    build = {
        "bare": _bare,
        "splade": _splade,
        "two_towers": _two_towers,
        "splade_code": _splade_code,
        "inference_free": _inference_free,
        "csr": _csr,
        "bge_m3": _bge_m3,
        "gte_multilingual": _gte_multilingual,
    }[row.build]
    build(row, folder, small)
    return folder


def _bare(row: Row, folder: Path, small: bool) -> None:
    _masked_lm(row, row.backbone, row.shape, folder, small)


def _splade(row: Row, folder: Path, small: bool) -> None:
    _save(folder, _splade_modules(row, row.backbone, row.shape, folder.with_name(f"{folder.name}-bare"), small))


def _two_towers(row: Row, folder: Path, small: bool) -> None:
    towers = {"document": (row.backbone, row.shape), "query": row.more["query"]}
    modules = {
        name: _splade_modules(row, *tower, folder.with_name(f"{folder.name}-{name}"), small)
        for name, tower in towers.items()
    }
    _save(folder, [Router.for_query_document(query_modules=modules["query"], document_modules=modules["document"])])


def _splade_code(row: Row, folder: Path, small: bool) -> None:
    config = _config(row, row.backbone, row.shape, small, is_causal=False, tie_word_embeddings=True)
    model = transformers.Qwen3ForCausalLM(config).eval()
    tokenizer = vocabularies.save(row.tokenizer, row.tokens, folder, padding_side="left")
    _silence_decoder(model, tokenizer)
    model.save_pretrained(folder)
    as_masked_lm(folder)


def _inference_free(row: Row, folder: Path, small: bool) -> None:
    bare = folder.with_name(f"{folder.name}-bare")
    document, pooling = _splade_modules(row, row.backbone, row.shape, bare, small)
    size = len(document.tokenizer)
    weight = torch.rand(size) * 10 if row.more.get("idf", True) else torch.ones(size)
    query = SparseStaticEmbedding(tokenizer=document.tokenizer, weight=weight)
    _save(folder, [Router.for_query_document(query_modules=[query], document_modules=[document, pooling])])
    if row.backbone == "gte":
        as_custom_code(folder / "document_0_Transformer", "NewForMaskedLM")


def _csr(row: Row, folder: Path, small: bool) -> None:
    bare = folder.with_name(f"{folder.name}-bare")
    model = transformers.AutoModel.from_config(_config(row, row.backbone, row.shape, small)).eval()
    model.save_pretrained(bare)
    side = "left" if row.more["pooling"] == "lasttoken" else "right"
    vocabularies.save(row.tokenizer, row.tokens, bare, side)
    width, features, k = model.config.hidden_size, row.more["features"], row.more["k"]
    if small:
        features, k = 512, 32
    autoencoder = SparseAutoEncoder(input_dim=width, hidden_dim=features, k=k, k_aux=k, normalize=False)
    _save(folder, [Transformer(str(bare)), Pooling(width, pooling_mode=row.more["pooling"]), autoencoder])


def _bge_m3(row: Row, folder: Path, small: bool) -> None:
    model = transformers.XLMRobertaModel(_config(row, row.backbone, row.shape, small)).eval()
    save_modules(folder, model, _tokenizer_of(row))
    save_sparse_linear(folder, model.config.hidden_size)


def _gte_multilingual(row: Row, folder: Path, small: bool) -> None:
    config = _config(row, row.backbone, row.shape, small, num_labels=1)
    model = transformers.GteForTokenClassification(config).eval()
    model.classifier.bias.data.fill_(0.5)
    save_modules(folder, model.base_model, _tokenizer_of(row))
    model.save_pretrained(folder)
    as_custom_code(folder, "NewForTokenClassification")


def _tokenizer_of(row: Row) -> Any:
    return lambda folder: vocabularies.save(row.tokenizer, row.tokens, folder)


def _splade_modules(row: Row, backbone: str, shape: Mapping[str, Any], bare: Path, small: bool) -> list[Any]:
    _masked_lm(row, backbone, shape, bare, small)
    activation = row.more.get("activation", "relu")
    return [Transformer(str(bare), transformer_task="fill-mask"), SpladePooling(activation_function=activation)]


def _masked_lm(row: Row, backbone: str, shape: Mapping[str, Any], folder: Path, small: bool) -> None:
    model = transformers.AutoModelForMaskedLM.from_config(_config(row, backbone, shape, small)).eval()
    tokenizer = vocabularies.save(row.tokenizer, row.tokens, folder)
    _silence_decoder(model, tokenizer)
    model.save_pretrained(folder)


def _config(row: Row, backbone: str, shape: Mapping[str, Any], small: bool, **more: Any) -> Any:
    settings = {"max_position_embeddings": row.tokens + 2, "initializer_range": SPREAD, **shape, **more}
    settings["n_layers" if backbone == "distilbert" else "num_hidden_layers"] = 2
    settings["vocab_size"] = SMALL_VOCABULARY if small else row.vocabulary
    first, pad, last = (0, 1, 2) if row.tokenizer != "wordpiece" else (2, 0, 3)
    settings |= {"bos_token_id": first, "pad_token_id": pad, "eos_token_id": last}
    if backbone == "modernbert":
        settings |= {"cls_token_id": first, "sep_token_id": last, "global_attn_every_n_layers": 2}
    if small:
        settings |= _narrow(backbone)
    if backbone == "gte":
        head = settings["hidden_size"] // settings["num_attention_heads"]
        rope = {"rope_type": "linear", "rope_theta": 20_000.0 * NTK, "factor": NTK ** (2 / head)}
        settings["rope_parameters"] = rope
    return getattr(transformers, CONFIGS[backbone])(**settings)


def _narrow(backbone: str) -> dict[str, Any]:
    if backbone == "distilbert":
        return {"dim": SMALL_HIDDEN, "n_heads": 4, "hidden_dim": 2 * SMALL_HIDDEN}
    heads = {"num_key_value_heads": 2, "head_dim": 16} if backbone == "qwen3" else {}
    return {"hidden_size": SMALL_HIDDEN, "num_attention_heads": 4, "intermediate_size": 2 * SMALL_HIDDEN, **heads}


def _silence_decoder(model: Any, tokenizer: Any) -> None:
    """Let the words of a text get its largest weights, and most of the vocabulary none, as in a trained model.

    With random matrices every weight lies just above 0, where any rounding moves it in or out.
    """
    with torch.no_grad():
        for name, module in model.named_modules():
            if name.endswith(TRANSFORMS):
                module.weight.copy_(torch.eye(len(module.weight)))
        texts = glosses(16) if hasattr(tokenizer, "backend_tokenizer") else japanese.TEXTS
        constant = getattr(model.get_output_embeddings(), "bias", None) is None
        if constant:  # no bias: features that every token has, no larger than others, stand in for it
            alike = slice(0, model.config.hidden_size // 16)
            model.get_input_embeddings().weight[:, alike] = SPREAD
            for layer in model.model.layers:  # none of which changes them
                layer.self_attn.o_proj.weight[alike] = 0.0
                layer.mlp.down_proj.weight[alike] = 0.0
            model.model.norm.weight[alike] = 0.0
        rows = [model(**tokenizer(text, return_tensors="pt", return_token_type_ids=False)) for text in texts]
        highest = torch.stack([row.logits.amax(1)[0] for row in rows])
        threshold = float(highest.flatten().sort(descending=True).values[ACTIVE_DIMS * len(texts)])
        if not constant:
            model.get_output_embeddings().bias.fill_(-threshold)
            return
        model.model.norm.weight[alike] = 1.0
        inputs = tokenizer(texts[0], return_tensors="pt", return_token_type_ids=False)
        share = float(model.model(**inputs).last_hidden_state[..., alike].sum(-1).mean()) * SPREAD
        model.model.norm.weight[alike] = -threshold / share


def _save(folder: Path, modules: list[Any]) -> None:
    SparseEncoder(modules=modules, device="cpu").save_pretrained(str(folder), create_model_card=False)
