"""Upload a trained checkpoint."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi

from sparse_client.errors import one_line
from sparse_train.errors import OutputError


def push(folder: Path, repository: str, *, private: bool | None) -> None:
    """Upload a folder as a model, with the token of the environment or of an earlier login.

    Raises:
        OutputError: the hub refuses it, or cannot be reached.
    """
    try:
        api = HfApi()
        api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Add a trained sparse encoder")
    except Exception as error:  # the hub's client has many
        raise OutputError(f"{repository}: cannot be uploaded: {one_line(error)}") from error
