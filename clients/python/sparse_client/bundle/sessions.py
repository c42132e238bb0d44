"""ONNX Runtime sessions of a bundle's graphs, each made once, on first use."""

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from numpy.typing import NDArray

from sparse_client.bundle.processor import exact_products
from sparse_client.bundle.reader import Bundle
from sparse_client.bundle.runtime import load_onnxruntime
from sparse_client.errors import BundleError, InputError

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


class Sessions:
    """Runs the graphs of a bundle; may be used from several threads.

    Args:
        bundle: The bundle.
        threads: Threads that one run uses, None for ONNX Runtime's choice.
        providers: Execution providers in order of preference, each of which a session must get; None for CUDA where
            the bundle is fp16 and the runtime has it, else the CPU.

    Raises:
        InputError: If this ONNX Runtime does not have one of the providers.
    """

    def __init__(self, bundle: Bundle, threads: int | None, providers: Sequence[str] | None = None) -> None:
        self._bundle = bundle
        self._threads = threads
        self._providers = None if providers is None else _checked(providers)
        self._sessions: dict[str, Any] = {}
        self._lock = Lock()

    def run(self, graph: str, inputs: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Run one graph.

        Args:
            graph: The file of the graph, relative to the bundle.
            inputs: Its inputs by name.
            wanted: Names of the outputs to return.

        Returns:
            The wanted outputs by name.

        Raises:
            BundleError: If the graph cannot be loaded, has no such output, or fails.
        """
        session, given = self._session(graph), self.outputs(graph)
        if not set(wanted) <= set(given):
            where = f"{self._bundle.path / graph} ({self._bundle.manifest.family})"
            raise BundleError(f"{where} gives {', '.join(given)}, not {', '.join(wanted)}")
        try:
            return dict(zip(wanted, session.run(wanted, dict(inputs)), strict=True))
        except Exception as error:  # ONNX Runtime's exceptions share no base but this
            shapes = ", ".join(f"{name} {array.shape}" for name, array in inputs.items())
            raise BundleError(f"{self._bundle.path / graph} failed on {shapes}: {error}") from error

    def outputs(self, graph: str) -> list[str]:
        """Return the names of a graph's outputs.

        Raises:
            BundleError: If the graph cannot be loaded.
        """
        return [output.name for output in self._session(graph).get_outputs()]

    def providers(self, graph: str) -> tuple[str, ...]:
        """Return the execution providers that the session of a graph got.

        Raises:
            BundleError: If the graph cannot be loaded.
        """
        return tuple(self._session(graph).get_providers())

    def facts(self, graph: str) -> dict[str, str]:
        """Return what was written into a graph of how it was made.

        Raises:
            BundleError: If the graph cannot be loaded.
        """
        return dict(self._session(graph).get_modelmeta().custom_metadata_map)

    def _session(self, graph: str) -> Any:
        with self._lock:
            if graph not in self._sessions:
                self._sessions[graph] = self._load(graph)
            return self._sessions[graph]

    def _load(self, graph: str) -> Any:
        onnxruntime = load_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = 1
        if self._threads is not None:
            options.intra_op_num_threads = self._threads
        # A plan for every shape met enlarges the arena and is no faster: 468 MB, not 290, over mixed lengths in int8.
        options.enable_mem_pattern = False
        options.log_severity_level = 4  # errors are raised as well; printed, they would come twice
        path = self._bundle.path / graph
        providers = self._wanted(onnxruntime)
        try:
            if self._bundle.manifest.saturates and not exact_products():
                options.add_session_config_entry("session.x64quantprecision", "1")
            session = onnxruntime.InferenceSession(path, options, providers=providers)
        except Exception as error:  # ONNX Runtime's exceptions share no base but this
            raise BundleError(f"{path} cannot be loaded by onnxruntime {onnxruntime.__version__}: {error}") from error
        missing = set(self._providers or ()) - set(session.get_providers())  # it falls back to the CPU and only warns
        if missing:
            got = ", ".join(session.get_providers())
            raise BundleError(f"{path}: the session did not get {', '.join(sorted(missing))}, only {got}")
        return session

    def _wanted(self, onnxruntime: Any) -> list[str]:
        if self._providers is not None:
            return self._providers
        half = self._bundle.manifest.precision == "fp16"
        return [CUDA, CPU] if half and CUDA in onnxruntime.get_available_providers() else [CPU]


def _checked(providers: Sequence[str]) -> list[str]:
    available = load_onnxruntime().get_available_providers()
    for name in providers:
        if name not in available:
            raise InputError(f"the provider {name!r} is not in this onnxruntime, which has {', '.join(available)}")
    return list(providers)
