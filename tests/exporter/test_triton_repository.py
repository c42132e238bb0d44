"""Model repositories as files: what is written for each family and precision, and when it is refused."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as schema

from sparse_export import ExportOptions
from sparse_export.pipeline.export import export
from support.commands import content_of, error_of, run
from support.tiny_checkpoints import TINY_BUNDLES, save_csr

ROOT = Path(__file__).parents[2]
# Fields of servers that are newer than 24.10, whose server refuses a whole file for one of them.
TOO_NEW = {"max_inflight_requests", "model_metrics"}


def config_of(model: Path, name: str = "config.pbtxt") -> schema.ModelConfig:
    return text_format.Parse((model / name).read_text(encoding="utf-8"), schema.ModelConfig())


def written(bundle: Path, repository: Path, *options: str | Path) -> list[str]:
    result = run("triton", bundle, "--repository", repository, "--name", "m", *options)
    assert result.exit_code == 0, result.output
    return [Path(line).name for line in result.stdout.splitlines()]


@pytest.mark.parametrize(("family", "precision"), TINY_BUNDLES)
def test_models_of_each_family(
    tiny_bundles: dict[tuple[str, str], Path], tmp_path: Path, family: str, precision: str
) -> None:
    models = written(tiny_bundles[family, precision], tmp_path / "repository")
    own = ["m_query_encoder"] if family in ("inference-free", "two-towers") else []
    assert models == ["m_tokenize", "m_document_encoder", *own, "m_decode", "m_document", "m_query"]
    assert sorted(path.name for path in (tmp_path / "repository").iterdir()) == sorted(models)
    for path in (tmp_path / "repository").rglob("*.pbtxt"):
        config = config_of(path.parent, path.name)
        assert not TOO_NEW & {field.name for field, _ in config.ListFields()}
        assert not config.name  # so that a folder can be renamed
        assert config.max_batch_size == 32
        # One bad index fails a whole run, so nobody's are decoded together with others'.
        model = path.relative_to(tmp_path / "repository").parts[0]
        assert config.HasField("dynamic_batching") == model.endswith(("_tokenize", "_encoder"))
        if config.backend == "onnxruntime":
            assert config.model_warmup
            assert [group.count for group in config.instance_group] == [1]
    for_gpu = {path.parents[1].name for path in (tmp_path / "repository").rglob("gpu.pbtxt")}
    towers = {"m_document_encoder", *(own if family == "two-towers" else [])}  # no GPU looks up faster
    assert for_gpu == (set() if precision == "int8" else {"m_tokenize", *towers})


def test_the_ensembles_run_the_steps_of_their_route(tiny_bundles: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    written(tiny_bundles["inference-free", "int8"], tmp_path)
    steps = {route: config_of(tmp_path / f"m_{route}").ensemble_scheduling.step for route in ("document", "query")}
    for route, (tokenize, encoder) in steps.items():
        assert (tokenize.model_name, encoder.model_name) == ("m_tokenize", f"m_{route}_encoder")
        prefix = "query_" if route == "query" else ""
        assert dict(tokenize.output_map) == {prefix + name: name for name in ("input_ids", "attention_mask")}


def test_the_same_bytes_each_time(tiny_bundles: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    bundle = tiny_bundles["inference-free", "int8"]
    for name in ("first", "second"):
        written(bundle, tmp_path / name)
    assert content_of(tmp_path / "first") == content_of(tmp_path / "second")
    written(bundle, tmp_path / "first", "--force")
    assert content_of(tmp_path / "first") == content_of(tmp_path / "second")


def test_the_repository_of_the_demo_is_as_checked_in(splade_int8_bundle: Path, tmp_path: Path) -> None:
    """`sparse-export triton build/splade-tiny-int8 --repository model_repository --name splade --force` renews it."""
    result = run("triton", splade_int8_bundle, "--repository", tmp_path, "--name", "splade")
    assert result.exit_code == 0, result.output
    kept_out = (".onnx", "tokenizer.json")
    made = {
        name: data for name, data in content_of(tmp_path).items() if data is not None and not name.endswith(kept_out)
    }
    checked_in = {
        name: data
        for name, data in content_of(ROOT / "model_repository").items()
        if data is not None and not name.endswith((*kept_out, ".pyc", "README.md"))
    }
    assert made == checked_in


def test_settings(tiny_bundles: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    options = ["--max-batch-size", "4", "--threads", "3", "--max-text-bytes", "99", "--response-cache"]
    models = written(tiny_bundles["splade", "fp32"], tmp_path, *options)
    configs = {name: config_of(tmp_path / name) for name in models}
    assert {config.max_batch_size for config in configs.values()} == {4}
    assert configs["m_document_encoder"].parameters["intra_op_thread_count"].string_value == "3"
    assert configs["m_tokenize"].parameters["max_text_bytes"].string_value == "99"
    cached = {name for name, config in configs.items() if config.response_cache.enable}
    assert cached == {"m_document", "m_query"}


def test_a_gpu_bundle(tiny_bundles: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    cpu, gpu = tiny_bundles["splade", "int8"], tiny_bundles["splade", "fp16"]
    written(cpu, tmp_path, "--gpu-bundle", gpu, "--tensorrt", "--max-batch-size", "16")
    model = tmp_path / "m_document_encoder"
    assert (model / "1" / "model.onnx").read_bytes() == (cpu / "document.onnx").read_bytes()
    config = config_of(model, "configs/gpu.pbtxt")
    assert (model / "1" / config.default_model_filename).read_bytes() == (gpu / "document.onnx").read_bytes()
    assert [(group.kind, group.count) for group in config.instance_group] == [(schema.ModelInstanceGroup.KIND_GPU, 1)]
    assert {sample.inputs["input_ids"].dims[0] for sample in config.model_warmup} == {16, 64}
    (engine,) = config.optimization.execution_accelerators.gpu_execution_accelerator
    assert engine.parameters["trt_profile_max_shapes"] == "input_ids:16x64,attention_mask:16x64"
    assert not config_of(model).optimization.ListFields(), "the CPU keeps its own settings"
    together = config_of(tmp_path / "m_tokenize", "configs/gpu.pbtxt").parameters["pad_requests_together"]
    assert together.string_value == "true"


def test_weights_beside_the_graph(tmp_path: Path, tiny_model: Path) -> None:
    """They keep the name that the graph knows them by, in a folder that is called like the graph."""
    bundle = tmp_path / "bundle"
    export(ExportOptions(model=str(tiny_model), output=bundle, external_data_bytes=0))
    written(bundle, tmp_path / "repository")
    folder = tmp_path / "repository" / "m_document_encoder" / "1" / "model.onnx"
    assert {path.name for path in folder.iterdir()} == {"model.onnx", "document.onnx.data"}


def test_several_bundles_in_one_repository(tiny_bundles: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    first = run("triton", tiny_bundles["csr", "fp16"], "--repository", tmp_path)
    assert first.exit_code == 0
    before = content_of(tmp_path)
    written(tiny_bundles["splade", "fp32"], tmp_path)
    assert before.items() <= content_of(tmp_path).items()
    assert {path.name.rpartition("_")[0] for path in tmp_path.iterdir()} >= {"csr-fp16", "m"}


def test_a_replaced_family_leaves_no_model_behind(tiny_bundles: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    written(tiny_bundles["inference-free", "int8"], tmp_path)
    models = written(tiny_bundles["splade", "fp32"], tmp_path, "--force")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(models)


def test_what_is_refused(tiny_bundles: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    bundle, repository = tiny_bundles["splade", "int8"], tmp_path / "repository"
    command = ("triton", bundle, "--repository", repository, "--name")
    written(bundle, repository)
    before = content_of(repository)
    assert "m_tokenize' exists; give another name, or --force" in error_of(*command, "m")
    assert "'a/b' cannot name a Triton model" in error_of(*command, "a/b")
    assert "max_batch_size is 0; it must be 1 or more" in error_of(*command, "n", "--max-batch-size", "0")
    assert "is not a bundle" in error_of("triton", tmp_path, "--repository", repository)
    gpu = ("n", "--gpu-bundle")
    assert "is int8, which is for CPUs" in error_of(*command, *gpu, bundle)
    assert "is of another checkpoint" in error_of(*command, *gpu, tiny_bundles["csr", "fp16"])
    assert content_of(repository) == before


def test_a_foreign_model_is_never_replaced(tiny_bundles: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    (tmp_path / "m_query").mkdir()
    (tmp_path / "m_query" / "config.pbtxt").write_text('backend: "python"\n')
    command = ("triton", tiny_bundles["splade", "fp32"], "--repository", tmp_path, "--name", "m", "--force")
    assert "m_query' was not written by sparse-export" in error_of(*command)
    assert {path.name for path in tmp_path.iterdir()} == {"m_query"}


def test_an_autoencoder_alone_is_refused(tmp_path: Path) -> None:
    assert run("--model", save_csr(tmp_path / "model"), "--output", tmp_path / "sae", "--sae-only").exit_code == 0
    error = error_of("triton", tmp_path / "sae", "--repository", tmp_path / "repository")
    assert "was exported with --sae-only; Triton serves texts" in error


def test_a_dense_bundle_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    assert run("--model", tiny_model, "--output", tmp_path / "dense", "--dense").exit_code == 0
    error = error_of("triton", tmp_path / "dense", "--repository", tmp_path / "repository")
    assert "was exported with --dense" in error
    assert not (tmp_path / "repository").exists()


def test_nothing_is_left_of_an_interrupted_replacement(
    tiny_bundles: dict[tuple[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the models have taken their places when it fails: the old ones come back."""
    written(tiny_bundles["inference-free", "int8"], tmp_path)
    before, rename, calls = content_of(tmp_path), Path.rename, 0

    def fail(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    command = ("triton", tiny_bundles["splade", "fp32"], "--repository", tmp_path, "--name", "m", "--force")
    assert run(*command).exit_code == 1
    assert calls > 6
    assert content_of(tmp_path) == before


def test_an_export_writes_its_models_too(tiny_model: Path, tmp_path: Path) -> None:
    options = ("--output", tmp_path / "tiny", "--triton", tmp_path / "repository")
    assert run("--model", tiny_model, *options).exit_code == 0
    made = content_of(tmp_path / "repository")
    shutil.rmtree(tmp_path / "repository")
    assert run("triton", tmp_path / "tiny", "--repository", tmp_path / "repository").exit_code == 0
    assert content_of(tmp_path / "repository") == made
    other = ("--model", tiny_model, "--output", tmp_path / "other" / "tiny", *options[2:])
    error = error_of(*other)
    assert "tiny_tokenize' exists" in error
    assert "--dense or --sae-only, not both" in error_of(*other, "--dense")
    assert not (tmp_path / "other").exists(), "it is known before the export"


@pytest.mark.parametrize("older", [False, True])
def test_int8_that_needs_vnni_does_not_load_without(
    tiny_bundles: dict[tuple[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, older: bool
) -> None:
    bundle = shutil.copytree(tiny_bundles["splade", "int8"], tmp_path / "bundle")
    content = json.loads((bundle / "manifest.json").read_text())
    assert "needs_vnni" not in config_of(tmp_path / "any" / written(bundle, tmp_path / "any")[0]).parameters
    del content["cpu"]
    (bundle / "manifest.json").write_text(json.dumps(content if older else {**content, "cpu": "vnni"}))
    gpu = tiny_bundles["splade", "fp16"]
    step = tmp_path / "vnni" / written(bundle, tmp_path / "vnni", "--gpu-bundle", gpu)[0]
    assert "needs_vnni" not in config_of(step / "configs", "gpu.pbtxt").parameters
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", SimpleNamespace(TritonModelException=ValueError))
    scope: dict = {}
    exec((step / "1" / "model.py").read_text(encoding="utf-8"), scope)
    parameters = {key: {"string_value": value.string_value} for key, value in config_of(step).parameters.items()}
    given = {"model_repository": step, "model_version": "1", "model_config": json.dumps({"parameters": parameters})}
    scope["Route"] = lambda *_: None  # no tokenizer is needed
    for flags, loads in {"avx2": False, "avx": True, "avx2 avx_vnni": True, "avx2 avx512_vnni": True}.items():
        scope["Path"] = lambda *parts, text=f"flags : {flags}": SimpleNamespace(read_text=lambda **_: text)
        if loads:
            scope["TritonPythonModel"]().initialize(given)
        else:
            with pytest.raises(ValueError, match="has AVX2 and no VNNI: export it again, without --cpu vnni"):
                scope["TritonPythonModel"]().initialize(given)
