"""Checkpoints of the other two families around the real models of `make models`, trained for some seconds and kept."""

from __future__ import annotations

import fcntl
import json
import math
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer, SparseEncoder
from sentence_transformers.base.modules import Router
from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder, SparseStaticEmbedding

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
CACHE = ROOT / "build" / "test-checkpoints"
STEPS, BATCH = 300, 256


def glosses(count: int) -> list[str]:
    """Return definitions from WordNet's nouns, the same ones each time."""
    lines = (MODELS / "wordnet" / "data.noun").read_text(encoding="utf-8").splitlines()
    found = [line.partition("|")[2].strip() for line in lines if "|" in line and not line.startswith(" ")]
    return random.Random(0).sample(found, count)


def trained_csr() -> Path:
    """Return a sparse autoencoder, 384 -> 1536 features of which 64 are kept, trained on MiniLM's embeddings."""
    return _cached("csr-minilm", _train_csr)


def idf_inference_free() -> Path:
    """Return splade-tiny for documents with a query table of inverse document frequencies over the glosses."""
    return _cached("inference-free-splade-tiny", _build_inference_free)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let other workers wait for what this one makes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def gloss_collection() -> Path:
    """Return a BEIR folder: glosses, and the first half of every fourth one as a query that is to find it."""
    folder = CACHE / "glosses-beir"
    with locked(folder):
        return folder if folder.is_dir() else _write_collection(folder)


def _write_collection(folder: Path) -> Path:
    temporary = folder.with_name(".glosses-beir")
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / "qrels").mkdir(parents=True)
    documents = list(enumerate(glosses(400)))
    queries = [(number, text[: len(text) // 2]) for number, text in documents[::4] if len(text) > 40]
    for name, rows in (("corpus", documents), ("queries", queries)):
        lines = [json.dumps({"_id": f"{name}-{number}", "text": text}) + "\n" for number, text in rows]
        (temporary / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    judged = [f"queries-{number}\tcorpus-{number}\t1\n" for number, _ in queries]
    (temporary / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged))
    temporary.rename(folder)
    return folder


def _cached(name: str, build: object) -> Path:
    folder = CACHE / name
    with locked(folder):
        if not folder.is_dir():
            temporary = folder.with_name(f".{name}")
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            build().save_pretrained(str(temporary), create_model_card=False)  # type: ignore[operator]
            temporary.rename(folder)
    return folder


def _train_csr() -> SparseEncoder:
    dense = SentenceTransformer(str(MODELS / "all-MiniLM-L6-v2"), device="cpu")
    embeddings = dense.encode(glosses(4000), convert_to_tensor=True, batch_size=64, show_progress_bar=False).clone()
    torch.manual_seed(0)
    autoencoder = SparseAutoEncoder(input_dim=384, hidden_dim=1536, k=64, k_aux=128)
    with torch.no_grad():
        autoencoder.pre_bias.copy_(embeddings.mean(dim=0))
    optimizer = torch.optim.Adam(autoencoder.parameters(), lr=1e-3)
    for _ in range(STEPS):
        batch = embeddings[torch.randint(len(embeddings), (BATCH,))]
        decoded = autoencoder({"sentence_embedding": batch})["decoded_embedding_k"]
        loss = torch.nn.functional.mse_loss(decoded, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return SparseEncoder(modules=[*dense, autoencoder], device="cpu")


def _build_inference_free() -> SparseEncoder:
    splade = SparseEncoder(str(MODELS / "splade-tiny"), device="cpu")
    texts = glosses(4000)
    ids = splade.tokenizer(texts, add_special_tokens=False)["input_ids"]
    counts = Counter(token for text in ids for token in set(text))
    weight = torch.tensor(
        [math.log(1 + len(texts) / (1 + counts[token])) for token in range(len(splade.tokenizer.get_vocab()))]
    )
    query = SparseStaticEmbedding(tokenizer=splade.tokenizer, weight=weight)
    router = Router.for_query_document(query_modules=[query], document_modules=[splade[0], splade[1]])  # type: ignore[list-item]
    return SparseEncoder(modules=[router], device="cpu")
