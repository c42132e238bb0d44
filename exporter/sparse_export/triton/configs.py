"""config.pbtxt of every model, made from Triton's protobuf schema: a field that does not exist cannot be written.

Fields that are newer than the server of 24.10 are not used, as it refuses a whole file for one of them.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as schema

from sparse_client.bundle.outputs import DENSE
from sparse_export.triton.names import Names
from sparse_export.triton.options import RepositoryOptions
from sparse_export.triton.servable import Servable

HEADER = "# Written by `sparse-export triton`; write it again rather than change it.\n"
NEEDS_VNNI = "needs_vnni"  # on a CPU; the tokenize step, which runs on the same machine, looks
TOKENS = ("input_ids", "attention_mask")
PAIRS = {"indices": schema.TYPE_INT32, "values": schema.TYPE_FP32}
PACKAGES = "packages"  # of the tokenize step, where its tokenizer has no fast form
WARMUP_TOKENS, WARMUP_PAIRS = 16, 8


def text(config: schema.ModelConfig) -> str:
    """Return the text of a configuration, the same for the same configuration."""
    return HEADER + str(text_format.MessageToString(config, as_utf8=True))


def packages(repository: Path) -> list[str]:
    """Return what the steps of a repository need besides tokenizers and numpy, as pip names it."""
    found: dict[str, None] = {}
    for path in sorted(repository.glob("*/config.pbtxt")):
        written = path.read_text(encoding="utf-8", errors="replace")
        if written.startswith(HEADER):
            with contextlib.suppress(text_format.ParseError):  # the server says what is wrong
                config = text_format.Parse(written, schema.ModelConfig())
                found |= dict.fromkeys(config.parameters[PACKAGES].string_value.split())
    return list(found)


def tokenize(served: Servable, options: RepositoryOptions) -> schema.ModelConfig:
    """Return the step from TEXT to the tokens of each route."""
    config = _batched(options, "python")
    config.input.add(name="TEXT", data_type=schema.TYPE_STRING, dims=[1])
    settings = {route.prefix: route.settings for route in served.routes.values()}
    for prefix in settings:
        for name in TOKENS:
            config.output.add(name=prefix + name, data_type=schema.TYPE_INT64, dims=[-1])
    _on_cpu(config)
    set_parameter(config, "routes", json.dumps(settings, ensure_ascii=False))
    set_parameter(config, "max_text_bytes", str(options.max_text_bytes))
    if served.packages():
        set_parameter(config, PACKAGES, " ".join(served.packages()))
    if served.manifest.saturates:  # of the encoder's backend no session option can be set
        set_parameter(config, NEEDS_VNNI, "true")
    return config


def encoder(served: Servable, options: RepositoryOptions) -> schema.ModelConfig:
    """Return the step from tokens to pairs, on a CPU."""
    config = _batched(options, "onnxruntime")
    for name in TOKENS:
        config.input.add(name=name, data_type=schema.TYPE_INT64, dims=[-1])
    _add_outputs(config, served)
    _on_cpu(config)
    set_parameter(config, "intra_op_thread_count", str(options.threads))
    warm_up(config, "tokens", 1, WARMUP_TOKENS)
    return config


def decode(served: Servable, options: RepositoryOptions) -> schema.ModelConfig:
    """Return the model from pairs to tokens or to an embedding.

    Its requests are not batched with each other: an index that does not exist fails the whole run.
    """
    config = schema.ModelConfig(backend="onnxruntime", max_batch_size=options.max_batch_size)
    for name, kind in PAIRS.items():
        config.input.add(name=name, data_type=kind, dims=[-1])
    if served.embedding is None:
        config.output.add(name="tokens", data_type=schema.TYPE_STRING, dims=[-1])
    else:
        config.output.add(name="embedding", data_type=schema.TYPE_FP32, dims=[served.embedding])
    _on_cpu(config)
    set_parameter(config, "intra_op_thread_count", "1")
    warm_up(config, "pairs", 1, WARMUP_PAIRS)
    return config


def ensemble(names: Names, served: Servable, route: str, options: RepositoryOptions) -> schema.ModelConfig:
    """Return the model from TEXT to pairs."""
    config = schema.ModelConfig(platform="ensemble", max_batch_size=options.max_batch_size)
    config.input.add(name="TEXT", data_type=schema.TYPE_STRING, dims=[1])
    _add_outputs(config, served)
    prefix = served.routes[route].prefix
    step = config.ensemble_scheduling.step.add(model_name=names.tokenize, model_version=-1)
    step.input_map["TEXT"] = "TEXT"
    for name in TOKENS:
        step.output_map[prefix + name] = name
    step = config.ensemble_scheduling.step.add(model_name=names.encoder(served.encoder_of(route)), model_version=-1)
    step.input_map.update({name: name for name in TOKENS})
    step.output_map.update({output.name: output.name for output in config.output})
    if options.response_cache:
        config.response_cache.enable = True
    return config


def warm_up(config: schema.ModelConfig, kind: str, batch_size: int, length: int) -> None:
    """Let the server run a request before it calls the model ready: one that fails keeps it from serving.

    Args:
        config: The configuration of an ONNX model.
        kind: "tokens" or "pairs", what the model takes; also the name of the sample.
        batch_size: Rows of the request.
        length: Tokens or pairs of a row.
    """
    inputs = {"tokens": dict.fromkeys(TOKENS, schema.TYPE_INT64), "pairs": PAIRS}[kind]
    sample = config.model_warmup.add(name=f"{batch_size}x{length} {kind}", batch_size=batch_size)
    for name, data_type in inputs.items():
        sample.inputs[name].data_type = data_type
        sample.inputs[name].dims.append(length)
        sample.inputs[name].zero_data = True


def _add_outputs(config: schema.ModelConfig, served: Servable) -> None:
    for name, kind in PAIRS.items():
        config.output.add(name=name, data_type=kind, dims=[-1])
    if served.manifest.dense_dim is not None:
        config.output.add(name=DENSE, data_type=schema.TYPE_FP32, dims=[served.manifest.dense_dim])


def _batched(options: RepositoryOptions, backend: str) -> schema.ModelConfig:
    config = schema.ModelConfig(backend=backend, max_batch_size=options.max_batch_size)
    config.dynamic_batching.SetInParent()  # empty: what waits is batched, nothing waits for a batch
    return config


def _on_cpu(config: schema.ModelConfig) -> None:
    # Without a count it is 2 on a CPU, which doubles the memory.
    config.instance_group.add(kind=schema.ModelInstanceGroup.KIND_CPU, count=1)


def set_parameter(config: schema.ModelConfig, key: str, value: str) -> None:
    """Set one of the parameters that a backend reads."""
    config.parameters[key].string_value = value
