"""Where the commands write: a file that appears only when it is complete, or standard output."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sparse_client.errors import InputError
from sparse_client.replace import replacing


@contextmanager
def output_stream(path: str | None) -> Iterator[TextIO]:
    """Open the output for one `with` block.

    Args:
        path: The file; None or `-` for standard output.

    Raises:
        InputError: If it cannot be written.
    """
    to_stdout = path is None or path == "-"
    try:
        if to_stdout:
            yield sys.stdout
            sys.stdout.flush()  # here, where a full disk can still be told
        else:
            # Through a link, so that the link stays one.
            with _written(Path(os.path.realpath(str(path)))) as stream:
                yield stream
    except BrokenPipeError:
        raise  # the reader had enough: click ends quietly
    except OSError as error:
        if to_stdout:  # what is still in its buffer would fail again, and noisily, when Python ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        name = "standard output" if to_stdout else f"--output {path}"
        raise InputError(f"{name} cannot be written: {error.strerror}; give --output another file") from error


@contextmanager
def _written(target: Path) -> Iterator[TextIO]:
    """Write beside the target and rename when the block ends without an error."""
    if target.exists() and not target.is_file():  # a device or a pipe: renaming would put a file in its place
        with target.open("w", encoding="utf-8") as stream:
            yield stream
        return
    with replacing(target) as new, new.open("x", encoding="utf-8", newline="\n") as stream:
        yield stream
