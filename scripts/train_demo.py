"""Train three families on WordNet's pairs, and show what changed: `make train-demo`.

Every model is read by sentence-transformers alone; the metrics are those that training logged at its start and end, but
for the start of SPLADE, which takes two trainings.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ("wordnet-expansion", "wordnet-splade", "wordnet-inference-free", "wordnet-csr")
FOLDER = ROOT / "training" / "sparse_train" / "recipes"
START = ROOT / "models" / "splade-tiny"
SENTENCE = "The patient complained of severe cephalalgia."
TOP = 10


def train(name: str) -> None:
    """Run one recipe as a user would."""
    command = Path(sys.executable).with_name("sparse-train")
    subprocess.run([command, FOLDER / f"{name}.yaml", "--force"], cwd=ROOT, check=True)


def metrics(name: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return the metrics before and after."""
    state = json.loads((ROOT / "build" / f"{name}.run" / "trainer_state.json").read_text("utf-8"))
    found: list[dict[str, Any]] = [log for log in state["log_history"] if "eval_wordnet_dot_ndcg@10" in log]
    return found[0] if name != "wordnet-splade" else metrics_of(START), found[-1]


def metrics_of(folder: Path) -> dict[str, float]:
    """Measure as the recipe of SPLADE does."""
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sparse_encoder.evaluation import SparseInformationRetrievalEvaluator

    from sparse_train.data.beir import read_beir
    from sparse_train.recipe.load import read_recipe

    model: Any = SparseEncoder(str(folder), device="cpu")
    model.max_seq_length = read_recipe(FOLDER / "wordnet-splade.yaml").model.max_length
    collection: Any = read_beir(ROOT / "build" / "wordnet" / "beir")
    evaluator = SparseInformationRetrievalEvaluator(**collection, name="eval_wordnet", batch_size=64)
    return evaluator(model)


def strongest(folder: Path) -> list[tuple[str, float]]:
    """Return the strongest tokens that a model gives the sentence."""
    from sentence_transformers import SparseEncoder

    model = SparseEncoder(str(folder), device="cpu")
    found: Any = model.decode(model.encode_document([SENTENCE]), top_k=TOP)
    return list(found[0])


def main() -> None:
    """Train, then print two tables."""
    for name in RECIPES:
        train(name)
    print("| | nDCG@10 before | after | active dimensions of a query, a document before | after |")
    print("| --- | --- | --- | --- | --- |")
    for name in RECIPES[1:]:
        scores, sizes = [], []
        for log in metrics(name):
            scores.append(f"{log['eval_wordnet_dot_ndcg@10']:.3f}")
            parts = (log[f"eval_wordnet_{part}_active_dims"] for part in ("query", "corpus"))
            sizes.append(", ".join(f"{part:.0f}" for part in parts))
        print(f"| {name} | {' | '.join(scores)} | {' | '.join(sizes)} |")
    print(f"\n{SENTENCE}")
    for when, folder in (("before", START), ("after", ROOT / "build" / "wordnet-splade")):
        print(f"{when}: " + ", ".join(f"{token} {weight:.2f}" for token, weight in strongest(folder)))


if __name__ == "__main__":
    main()
