"""Parts of a corpus, on the machines of a Ray cluster: each actor has the bundle open and makes one part after another.

All machines write to the same folder, so it must be on a disk that all of them see.
"""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from sparse_client.corpus.folder import Folder, Part
from sparse_client.corpus.job import Job, Texts
from sparse_client.corpus.shipped import Shipped, ship
from sparse_client.errors import SparseClientError, one_line

if TYPE_CHECKING:
    import types

LOCAL = "local"
_CONNECT_SECONDS = 10
_AHEAD = 2  # parts that an actor has: one that it makes, one that waits for it


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where to encode.

    Attributes:
        address: Of Ray's cluster, `local` for one of this machine.
        workers: Actors, of one core each; None for as many as there are cores.
    """

    address: str
    workers: int | None


class Worker:
    """Makes parts, in a process of Ray.

    Args:
        job: How each is made.
        shipped: The bundle, None where a server encodes.
    """

    def __init__(self, job: Job, shipped: Shipped | None) -> None:
        self._job = job if shipped is None else replace(job, bundle=shipped.unpack())
        self._encoder = self._job.encoder()

    def run(self, texts: Texts) -> Part:
        """Encode and write one part."""
        return self._job.run(self._encoder, texts, lambda _: None)


def encode_on_ray(
    job: Job, parts: Iterator[Texts], folder: Folder, cluster: Cluster, advance: Callable[[int], object]
) -> None:
    """Make parts. A process that ends on the way is started again, and its parts are made again.

    Raises:
        SparseClientError: If there is no such cluster, or a part cannot be made.
    """
    ray = ray_library()
    try:
        _check_reached(cluster.address)
        ray.init(None if cluster.address == LOCAL else cluster.address, log_to_driver=False, configure_logging=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise SparseClientError(f"--ray {cluster.address}: {one_line(error)}; give an address, or local") from error
    try:
        count = cluster.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        shipped = None if job.bundle is None else ray.put(ship(job.bundle))  # the store holds it once a machine
        actor = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=-1)(Worker)
        actors = [actor.remote(job, shipped) for _ in range(count)]
        pending: dict[Any, tuple[Any, Texts]] = {}
        for one, texts in zip(cycle(actors), islice(parts, count * _AHEAD), strict=False):
            pending[one.run.remote(texts)] = one, texts
        while pending:
            (done,), _ = ray.wait(list(pending))
            one, texts = pending.pop(done)
            folder.add(texts.number, ray.get(done))
            advance(len(texts.records))
            for following in islice(parts, 1):
                pending[one.run.remote(following)] = one, following
    except ray.exceptions.RayTaskError as error:
        raise (
            error.cause if isinstance(error.cause, SparseClientError) else SparseClientError(one_line(error))
        ) from None
    except ray.exceptions.RayError as error:  # an actor that cannot start, an object that was lost
        raise SparseClientError(f"Ray cannot go on: {one_line(error)}") from error
    finally:
        ray.shutdown()


def _check_reached(address: str) -> None:
    """Ray itself takes minutes to give up on an address where nobody listens."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()


@functools.cache
def ray_library() -> types.ModuleType:
    """Return Ray.

    Raises:
        SparseClientError: If it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise SparseClientError(f"this needs Ray ({error}): pip install 'sparse-export[ray]'") from error
    return ray
