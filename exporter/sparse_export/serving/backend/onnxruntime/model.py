"""A Triton backend `onnxruntime` in Python, for a server that does not carry the one in C++.

Triton takes `backends/NAME/model.py` as the backend called NAME. What a repository of sparse-export needs is here and
behaves as there: configurations are checked against the graph, requests of one execution run as one batch. Not here:
GPUs, accelerators, ragged batches, reshapes, completing a configuration.
"""

import contextlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils

TYPES = {
    "TYPE_FP32": "tensor(float)",
    "TYPE_FP16": "tensor(float16)",
    "TYPE_FP64": "tensor(double)",
    "TYPE_INT8": "tensor(int8)",
    "TYPE_UINT8": "tensor(uint8)",
    "TYPE_INT32": "tensor(int32)",
    "TYPE_INT64": "tensor(int64)",
    "TYPE_BOOL": "tensor(bool)",
    "TYPE_STRING": "tensor(string)",
}
LEVELS = {
    0: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    1: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    -1: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    2: onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
}
WrongInput = onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument


class TritonPythonModel:
    """One session of ONNX Runtime."""

    def initialize(self, args):
        """Load the graph of the model that Triton names."""
        config = json.loads(args["model_config"])
        folder = Path(args["model_repository"], args["model_version"])
        if args["model_instance_kind"] != "CPU":
            raise refusal("this onnxruntime backend runs on CPUs only")
        self.session = onnxruntime.InferenceSession(
            graph_path(folder, config), session_options(config), providers=["CPUExecutionProvider"]
        )
        self.batched = int(config["max_batch_size"]) > 0
        self._check(config["input"], self.session.get_inputs(), "input")
        self._check(config["output"], self.session.get_outputs(), "output")
        self.inputs, self.outputs = ([entry["name"] for entry in config[kind]] for kind in ("input", "output"))
        missing = {value.name for value in self.session.get_inputs()}.difference(self.inputs)
        if missing:
            raise refusal(f"the configuration lacks the inputs {', '.join(sorted(missing))}")

    def _check(self, entries, values, kind):
        known = {value.name: value for value in values}
        for entry in entries:
            name = entry["name"]
            if name not in known:
                raise refusal(f"the graph has no {kind} '{name}', it has {', '.join(sorted(known))}")
            configured, actual = entry["data_type"], known[name].type
            if TYPES.get(configured) != actual:
                raise refusal(f"{kind} '{name}' is {configured} in the configuration, {actual} in the graph")
            self._check_dims(entry, known[name].shape, kind)

    def _check_dims(self, entry, shape, kind):
        if entry.get("reshape"):
            raise refusal(f"{kind} '{entry['name']}' has a reshape, which is not supported here")
        dims = [int(dim) for dim in entry["dims"]]
        expected = [-1, *dims] if self.batched else dims
        actual = [dim if isinstance(dim, int) else -1 for dim in shape]
        pairs = zip(expected, actual, strict=False)
        if len(expected) != len(actual) or any(theirs not in (-1, ours) for ours, theirs in pairs):
            raise refusal(
                f"{kind} '{entry['name']}' has the shape {expected} in the configuration, {actual} in the graph"
            )

    def execute(self, requests):
        """Run all requests as one batch; if that fails, each alone, so that a bad one fails alone."""
        feeds = [self._feed(request) for request in requests]
        if len(requests) > 1 and self.batched and alike(feeds):
            with contextlib.suppress(Exception):
                return self._together(requests, feeds)
        return [self._alone(request, feed) for request, feed in zip(requests, feeds, strict=True)]

    def _feed(self, request):
        return {name: pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self.inputs}

    def _together(self, requests, feeds):
        joined = {name: np.concatenate([feed[name] for feed in feeds]) for name in self.inputs}
        ends = np.cumsum([len(next(iter(feed.values()))) for feed in feeds])[:-1]
        parts = {name: np.split(array, ends) for name, array in self._run(joined, self.outputs).items()}
        return [
            response(request, {name: arrays[position] for name, arrays in parts.items()})
            for position, request in enumerate(requests)
        ]

    def _alone(self, request, feed):
        try:
            wanted = [name for name in self.outputs if name in set(request.requested_output_names())]
            return response(request, self._run(feed, wanted))
        except WrongInput as error:
            return failure(error, pb_utils.TritonError.INVALID_ARG)
        except Exception as error:
            return failure(error, pb_utils.TritonError.INTERNAL)

    def _run(self, feed, names):
        return dict(zip(names, self.session.run(names, feed), strict=True))


def refusal(reason):
    """Return what keeps a model from being loaded."""
    return pb_utils.TritonModelException(reason)


def graph_path(folder, config):
    """Return the graph; a folder of that name holds a graph with its weights beside it."""
    path = folder / (config.get("default_model_filename") or "model.onnx")
    return path / "model.onnx" if path.is_dir() else path


def session_options(config):
    """Return the options of a session, by the parameters that the backend in C++ reads."""
    parameters = {name: entry["string_value"] for name, entry in config.get("parameters", {}).items()}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(parameters.get("intra_op_thread_count", 0))
    options.inter_op_num_threads = int(parameters.get("inter_op_thread_count", 0))
    options.graph_optimization_level = LEVELS[int(config.get("optimization", {}).get("graph", {}).get("level", 0))]
    options.log_severity_level = 3  # errors only
    return options


def alike(feeds):
    """Tell whether the arrays of all feeds differ in their number of rows at most."""
    return len({tuple((name, array.shape[1:]) for name, array in feed.items()) for feed in feeds}) == 1


def response(request, arrays):
    """Return what a request asked for."""
    wanted = set(request.requested_output_names())
    tensors = [pb_utils.Tensor(name, np.ascontiguousarray(array)) for name, array in arrays.items() if name in wanted]
    return pb_utils.InferenceResponse(output_tensors=tensors)


def failure(error, code):
    """Return the response to a request that cannot be run."""
    return pb_utils.InferenceResponse(output_tensors=[], error=pb_utils.TritonError(str(error), code))
