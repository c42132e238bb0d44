"""Where the commands encode: in this process from a bundle, or on a server."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparse_client.errors import InputError

if TYPE_CHECKING:
    from sparse_client.local import LocalEncoder
    from sparse_client.server.sync_client import SparseClient

    Encoder = LocalEncoder | SparseClient


@dataclass(frozen=True, slots=True)
class Target:
    """What the options say of where to encode; None where an option was not given.

    Attributes:
        bundle: Folder of a bundle.
        url: Server.
        model: Name of the bundle on the server.
        headers: `NAME: VALUE` each, for the server.
        timeout: Seconds that one request to the server may take.
        ca_file: Certificates to trust.
        threads: Threads of one run of a graph of the bundle.
        batch_size: Texts in one run of a graph, or in one request.
        providers: Execution providers of ONNX Runtime, in order of preference.
    """

    bundle: str | None
    url: str | None
    model: str | None
    headers: tuple[str, ...]
    timeout: float | None
    ca_file: str | None
    threads: int | None
    batch_size: int | None
    providers: tuple[str, ...]

    def encoder(self, top: int | None = None, concurrency: int | None = None) -> "Encoder":
        """Open the bundle, or make a client of the server.

        Args:
            top: How many dimensions to keep, None for all.
            concurrency: Requests under way at the same time, None for the client's choice.

        Raises:
            InputError: If the options name no target, two, or do not fit together.
        """
        if (self.bundle is None) == (self.url is None):
            raise InputError("give either --bundle DIR or --url URL with --model NAME")
        if self.url is None:
            return self._local(top)
        return self.client(top, concurrency)

    def client(self, top: int | None = None, concurrency: int | None = None) -> "SparseClient":
        """Make a client of the server, whether there is a bundle, too, or not; see `encoder`."""
        from sparse_client.server.options import ClientOptions
        from sparse_client.server.sync_client import SparseClient

        if self.url is None or self.model is None:
            raise InputError("--url and --model go together: the server, and the name that the bundle has there")
        for option, value in {"--threads": self.threads, "--providers": self.providers or None}.items():
            if value is not None:
                raise InputError(f"{option} is for --bundle: the server has its own")
        given: dict[str, Any] = {"timeout": self.timeout, "batch_size": self.batch_size, "max_active_dims": top}
        given |= {"concurrency": concurrency, "ca_file": self.ca_file}
        chosen = {name: value for name, value in given.items() if value is not None}
        headers = dict(_header(line) for line in self.headers)
        return SparseClient(self.url, model=self.model, headers=headers, options=ClientOptions(**chosen))

    def _local(self, top: int | None) -> "LocalEncoder":
        from sparse_client.local import LocalEncoder

        server_only = {"--model": self.model, "--header": self.headers, "--timeout": self.timeout, "--ca": self.ca_file}
        for option, value in server_only.items():
            if value:
                raise InputError(f"{option} is for --url: a bundle is opened in this process")
        assert self.bundle is not None
        return LocalEncoder(
            self.bundle,
            threads=self.threads,
            max_active_dims=top,
            batch_size=self.batch_size or 32,
            providers=self.providers or None,
        )


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise InputError("--header expects NAME: VALUE, such as 'authorization: Bearer TOKEN'")
    return name.strip(), value.strip()
