"""Where the files of a checkpoint are: in a folder, or on the hub."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparse_client.errors import one_line
from sparse_export.errors import CheckpointError
from sparse_export.options import ExportOptions

HUB_SECONDS = 20.0
MODULES, ROUTER, CONFIG = "modules.json", "router_config.json", "config.json"
KIND = "config_sentence_transformers.json"
ADAPTER = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class Source:
    """A folder or a hub id that exists.

    Attributes:
        model: Folder or hub id, as the libraries take it.
        is_folder: The user named a folder.
        revision: Branch, tag or commit of a hub id.
        trust_remote_code: Run code that the checkpoint brings along.
        local_files_only: Everything is on this machine; the hub is not asked.
        copy: A folder that is read in its place.
    """

    model: str
    is_folder: bool
    revision: str | None
    trust_remote_code: bool
    local_files_only: bool
    copy: Path | None = None

    @property
    def location(self) -> str:
        """Return the folder or hub id that the loaders take."""
        return str(self.copy or self.model)

    @property
    def arguments(self) -> dict[str, Any]:
        """Return what every loader of transformers and sentence-transformers takes beside the model."""
        if self.copy is not None:
            return {"revision": None, "trust_remote_code": self.trust_remote_code, "local_files_only": True}
        names = ("revision", "trust_remote_code", "local_files_only")
        return {name: getattr(self, name) for name in names}

    def read_json(self, name: str) -> Any:
        """Return the content of a JSON file, None where the checkpoint has no such file."""
        try:
            path = self.find(name)
            return None if path is None else json.loads(Path(path).read_text(encoding="utf-8"))
        except Exception as error:  # a damaged file, or whatever the hub answers
            raise CheckpointError(f"{name} of '{self.model}' cannot be read: {one_line(error)}") from error

    def find(self, name: str) -> str | None:
        """Return the path of a file, None where the checkpoint has no such file."""
        from sentence_transformers.util import load_file_path

        arguments = {key: self.arguments[key] for key in ("revision", "local_files_only")}
        found: str | None = load_file_path(self.location, name, **arguments)
        return found

    def fetched(self) -> Path:
        """Return a folder with all files of the checkpoint; those that are on the hub are fetched."""
        from huggingface_hub import snapshot_download

        folder = Path(self.model)
        return folder if folder.is_dir() else Path(snapshot_download(self.model, revision=self.revision))

    def folder(self) -> Path:
        """Return the folder itself, or the hub's local copy once it has been loaded."""
        folder = Path(self.model)
        return folder if folder.is_dir() else _cached(self.model, self.revision)


def locate(options: ExportOptions) -> Source:
    """Find the checkpoint that `options` names.

    Raises:
        CheckpointError: There is no such folder, it holds no checkpoint, or the hub does not give it.
    """
    model, folder = options.model, Path(options.model).expanduser()
    if not model.strip():
        raise CheckpointError("The model is empty; name a folder or a hub id such as naver/splade-v3.")
    if folder.is_dir():
        if not any((folder / name).is_file() for name in (MODULES, CONFIG)):
            raise CheckpointError(
                f"The folder '{model}' has neither {MODULES} nor {CONFIG}; "
                "name the folder of a SparseEncoder or of a transformers masked language model."
            )
        # Only an adapter may need the hub: its base model can lie there.
        local_only = not (folder / ADAPTER).is_file()
        return Source(str(folder), True, options.revision, options.trust_remote_code, local_only)
    looks_local = folder.exists() or model.startswith((".", "/", "~")) or model.count("/") != 1
    if looks_local or Path(model.split("/")[0]).is_dir():
        raise CheckpointError(f"There is no folder '{model}'; name a folder or a hub id such as naver/splade-v3.")
    copy = _copy_if_away(model, options.revision)
    if copy is not None:
        return Source(str(copy), False, None, options.trust_remote_code, True)
    return Source(model, False, options.revision, options.trust_remote_code, False)


def unreadable(source: Source, error: Exception, what: str) -> CheckpointError:
    """Return the error for what a library raised while it read a checkpoint."""
    if "trust_remote_code" in str(error) and not source.trust_remote_code:
        return CheckpointError(
            f"'{source.model}' needs custom code to load, which runs only if you allow it; read it, then give "
            f"trust_remote_code=True ({one_line(error)})."
        )
    return CheckpointError(f"{what}: {one_line(error)}")


def _copy_if_away(model: str, revision: str | None) -> Path | None:
    """Return the local copy of a hub id where the hub does not answer, None where it does.

    The hub is asked once here. The libraries ask for each file, six times, and take a minute to find that it is away.
    """
    from huggingface_hub import HfApi

    try:
        HfApi().model_info(model, revision=revision, timeout=HUB_SECONDS)
    except Exception as error:
        try:
            return _cached(model, revision)
        except Exception:
            raise CheckpointError(
                f"There is no folder '{model}' here, and the hub does not give it: {one_line(error)}"
            ) from error
    return None


def _cached(model: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(model, revision=revision, local_files_only=True))
