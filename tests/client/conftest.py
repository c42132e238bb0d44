"""Bundles that differ from the real one in one thing."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sparse_client import LocalEncoder
from sparse_client.bundle.sessions import Sessions
from support.bundle_copies import Copy

# Every token id that is not masked weighs its id / 1000, odd ids less than 0: easy to foretell.
DENSE = """<ir_version: 10, opset_import: ["": 18]>
g (int64[b, s] input_ids, int64[b, s] attention_mask) => (float[b, v] sentence_embedding)
<int64 depth = {30522}, float[2] on_off = {0.0, 1.0}, int64[1] one = {1}, int64 first = {0}, int64 last = {30522},
 int64 step = {1}, int64 two = {2}, float thousand = {1000.0}> {
  ids = Mul (input_ids, attention_mask)
  seen = OneHot <axis = -1> (ids, depth, on_off)
  mask = Unsqueeze (attention_mask, two)
  kept = CastLike (mask, seen)
  masked = Mul (seen, kept)
  present = ReduceMax <keepdims = 0> (masked, one)
  range = Range (first, last, step)
  odd = Mod (range, two)
  twice = Mul (odd, two)
  sign = Sub (step, twice)
  signed = Mul (range, sign)
  scaled = CastLike (signed, thousand)
  weights = Div (scaled, thousand)
  sentence_embedding = Mul (present, weights)
}"""


@pytest.fixture(scope="session")
def encoder(splade_bundle: Path) -> LocalEncoder:
    return LocalEncoder(splade_bundle)


@pytest.fixture
def copy(splade_bundle: Path, tmp_path: Path) -> Copy:
    return Copy(Path(shutil.copytree(splade_bundle, tmp_path / "copy")))


@pytest.fixture(scope="session")
def copy_type() -> type[Copy]:
    return Copy


@pytest.fixture
def dense(copy: Copy) -> Copy:
    """A bundle whose documents are dense embeddings, see DENSE."""
    copy.put_graph("document.onnx", DENSE)
    copy.manifest["output"] = "dense"
    copy.save()
    return copy


@pytest.fixture
def shapes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shape of every batch that a graph runs from now on."""
    seen: list[tuple[int, ...]] = []
    original = Sessions.run

    def run(self: Sessions, graph: str, inputs: Any, wanted: Any) -> Any:
        seen.append(next(iter(inputs.values())).shape)
        return original(self, graph, inputs, wanted)

    monkeypatch.setattr(Sessions, "run", run)
    return seen


def _exported(checkpoint: Path, output: Path, **options: Any) -> Path:
    from sparse_export import ExportOptions
    from sparse_export.pipeline.export import export

    export(ExportOptions(model=str(checkpoint), output=output, **options))
    return output


@pytest.fixture(scope="session")
def tiny_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a tiny inference-free model, some weights of which are negative and one 0."""
    from support.tiny_checkpoints import save_inference_free

    return save_inference_free(tmp_path_factory.mktemp("table") / "checkpoint")


@pytest.fixture(scope="session")
def tiny_table_bundle(tiny_table: Path) -> Path:
    return _exported(tiny_table, tiny_table.with_name("bundle"))


@pytest.fixture(scope="session")
def limited_table_bundle(tiny_table: Path) -> Path:
    """The tiny inference-free model, exported with at most 3 active dimensions."""
    return _exported(tiny_table, tiny_table.with_name("limited"), max_active_dims=3)


@pytest.fixture(scope="session")
def autoencoder_bundle(csr_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The autoencoder of the csr model alone."""
    return _exported(csr_checkpoint, tmp_path_factory.mktemp("sae") / "bundle", sae_only=True)


def texts_of(bundle: Path) -> list[str]:
    """The golden texts of a bundle, which are chosen to be hard."""
    lines = (bundle / "golden.jsonl").read_text(encoding="utf-8").split("\n")  # a text may hold other line ends
    return list(dict.fromkeys(json.loads(line)["text"] for line in lines if line))


@pytest.fixture(scope="session")
def golden_texts() -> Any:
    return texts_of
