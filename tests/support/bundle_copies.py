"""A bundle that differs from another one in one thing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import onnx


class Copy:
    """A copy of a bundle to change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest: dict[str, Any] = json.loads((path / "manifest.json").read_text())

    def save(self) -> Path:
        """Write the manifest."""
        (self.path / "manifest.json").write_text(json.dumps(self.manifest))
        return self.path

    def put(self, name: str, content: bytes) -> None:
        """Write a file and name it in the manifest."""
        (self.path / name).write_bytes(content)
        self.manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}

    def put_graph(self, name: str, text: str) -> None:
        """Write a graph given in ONNX's text form."""
        self.put(name, onnx.parser.parse_model(text).SerializeToString())

    def route(self, name: str, **changes: object) -> None:
        """Change one route."""
        self.manifest["routes"][name] = {**self.manifest["routes"][name], **changes}
