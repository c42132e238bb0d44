"""From a recipe to a checkpoint: all families, interruptions, and what is left on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.numpy import load_file
from sentence_transformers import SparseEncoder
from sentence_transformers.sparse_encoder.modules import SpladePooling

from sparse_train import train
from sparse_train.cli import main
from sparse_train.errors import DataError, ModelError, OutputError, RecipeError
from sparse_train.recipe.load import read_recipe
from sparse_train.run.runs import Run

Write = Callable[[dict[str, Any]], Path]
FAMILIES = ("splade", "inference-free", "csr")
COMMAND = [sys.executable, "-m", "sparse_train"]
TEXTS = ["bread and water", "", "a fish in the sea"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def weights(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.safetensors"))}


@pytest.mark.parametrize("family", FAMILIES)
def test_trained_checkpoints_load_without_this_package_and_pass_parity(
    family: str, recipes: dict[str, Any], write: Write, material: Path, tmp_path: Path
) -> None:
    recipe = recipes[family]
    recipe["evaluators"] = [{"SparseInformationRetrievalEvaluator": {"beir": str(material / "beir")}}]
    recipe["training"] |= {"eval_strategy": "steps", "eval_steps": 2}
    bundle = tmp_path / "bundle"
    result = run(write(recipe), "--export", bundle, "--triton", tmp_path / "models")
    assert result.exit_code == 0, result.output
    assert f"{tmp_path / 'out'}\n" in result.stdout
    assert f"{bundle}: fp32 against PyTorch" in result.stdout
    assert (tmp_path / "models" / "bundle_document").is_dir()

    parity = json.loads((bundle / "manifest.json").read_text())["parity"]
    assert parity
    load = "import sys, sentence_transformers as s; s.SparseEncoder(sys.argv[1]).encode(['a']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", load, str(tmp_path / "out")], capture_output=True, text=True, check=True
    )
    assert "sparse_train" not in done.stdout.split()

    card = (tmp_path / "out" / "README.md").read_text()
    assert "![Loss, nDCG@10 and active dimensions over steps](training_curve.png)" in card
    assert "| dot_ndcg@10 |" in card
    assert (tmp_path / "out" / "training_curve.png").read_bytes().startswith(b"\x89PNG")


def weights_of(checkpoint: Path) -> dict[str, Any]:
    """Return the weights of every file of a checkpoint."""
    files = sorted(checkpoint.rglob("model.safetensors"))
    return {f"{file.parent.name}/{name}": weight for file in files for name, weight in load_file(file).items()}


def test_others_may_read_the_weights(recipes: dict[str, Any], write: Write) -> None:
    output = train(read_recipe(write(recipes["splade"])))
    files = [path for path in output.rglob("*") if path.is_file()]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in files} == {path.name: "0o644" for path in files}


def test_a_mistake_does_not_cost_the_earlier_run(recipes: dict[str, Any], write: Write, tmp_path: Path) -> None:
    recipe = recipes["splade"]
    output = train(read_recipe(write(recipe)))
    before = sorted(path for folder in (output, Run(output).folder) for path in folder.rglob("*"))
    recipe["data"]["train"][0]["source"] = str(tmp_path / "absent.jsonl")
    with pytest.raises(DataError):
        train(read_recipe(write(recipe)), force=True)
    assert sorted(path for folder in (output, Run(output).folder) for path in folder.rglob("*")) == before


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_learns_every_part(family: str, recipes: dict[str, Any], write: Write, material: Path) -> None:
    recipe = recipes[family]
    recipe["training"] |= {"learning_rate": 1e-2, "save_strategy": "no"}
    trained = weights_of(train(read_recipe(write(recipe))))
    recipe["training"]["learning_rate"] = 0.0
    before = weights_of(train(read_recipe(write(recipe)), force=True))
    assert trained.keys() == before.keys()
    # BERT brings a pooler along that mean pooling does not read.
    unused = {"out/pooler.dense.weight", "out/pooler.dense.bias"} if family == "csr" else set()
    assert {name for name in trained if (trained[name] == before[name]).all()} == unused


def test_the_static_table_learns_at_its_own_rate(recipes: dict[str, Any], write: Write) -> None:
    recipe = recipes["inference-free"]
    recipe["training"] |= {"learning_rate": 0.0, "learning_rate_mapping": {r"query\.0\.weight": 1e-2}}
    model = SparseEncoder(str(train(read_recipe(write(recipe)))), device="cpu")
    table = dict(model.named_parameters())["0.sub_modules.query.0.weight"]
    assert (table != 1).any()
    recipe["training"]["learning_rate_mapping"] = {"SparseStaticEmbedding": 1e-2}
    with pytest.raises(RecipeError, match="learning_rate_mapping: 'SparseStaticEmbedding' matches no parameter"):
        train(read_recipe(write(recipe)), force=True)


def test_a_frozen_encoder_stays(recipes: dict[str, Any], write: Write, material: Path) -> None:
    recipe = recipes["csr"]
    recipe["model"]["train_encoder"] = False
    recipe["training"]["learning_rate"] = 1e-2
    output = train(read_recipe(write(recipe)))
    kept, base = load_file(output / "model.safetensors"), load_file(material / "dense" / "model.safetensors")
    assert all((kept[name] == base[name]).all() for name in base)


def test_the_fused_head_changes_nothing_but_the_way(
    recipes: dict[str, Any], write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipes["splade"]
    outputs, calls, forward = {}, [], SpladePooling.forward
    monkeypatch.setattr(SpladePooling, "forward", lambda self, x: (calls.append(1), forward(self, x))[1])
    for fused in (True, False):
        output = train(read_recipe(write(recipe | {"fused_head": fused})), force=True)
        files = {path.relative_to(output).as_posix() for path in output.rglob("*")}
        configs = {path.name: path.read_bytes() for path in output.rglob("*.json")}
        assert bool(calls) is not fused  # the stock pooling takes the logits of every position
        outputs[fused] = files, configs, load_file(output / "model.safetensors")
    assert outputs[True][0] == outputs[False][0]
    assert outputs[True][1] == outputs[False][1]
    for name, weight in outputs[True][2].items():
        torch.testing.assert_close(torch.tensor(weight), torch.tensor(outputs[False][2][name]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_killed_training_ends_with_the_same_weights(
    family: str, recipes: dict[str, Any], write: Write, tmp_path: Path
) -> None:
    recipe = recipes[family]
    # 25 steps are an epoch: it is killed in the first, second or third one, and the order of each must be kept.
    recipe["training"] |= {"max_steps": 60, "save_steps": 4, "save_total_limit": 3, "learning_rate": 1e-3}
    whole = train(read_recipe(write(recipe), [f"output={tmp_path / 'whole'}"]))

    path, folder = write(recipe), Run(Path(recipe["output"]))
    process = subprocess.Popen([*COMMAND, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while (last := folder.last_checkpoint()) is None or int(last.name.rpartition("-")[2]) < 8:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not folder.output.exists()

    # A checkpoint that was being written when the process died is passed over.
    (folder.folder / "checkpoint-59").mkdir(exist_ok=True)
    result = run(path, "--resume")
    assert result.exit_code == 0, result.output
    assert weights(folder.output) == weights(whole)


def test_nothing_is_replaced_unasked(recipes: dict[str, Any], write: Write, tmp_path: Path) -> None:
    path = write(recipes["splade"])
    assert "no complete checkpoint" in run(path, "--resume").stderr
    train(read_recipe(path))
    with pytest.raises(OutputError, match=r"out: already exists.*--force"):
        train(read_recipe(path))
    (tmp_path / "out").rename(tmp_path / "kept")
    with pytest.raises(OutputError, match=r"out\.run: holds an earlier run.*--resume.*--force"):
        train(read_recipe(path))
    train(read_recipe(path), force=True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["kept", "out", "out.run", "recipe.yaml"]


def test_a_failed_training_leaves_no_output(recipes: dict[str, Any], write: Write, tmp_path: Path) -> None:
    recipe = recipes["splade"]
    recipe["model"]["name"] = str(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"model\.name: there is no folder"):
        train(read_recipe(write(recipe)))
    assert not (tmp_path / "out").exists()


def test_goes_on_from_a_checkpoint_with_routes(recipes: dict[str, Any], write: Write, tmp_path: Path) -> None:
    first = train(read_recipe(write(recipes["inference-free"])))
    recipe = recipes["inference-free"] | {"architecture": "from-checkpoint", "model": {"name": str(first)}}
    train(read_recipe(write(recipe), [f"output={tmp_path / 'second'}"]))
    with pytest.raises(RecipeError, match="router_mapping: must be given; the checkpoint has"):
        train(read_recipe(write(recipe), [f"output={tmp_path / 'third'}", "training.router_mapping={}"]))
    with pytest.raises(RecipeError, match="CSRLoss trains csr"):
        train(read_recipe(write(recipe), [f"output={tmp_path / 'fourth'}", "loss=CSRLoss"]))


def test_several_data_sets_with_a_loss_each(
    recipes: dict[str, Any], write: Write, material: Path, tmp_path: Path
) -> None:
    recipe = recipes["splade"]
    pairs = str(material / "pairs.jsonl")
    other = {"SpladeLoss": {**recipe["loss"]["SpladeLoss"], "document_regularizer_weight": 0.5}}
    recipe["data"] = {
        "sampling": "round_robin",
        "train": [{"name": "a", "source": pairs}, {"name": "b", "source": pairs, "limit": 40, "loss": other}],
        "eval": [{"name": "b", "source": pairs, "limit": 8}],
    }
    recipe["training"] |= {"eval_strategy": "steps", "eval_steps": 2}
    train(read_recipe(write(recipe)))
    log = json.loads((tmp_path / "out.run" / "trainer_state.json").read_text())["log_history"]
    assert any("eval_loss" in entry or "eval_b_loss" in entry for entry in log)


def test_torchrun_trains_with_two_processes(recipes: dict[str, Any], write: Write, tmp_path: Path) -> None:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "sparse_train"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, *launcher, write(recipes["splade"])]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(str(tmp_path / "out")) == 1  # one process speaks
    assert SparseEncoder(str(tmp_path / "out"), device="cpu").encode(TEXTS).shape[0] == len(TEXTS)


def test_pushing_needs_a_name(recipes: dict[str, Any], write: Write) -> None:
    assert "hub_model_id" in run(write(recipes["splade"]), "--push-to-hub").stderr


@pytest.mark.parametrize("taken", ["bundle", "models/bundle_document"])
def test_an_export_that_cannot_be_written_is_known_before_the_training(
    recipes: dict[str, Any], write: Write, tmp_path: Path, taken: str
) -> None:
    (tmp_path / taken).mkdir(parents=True)
    (tmp_path / taken / "thesis.txt").write_text("years of work")
    result = run(write(recipes["splade"]), "--export", tmp_path / "bundle", "--triton", tmp_path / "models")
    assert result.exit_code == 1
    assert str(tmp_path / taken) in result.stderr
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.run").exists()


def test_a_precision_without_a_bundle_is_refused(recipes: dict[str, Any], write: Write) -> None:
    result = run(write(recipes["splade"]), "--quantize", "int8")
    assert "--quantize and --triton are for the bundle of --export" in result.stderr
