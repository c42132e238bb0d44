"""What the user may choose about a model repository."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparse_export.errors import InputError

MAX_TEXT_BYTES = 2**18


@dataclass(frozen=True, slots=True)
class RepositoryOptions:
    """The models of one bundle in a repository.

    Attributes:
        bundle: Folder of the bundle.
        repository: Folder of the model repository; other models in it are left alone.
        name: What the names of the models begin with.
        max_batch_size: Texts of a request, and of a batch that the server makes of several.
        threads: Threads of one run of a graph on a CPU; 0 for one per core of the server.
        max_text_bytes: UTF-8 bytes of a text; a request with a longer one is answered with an error.
        gpu_bundle: Bundle of the same checkpoint whose graph runs on a GPU; None takes the first bundle's.
        tensorrt: On a GPU, run the graph through TensorRT.
        response_cache: Let the server answer a repeated request from its cache.
        force: Replace the models of that name.

    Raises:
        InputError: A value is out of its range.
    """

    bundle: Path
    repository: Path
    name: str
    max_batch_size: int = 32
    threads: int = 0
    max_text_bytes: int = MAX_TEXT_BYTES
    gpu_bundle: Path | None = None
    tensorrt: bool = False
    response_cache: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        for name, least in (("max_batch_size", 1), ("threads", 0), ("max_text_bytes", 1)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}; it must be {least} or more.")
