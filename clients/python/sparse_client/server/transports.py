"""The two protocols, over tritonclient: tensors in, tensors out, and one kind of exception."""

import asyncio
import functools
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Protocol

from sparse_client.errors import SparseClientError
from sparse_client.server.address import Address
from sparse_client.server.failures import AttemptError, Reason, reason_of
from sparse_client.server.options import ClientOptions
from sparse_client.server.wire import Tensors

_BODY_SHOWN = 80
# After a lost connection gRPC waits by itself, at first 1 s and then up to 2 minutes, in which every call fails.
_CHANNEL = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


class Transport(Protocol):
    """One connection to a server, used from one event loop. Both requests raise AttemptError, and nothing else."""

    async def infer(self, model: str, tensors: Tensors) -> Tensors:
        """Run a model; return all of its outputs."""

    async def config(self, model: str) -> Mapping[str, Any]:
        """Return a model's configuration."""

    async def close(self) -> None:
        """Close the connection."""


class HttpTransport:
    """KServe v2 over HTTP, tensors in binary.

    Args:
        address: The server.
        headers: Sent with every request.
        options: Of them the certificates and the number of connections.
    """

    def __init__(self, address: Address, headers: Mapping[str, str], options: ClientOptions) -> None:
        import ssl

        from tritonclient.http import aio

        context = ssl.create_default_context(cafile=options.ca_file) if address.tls else None
        self._headers = headers
        # The timeout is the caller's, the same for both protocols.
        self._client = aio.InferenceServerClient(
            address.target, conn_limit=options.concurrency, conn_timeout=None, ssl=address.tls, ssl_context=context
        )

    async def infer(self, model: str, tensors: Tensors) -> Tensors:
        """Run a model; return all of its outputs."""
        inputs = _inputs(library_of("http"), tensors)
        try:
            result = await self._client.infer(model, inputs, headers=dict(self._headers))  # which adds to them
            return {name: result.as_numpy(name) for name in [out["name"] for out in result.get_response()["outputs"]]}
        except Exception as error:
            raise _http_failure(error) from error

    async def config(self, model: str) -> Mapping[str, Any]:
        """Return a model's configuration."""
        try:
            config: Mapping[str, Any] = await self._client.get_model_config(model, headers=dict(self._headers))
        except Exception as error:
            raise _http_failure(error) from error
        return config

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()


class GrpcTransport:
    """KServe v2 over gRPC.

    It is tritonclient's client with callbacks, not that of grpc.aio, which logs errors where a process has more than
    one event loop.

    Args:
        address: The server.
        headers: Sent with every request.
        options: Of them the certificates and the timeout.
    """

    def __init__(self, address: Address, headers: Mapping[str, str], options: ClientOptions) -> None:
        self._headers = headers
        self._timeout = options.timeout
        self._client = library_of("grpc").InferenceServerClient(
            address.target,
            ssl=address.tls,
            root_certificates=None if options.ca_file is None else str(options.ca_file),
            channel_args=list(_CHANNEL),
        )

    async def infer(self, model: str, tensors: Tensors) -> Tensors:
        """Run a model; return all of its outputs."""
        inputs = _inputs(library_of("grpc"), tensors)
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        answer: dict[str, Any] = {}

        def finished(result: Any, error: Any) -> None:
            answer.update(result=result, error=error)
            try:
                loop.call_soon_threadsafe(done.set)
            except RuntimeError:  # the loop was closed meanwhile: nobody waits
                return

        call = self._client.async_infer(model, inputs, callback=finished, headers=dict(self._headers))
        try:
            await done.wait()
        except asyncio.CancelledError:
            call.cancel()
            raise
        if answer["error"] is not None:
            raise _grpc_failure(answer["error"])
        try:
            return {out.name: answer["result"].as_numpy(out.name) for out in answer["result"].get_response().outputs}
        except Exception as error:
            raise AttemptError(Reason.FAILED, f"the answer cannot be read: {error}") from error

    async def config(self, model: str) -> Mapping[str, Any]:
        """Return a model's configuration."""
        ask = functools.partial(
            self._client.get_model_config, model, headers=dict(self._headers), client_timeout=self._timeout
        )
        try:
            message = await asyncio.to_thread(ask)
        except Exception as error:
            raise _grpc_failure(error) from error
        config = message.config
        outputs = [{"name": output.name, "dims": list(output.dims)} for output in config.output]
        steps = [{"model_name": step.model_name} for step in config.ensemble_scheduling.step]
        found = {"max_batch_size": config.max_batch_size, "output": outputs}
        return found | {"ensemble_scheduling": {"step": steps}}

    async def close(self) -> None:
        """Close the connection."""
        self._client.close()


TRANSPORTS: dict[str, type[HttpTransport] | type[GrpcTransport]] = {"http": HttpTransport, "grpc": GrpcTransport}


def library_of(protocol: str) -> ModuleType:
    """Import what a protocol needs, which takes a moment.

    Raises:
        SparseClientError: If it is not installed.
    """
    try:
        if protocol == "http":
            import tritonclient.http as library
        else:
            import tritonclient.grpc as library
    except (ImportError, RuntimeError) as error:  # it raises RuntimeError where its own extra is missing
        raise SparseClientError(
            f"a {protocol} URL needs tritonclient ({error}): pip install 'sparse-export[triton]'"
        ) from error
    return library


def _inputs(library: ModuleType, tensors: Tensors) -> list[Any]:
    from tritonclient.utils import np_to_triton_dtype

    inputs = []
    for name, array in tensors.items():
        tensor = library.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        tensor.set_data_from_numpy(array)
        inputs.append(tensor)
    return inputs


def _http_failure(error: Exception) -> AttemptError:
    import aiohttp
    from tritonclient.utils import InferenceServerException

    if isinstance(error, InferenceServerException) and error.status() is not None:
        reason = reason_of(error.status())
        if error.debug_details() is None:
            return AttemptError(reason, error.message())
        # The body is not Triton's, so that a 404 says nothing of its models.
        body = f"HTTP {error.status()} from what is no Triton server: {str(error.debug_details())[:_BODY_SHOWN]}"
        return AttemptError(reason if reason is Reason.UNAVAILABLE else Reason.FAILED, body)
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ServerFingerprintMismatch):
        return AttemptError(Reason.FAILED, f"no secure connection: {error}")
    if isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | OSError):
        return AttemptError(Reason.UNAVAILABLE, error)
    return AttemptError(Reason.FAILED, f"the answer cannot be read, so it is perhaps no Triton server: {error!r}")


def _grpc_failure(error: Exception) -> AttemptError:
    from tritonclient.utils import InferenceServerException

    if isinstance(error, InferenceServerException):
        return AttemptError(reason_of(error.status()), error.message())
    return AttemptError(Reason.FAILED, repr(error))
