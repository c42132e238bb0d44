"""How a client talks to its server."""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sparse_client.errors import InputError

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_NAME, _VALUE = re.compile(r"[0-9a-z_.-]+"), re.compile(r"[\x20-\x7e]*")  # what HTTP and gRPC both carry


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How a client talks to its server.

    Attributes:
        timeout: Seconds that one request may take.
        retries: How often a request is sent again after the connection was lost or the server said that it is
            unavailable; after 0.1 s first, then ever later up to 2 s: some 5 s for 6. Nothing else is sent again.
        concurrency: Requests under way at the same time.
        batch_size: Texts or vectors per request, None for as many as the server takes.
        max_active_dims: Keep only this many dimensions, those of the largest absolute weight, None for all.
        ca_file: Certificates to trust, PEM, None for those of the system.

    Raises:
        InputError: If a number is too small or the file is missing.
    """

    timeout: float = 30.0
    retries: int = 6
    concurrency: int = 4
    batch_size: int | None = None
    max_active_dims: int | None = None
    ca_file: Path | str | None = None

    def __post_init__(self) -> None:
        """Check the numbers and the file."""
        if not self.timeout > 0:
            raise InputError(f"timeout is {self.timeout}, expected more than 0 seconds")
        for name, least in (("retries", 0), ("concurrency", 1), ("batch_size", 1), ("max_active_dims", 1)):
            number = getattr(self, name)
            if number is not None and number < least:
                raise InputError(f"{name} is {number}, expected {least} or more")
        if self.ca_file is not None and not Path(self.ca_file).is_file():
            raise InputError(f"ca_file {self.ca_file} is not a file: give one with certificates in PEM form")

    def pauses(self) -> Iterator[float]:
        """Yield the seconds to wait before each retry: doubling, and random, or all clients would come at once."""
        for attempt in range(self.retries):
            yield min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE) * random.uniform(0.75, 1)


def checked_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers with names in lower case, as gRPC wants them.

    Raises:
        InputError: If a name or a value cannot be sent; the value, which may be a secret, is not shown.
    """
    checked = {}
    for name, value in (headers or {}).items():
        if not isinstance(name, str) or not _NAME.fullmatch(name.lower()):
            raise InputError(f"header {name!r} is not a valid name: use letters, digits, '-', '_' and '.'")
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise InputError(f"the value of header {name!r} is not printable ASCII on one line")
        checked[name.lower()] = value
    return checked
