"""Tokenizers without a fast form, such as BertJapaneseTokenizer: transformers runs them, an optional extra."""

import json
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from sparse_client.bundle.facts import PythonTokenizer, Route
from sparse_client.errors import BundleError, SparseClientError, one_line

SETTINGS = "tokenizer_config.json"
# Settings of these endings name files of the host, or are handed to a program (MeCab) that reads and writes files.
FORBIDDEN = ("_file", "_path", "_dir", "_option")


class SlowTokenizer:
    """A tokenizer of transformers, loaded on first use from the bundle's files; may be used from several threads.

    Args:
        root: The bundle's folder.
        route: The route.
    """

    def __init__(self, root: Path, route: Route) -> None:
        assert route.python_tokenizer is not None
        self._root, self._entry = root, route.python_tokenizer
        self._options: dict[str, Any] = {"add_special_tokens": route.add_special_tokens}
        if route.max_length is not None:
            self._options |= {"truncation": "longest_first", "max_length": route.max_length}
        self.pad_id = self._entry.pad_id
        self._tokenizer: Any = None
        self._lock = Lock()  # MeCab's tagger is one program with one state

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text.

        Raises:
            BundleError: If the tokenizer's files cannot be read, or ask for what a bundle may not.
            SparseClientError: If a package is not installed.
        """
        with self._lock:
            rows: list[list[int]] = self._loaded()(list(texts), **self._options)["input_ids"]
        return rows

    def token(self, index: int) -> str | None:
        """Return the token of an id; raises as `ids`."""
        with self._lock:
            tokenizer = self._loaded()
            found: str | None = tokenizer.convert_ids_to_tokens(index) if index < len(tokenizer) else None
        return found

    def _loaded(self) -> Any:
        if self._tokenizer is None:
            self._tokenizer = _load(self._root, self._entry)
        return self._tokenizer


def advice(tokenizer: PythonTokenizer) -> str:
    """Return what to install for a tokenizer."""
    packages = " ".join(["transformers", *tokenizer.packages])
    return (
        f"its tokenizer {tokenizer.name} has no fast form (tokenizer.json), so texts need Python with {packages}: "
        f"pip install {packages}, or make the token ids elsewhere and give them to encode_token_ids"
    )


def _load(root: Path, tokenizer: PythonTokenizer) -> Any:
    folder = root / tokenizer.folder
    try:
        import transformers
    except ImportError as error:
        raise SparseClientError(f"{root}: {advice(tokenizer)}") from error
    kind = getattr(transformers, tokenizer.name, None)
    if not (isinstance(kind, type) and issubclass(kind, transformers.PreTrainedTokenizerBase)):
        raise BundleError(f"{root}: transformers {transformers.__version__} has no tokenizer {tokenizer.name!r}")
    try:
        return kind.from_pretrained(folder, local_files_only=True)
    except ImportError as error:
        raise SparseClientError(f"{root}: {advice(tokenizer)}") from error
    except Exception as error:  # any library on the way may raise anything about a damaged file
        raise BundleError(f"{folder} is not a tokenizer that {tokenizer.name} can read ({one_line(error)})") from error


def check_settings(folder: Path) -> None:
    """Check that a tokenizer's settings name no files of the host; its other files the manifest names.

    Raises:
        BundleError: They cannot be read, or do.
    """
    path = folder / SETTINGS
    try:
        settings = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{path} cannot be read: {one_line(error)}") from error
    if not isinstance(settings, dict):
        raise BundleError(f"{path} is not a JSON object")
    for part in (settings, *(one for one in settings.values() if isinstance(one, dict))):
        for name, value in part.items():
            if name.endswith(FORBIDDEN) and value is not None:
                raise BundleError(f"{path} sets {name}, which a bundle may not: it could name files of the host")
