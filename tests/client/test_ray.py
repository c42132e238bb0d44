"""A real Ray cluster on this machine: the same folder as without, though its processes are killed on the way."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sparse_client import InputError, LocalEncoder, SparseVector
from support.commands import content_of
from support.real_checkpoints import glosses

COMMAND = Path(sys.executable).with_name("sparse-client")
TEXTS, SHARD, KILLS = 4000, 16, 20
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "glosses.jsonl"
    path.write_text("".join(json.dumps({"id": n, "text": text}) + "\n" for n, text in enumerate(glosses(TEXTS))))
    return path


def command(bundle: Path, corpus: Path, output: Path, *options: str) -> list[str]:
    given = ["--bundle", str(bundle), "--input", str(corpus), "--output", f"{output}/", "--shard-texts", str(SHARD)]
    return [str(COMMAND), "encode", *given, *options]


def actors() -> list[int]:
    """Return the processes in which Ray encodes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::Worker"):
                found.append(int(path.parent.name))
        except OSError:  # it ended
            continue
    return found


@pytest.mark.alone
def test_killed_processes_lose_and_double_nothing(splade_int8_bundle: Path, corpus: Path, tmp_path: Path) -> None:
    """Byte for byte what one process writes, though 20 processes of Ray were killed at random moments."""
    alone, output, draw, kills = tmp_path / "alone", tmp_path / "ray", random.Random(0), 0
    subprocess.run(command(splade_int8_bundle, corpus, alone, "--workers", "1", "--threads", "1"), check=True)
    process = subprocess.Popen(
        command(splade_int8_bundle, corpus, output, "--ray", "local", "--workers", "2"),
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and kills < KILLS:
        time.sleep(draw.uniform(0.1, 0.6))
        for one in actors()[:1]:
            os.kill(one, signal.SIGKILL)
            kills += 1
    _, error = process.communicate()
    assert process.returncode == 0, error
    assert kills == KILLS, "the run was too short"
    assert content_of(output) == content_of(alone)


def test_what_is_wrong_is_told_without_a_traceback(splade_int8_bundle: Path, corpus: Path, tmp_path: Path) -> None:
    options = ["--ray", "127.0.0.1:1"]
    result = subprocess.run(
        command(splade_int8_bundle, corpus, tmp_path / "v", *options), capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "Error: --ray 127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_batch_of_one_and_what_is_no_batch(splade_int8_bundle: Path) -> None:
    """Rows of one length stay rows."""
    from sparse_client.ray import Encode

    encode = Encode(str(splade_int8_bundle), max_active_dims=5)
    for texts in (["a whale"], ["a whale", "a ship"]):
        batch = encode({"text": np.array(texts, dtype=object)})
        assert [list(row.shape) for row in batch["indices"]] == [[5]] * len(texts)
    with pytest.raises(InputError, match="there is no column 'text', only body"):
        encode({"body": np.array(["a"])})
    with pytest.raises(InputError, match="route is 'docs', expected document or query"):
        Encode(str(splade_int8_bundle), route="docs")


@pytest.fixture
def cluster() -> Iterator[None]:
    import ray

    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    yield
    ray.shutdown()


@pytest.mark.alone
@pytest.mark.filterwarnings("ignore")  # of Ray Data, about itself
@pytest.mark.usefixtures("cluster")
def test_a_building_block_for_datasets(splade_int8_bundle: Path) -> None:
    """The vectors of LocalEncoder beside the other columns, with the bundle sent to the machines."""
    import ray

    from sparse_client.ray import Encode, ship

    texts = glosses(200)
    dataset = ray.data.from_items([{"id": number, "text": text} for number, text in enumerate(texts)])
    bundle = ship(str(splade_int8_bundle))
    rows = dataset.map_batches(
        Encode, fn_constructor_args=(bundle,), batch_size=50, compute=ray.data.ActorPoolStrategy(size=2)
    ).take_all()
    expected = LocalEncoder(splade_int8_bundle).encode_documents(texts)
    assert sorted(row["id"] for row in rows) == list(range(200))
    for row in rows:
        assert row["text"] == texts[row["id"]]
        vector = SparseVector(row["indices"], row["values"])
        assert row["indices"].dtype == np.int32
        assert vector.to_dict() == pytest.approx(expected[row["id"]].to_dict(), abs=1e-5)
