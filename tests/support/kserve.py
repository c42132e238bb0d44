"""Talk to a Triton server as any program could: KServe v2 over HTTP with the standard library alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
SECONDS = 60
Row = dict[int, float]


class RejectedError(Exception):
    """The server answered with an error."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status


@dataclass(frozen=True)
class Kserve:
    """A server at `http`, such as http://127.0.0.1:8000."""

    http: str

    def get(self, path: str, body: bytes | None = None) -> Any:
        """Return the JSON that a path answers with; a body makes it a POST."""
        try:
            with DIRECT.open(urllib.request.Request(f"{self.http}/v2/{path}", body), timeout=SECONDS) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise RejectedError(error.code, error.read().decode()) from None

    def infer(self, model: str, *inputs: dict[str, Any]) -> dict[str, np.ndarray]:
        """Run a model and return its outputs."""
        answer = self.get(f"models/{model}/infer", json.dumps({"inputs": inputs}).encode())
        return {out["name"]: np.array(out["data"]).reshape(out["shape"]) for out in answer["outputs"]}

    def encode(self, model: str, texts: Sequence[str]) -> list[Row]:
        """Return the weight of each active dimension of each text."""
        found = self.infer(model, {"name": "TEXT", "shape": [len(texts), 1], "datatype": "BYTES", "data": list(texts)})
        pairs = (zip(*row, strict=True) for row in zip(found["indices"], found["values"], strict=True))
        return [{int(index): float(value) for index, value in row if index >= 0} for row in pairs]

    def send(self, model: str, texts: Iterable[bytes]) -> int:
        """Send raw bytes as one batch, in the binary form of the protocol; return the status."""
        raw = [len(text).to_bytes(4, "little") + text for text in texts]
        tensor = b"".join(raw)
        size = {"binary_data_size": len(tensor)}
        inputs = [{"name": "TEXT", "shape": [len(raw), 1], "datatype": "BYTES", "parameters": size}]
        head = json.dumps({"inputs": inputs}).encode()
        request = urllib.request.Request(f"{self.http}/v2/models/{model}/infer", head + tensor)
        request.add_header("Inference-Header-Content-Length", str(len(head)))
        try:
            with DIRECT.open(request, timeout=SECONDS) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


def pairs_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the inputs of a decode model, padded to the longest row."""
    width = max(map(len, rows))
    padded = [[*row.items(), *[(-1, 0.0)] * (width - len(row))] for row in rows]
    kinds = {"indices": ("INT32", 0), "values": ("FP32", 1)}
    return [
        {
            "name": name,
            "shape": [len(rows), width],
            "datatype": kind,
            "data": [pair[part] for row in padded for pair in row],
        }
        for name, (kind, part) in kinds.items()
    ]
