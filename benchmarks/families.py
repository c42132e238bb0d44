"""Every family in every precision from real models: size, parity with PyTorch, speed, as a Markdown table."""

import argparse
import sys
import time
from pathlib import Path

from passages import ROOT, passages

sys.path.insert(0, str(ROOT / "tests"))
BUNDLES = ROOT / "build" / "bench" / "families"
HEAD = (
    "family", "precision", "graphs MB", "largest difference", "mean cosine", "worst cosine", "top-64 overlap",
    "in float", "docs/s",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--texts", type=int, default=128, help="passages of about 90 words")
    texts = passages(parser.parse_args().texts, 90)
    from support.real_checkpoints import MODELS, idf_inference_free, trained_csr

    models = {"splade": MODELS / "splade-tiny", "inference-free": idf_inference_free(), "csr": trained_csr()}
    rows = [HEAD, ("---",) * len(HEAD)]
    for family, model in models.items():
        for precision in ("fp32", "fp16", "int8"):
            rows.append(measure(family, model, precision, texts))
    print("\n".join("| " + " | ".join(row) + " |" for row in rows))


def measure(family: str, model: Path, precision: str, texts: list[str]) -> tuple[str, ...]:
    """Export one bundle and encode the texts with it."""
    from sparse_export import ExportOptions, Precision, export
    from support.real_checkpoints import gloss_collection

    output = BUNDLES / f"{family}-{precision}"
    # int8 features miss the promise of int8 vectors: ranking decides.
    collection = gloss_collection() if (family, precision) == ("csr", "int8") else None
    options = ExportOptions(str(model), output, precision=Precision(precision), eval_data=collection, force=True)
    content = export(options)
    report = content.parity["document"]["padded"]
    size = sum(file.size for name, file in content.files.items() if ".onnx" in name)
    return (
        family,
        precision,
        f"{size / 1e6:.1f}",
        f"{report.max_difference:.1e}",
        f"{report.mean_cosine:.4f}",
        f"{report.worst_cosine:.4f}",
        f"{report.overlap:.3f}",
        str(len(content.in_float)),
        "for GPU" if precision == "fp16" else f"{speed(output, texts):.0f}",
    )


def speed(bundle: Path, texts: list[str]) -> float:
    """Return documents a second, the best of three rounds."""
    from sparse_client import LocalEncoder

    encoder = LocalEncoder(bundle)
    encoder.encode_documents(texts[:32])
    best = 0.0
    for _ in range(3):
        started = time.perf_counter()
        encoder.encode_documents(texts)
        best = max(best, len(texts) / (time.perf_counter() - started))
    return best


if __name__ == "__main__":
    main()
