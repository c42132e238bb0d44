"""configs/gpu.pbtxt: what differs on a GPU. Read from documentation and the backend's code, not run on one."""

from __future__ import annotations

from tritonclient.grpc import model_config_pb2 as schema

from sparse_export.triton import configs
from sparse_export.triton.options import RepositoryOptions

QUEUE_MICROSECONDS = 1000
ENGINES = "tensorrt-engines"  # relative to the folder that the server was started in
TYPICAL_TOKENS = 64


def tokenize(config: schema.ModelConfig) -> schema.ModelConfig:
    """Return a tokenize step that waits a moment for company and gives all texts one length.

    Only requests of equal length are batched by the next step, and only batches fill a GPU.
    """
    changed = _copy(config)
    changed.dynamic_batching.max_queue_delay_microseconds = QUEUE_MICROSECONDS
    configs.set_parameter(changed, "pad_requests_together", "true")
    changed.parameters.pop(configs.NEEDS_VNNI, None)
    return changed


def encoder(config: schema.ModelConfig, options: RepositoryOptions, longest: int, file: str) -> schema.ModelConfig:
    """Return an encoder on one GPU each.

    Args:
        config: The same on a CPU.
        options: Batch size, TensorRT or not.
        longest: Tokens of the longest text.
        file: Name of the graph in the version folder.
    """
    changed = _copy(config)
    del changed.instance_group[:]
    changed.instance_group.add(kind=schema.ModelInstanceGroup.KIND_GPU, count=1)
    changed.default_model_filename = file
    del changed.parameters["intra_op_thread_count"]
    # Grow by what is asked for, not to the next power of two. Settings of the arena are read from here alone.
    configs.set_parameter(changed, "arena_extend_strategy", "1")
    configs.warm_up(changed, "tokens", options.max_batch_size, longest)
    if options.tensorrt:
        _through_tensorrt(changed, options.max_batch_size, longest)
    return changed


def _through_tensorrt(config: schema.ModelConfig, batch: int, longest: int) -> None:
    accelerator = config.optimization.execution_accelerators.gpu_execution_accelerator.add(name="tensorrt")
    shapes = {"min": (1, 1), "opt": (max(1, batch // 2), min(TYPICAL_TOKENS, longest)), "max": (batch, longest)}
    accelerator.parameters["precision_mode"] = "FP16"
    # Without profiles and a cache, each new shape builds an engine for tens of seconds.
    for name, (rows, length) in shapes.items():
        shape = ",".join(f"{token}:{rows}x{length}" for token in configs.TOKENS)
        accelerator.parameters[f"trt_profile_{name}_shapes"] = shape
    accelerator.parameters["trt_engine_cache_enable"] = "true"
    accelerator.parameters["trt_engine_cache_path"] = ENGINES


def _copy(config: schema.ModelConfig) -> schema.ModelConfig:
    copy = schema.ModelConfig()
    copy.CopyFrom(config)
    return copy
