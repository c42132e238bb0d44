"""Requests to one server: bounded, timed, sent again where that helps, and with our errors."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from sparse_client.server.address import Address
from sparse_client.server.failures import AttemptError, Reason, as_error
from sparse_client.server.options import ClientOptions
from sparse_client.server.transports import TRANSPORTS, Transport, library_of
from sparse_client.server.wire import ModelConfig, Tensors, parse_config

_T = TypeVar("_T")


class Connection:
    """Talks to one server from one event loop; connects with the first request.

    Args:
        address: The server.
        headers: Sent with every request.
        options: Limits and certificates.

    Raises:
        SparseClientError: If tritonclient is not installed.
    """

    def __init__(self, address: Address, headers: Mapping[str, str], options: ClientOptions) -> None:
        library_of(address.protocol)  # now, not in the event loop
        self._address = address
        self._headers = headers
        self._options = options
        self._slots = asyncio.Semaphore(options.concurrency)
        self._configs: dict[str, ModelConfig] = {}
        self._transport: Transport | None = None

    async def config(self, model: str) -> ModelConfig:
        """Return a model's configuration; the server is asked once.

        Raises:
            ServerError: See `infer`.
        """
        if model not in self._configs:

            async def ask(transport: Transport) -> ModelConfig:
                return parse_config(await transport.config(model))

            self._configs[model] = await self._attempts(model, ask)
        return self._configs[model]

    async def infer(self, model: str, tensors: Callable[[], Tensors], read: Callable[[Tensors], _T]) -> _T:
        """Run a model.

        Args:
            model: Its name on the server.
            tensors: Makes the inputs, when there is a slot to send them.
            read: Takes the answer apart; may raise AttemptError.

        Raises:
            InputError: The server rejected the input.
            UnreachableError: It could not be reached, is unavailable or took too long.
            ModelNotFoundError: It has no such model.
            ServerError: Anything else.
        """

        async def ask(transport: Transport) -> _T:
            return read(await transport.infer(model, tensors()))

        return await self._attempts(model, ask)

    async def close(self) -> None:
        """Close the connection; the next request opens another."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    async def _attempts(self, model: str, ask: Callable[[Transport], Awaitable[_T]]) -> _T:
        async with self._slots:
            for pause in (*self._options.pauses(), None):
                try:
                    return await self._in_time(ask)
                except AttemptError as failure:
                    if pause is None or failure.reason is not Reason.UNAVAILABLE:
                        raise as_error(failure, self._address.url, model) from failure.__cause__
                    await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _in_time(self, ask: Callable[[Transport], Awaitable[_T]]) -> _T:
        if self._transport is None:  # here, because an HTTP session belongs to the event loop that it is made in
            self._transport = TRANSPORTS[self._address.protocol](self._address, self._headers, self._options)
        try:
            async with asyncio.timeout(self._options.timeout):
                return await ask(self._transport)
        except TimeoutError as error:
            raise AttemptError(Reason.TIMEOUT, f"{self._options.timeout:g} s passed") from error
