"""`sparse-client encode --output DIR/`: parts, going on after a stop, what is refused, what becomes of weights."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import scipy.sparse
from click.testing import CliRunner, Result

from sparse_client import LocalEncoder, SparseVector
from sparse_client.cli.commands import main
from sparse_client.corpus.records import Source
from sparse_client.corpus.survey import survey
from sparse_client.corpus.weights import Weights
from sparse_client.errors import InputError
from support.commands import content_of
from support.real_checkpoints import glosses

COMMAND = Path(sys.executable).with_name("sparse-client")
TEXTS, SHARD = 600, 64
Encode = Callable[..., Result]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "glosses.jsonl"
    path.write_text("".join(json.dumps({"id": f"d{n}", "text": text}) + "\n" for n, text in enumerate(glosses(TEXTS))))
    return path


@pytest.fixture
def encode(splade_int8_bundle: Path, corpus: Path) -> Encode:
    def run(output: object, *options: object, source: object = corpus, stdin: bytes | None = None) -> Result:
        given = ["encode", "--bundle", splade_int8_bundle, "--input", source, "--output", f"{output}/", *options]
        return CliRunner().invoke(main, list(map(str, given)), input=stdin)

    return run


@pytest.fixture(scope="module")
def whole(splade_int8_bundle: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run without a break."""
    output = tmp_path_factory.mktemp("whole") / "vectors"
    subprocess.run(command(splade_int8_bundle, corpus, output), check=True)
    return output


def command(bundle: Path, corpus: Path, output: Path, workers: int = 1) -> list[str]:
    options = ["--shard-texts", str(SHARD), "--workers", str(workers), "--threads", "1"]
    return [str(COMMAND), "encode", "--bundle", str(bundle), "--input", str(corpus), "--output", f"{output}/", *options]


def manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


def lines(folder: Path) -> list[dict[str, Any]]:
    names = [part["name"] for part in manifest(folder)["parts"]]
    return [json.loads(line) for name in names for line in (folder / name).read_text().splitlines()]


def test_a_folder_has_what_a_file_has(encode: Encode, whole: Path, tmp_path: Path, corpus: Path) -> None:
    """In the same order, with the same ids, whatever the parts and processes; the manifest counts them."""
    assert encode(tmp_path / "one", "--shard-texts", 1000).exit_code == 0
    assert encode(tmp_path / "piped", "--jsonl", source="-", stdin=corpus.read_bytes()).exit_code == 0
    assert [row["id"] for row in lines(whole)] == [f"d{n}" for n in range(TEXTS)]
    one, parts = lines(tmp_path / "one"), lines(whole)
    assert lines(tmp_path / "piped") == one
    for left, right in zip(one, parts, strict=True):
        assert SparseVector(left["indices"], left["values"]).dot(SparseVector(right["indices"], right["values"])) > 0
        assert dict(zip(left["indices"], left["values"], strict=True)) == pytest.approx(
            dict(zip(right["indices"], right["values"], strict=True)), abs=1e-5
        )
    content = manifest(whole)
    assert content["complete"]
    assert [part["texts"] for part in content["parts"]] == [SHARD] * (TEXTS // SHARD) + [TEXTS % SHARD]
    assert (content["parts"][1]["first"], content["parts"][1]["last"]) == (f"d{SHARD}", f"d{2 * SHARD - 1}")
    assert sum(part["active"] for part in content["parts"]) == sum(len(row["indices"]) for row in parts)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_and_started_again_it_loses_and_doubles_nothing(
    splade_int8_bundle: Path, corpus: Path, whole: Path, tmp_path: Path, workers: int
) -> None:
    """Byte for byte: killed 10 times at random moments, with one process and with two."""
    output, draw, kills = tmp_path / "vectors", random.Random(workers), 0
    while kills < 10:
        process = subprocess.Popen(command(splade_int8_bundle, corpus, output, workers), start_new_session=True)
        try:
            process.wait(draw.uniform(0.5, 2.5))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL) if draw.random() < 0.5 else process.kill()  # with its workers, or it
            kills += 1
            process.wait()
        else:  # it was done: the next one begins anew
            assert process.returncode == 0
            assert content_of(output) == content_of(whole)
            for file in output.iterdir():
                file.unlink()
    subprocess.run(command(splade_int8_bundle, corpus, output, workers), check=True)
    assert content_of(output) == content_of(whole)


def test_a_worker_that_is_killed_is_told_of(
    splade_int8_bundle: Path, corpus: Path, whole: Path, tmp_path: Path
) -> None:
    output = tmp_path / "vectors"
    process = subprocess.Popen(command(splade_int8_bundle, corpus, output, 2), stderr=subprocess.PIPE, text=True)
    while not list(output.glob("part-*")):
        assert process.poll() is None
        time.sleep(0.01)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(max(map(int, children)), signal.SIGKILL)
    _, error = process.communicate()
    assert process.returncode == 1
    assert "Error: one of 2 processes was killed, perhaps for its memory: the same command goes on from there" in error
    assert "Traceback" not in error
    subprocess.run(command(splade_int8_bundle, corpus, output, 2), check=True)
    assert content_of(output) == content_of(whole)


def test_a_part_that_was_lost_is_made_again(encode: Encode, tmp_path: Path) -> None:
    output = tmp_path / "vectors"
    assert encode(output, "--shard-texts", 256).exit_code == 0
    before = content_of(output)
    (output / "part-00001.jsonl").unlink()
    (output / "part-00002.jsonl").write_text("cut")
    result = encode(output, "--shard-texts", 256)
    assert "600 texts (256 were there)" in result.stderr
    assert content_of(output) == before


def test_a_full_disk_leaves_what_is_done(splade_int8_bundle: Path, corpus: Path, whole: Path, tmp_path: Path) -> None:
    output, limit = tmp_path / "vectors", 30_000  # bytes of a file: a part has more

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    result = subprocess.run(
        command(splade_int8_bundle, corpus, output), preexec_fn=limited, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert f"Error: --output {output} cannot be written: File too large; the same command goes on" in result.stderr
    assert [path.name for path in output.iterdir()] == ["manifest.json"]
    subprocess.run(command(splade_int8_bundle, corpus, output), check=True)
    assert content_of(output) == content_of(whole)


def test_another_run_is_refused(
    encode: Encode, tmp_path: Path, corpus: Path, splade_bundle: Path, splade_int8_bundle: Path
) -> None:
    output, other = tmp_path / "vectors", tmp_path / "other.jsonl"
    assert encode(output).exit_code == 0
    before = content_of(output)
    text = corpus.read_text()
    other.write_text(text.replace("a", "b", 1))
    assert "input: sha256 was" in encode(output, source=other).stderr
    other.write_text(text + json.dumps({"id": "more", "text": "more"}) + "\n")
    assert "input: texts was 600, is now 601" in encode(output, source=other).stderr
    assert "options: prune_ratio was 0.0, is now 0.1" in encode(output, "--prune-ratio", 0.1).stderr
    assert "options: top was None, is now 3" in encode(output, "--top", 3).stderr
    result = CliRunner().invoke(
        main, ["encode", "--bundle", str(splade_bundle), "--input", str(corpus), "--output", f"{output}/"]
    )
    assert result.exit_code == 1
    assert "bundle: sha256 was" in result.stderr
    assert content_of(output) == before
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "mine.txt").write_text("keep me")
    assert "has files, but no manifest.json of vectors" in encode(strange).stderr
    (strange / "manifest.json").write_text("[]")
    assert "is no manifest of vectors" in encode(strange).stderr
    assert "is for a folder" in encode_lines(splade_int8_bundle, corpus, "--uint8").stderr
    assert "give --input" in CliRunner().invoke(
        main, ["encode", "--bundle", str(splade_int8_bundle), "--output", f"{output}/", "text"]
    ).stderr  # fmt: skip


def encode_lines(bundle: Path, corpus: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["encode", "--bundle", str(bundle), "--input", str(corpus), *options])


def test_an_id_that_is_there_twice(encode: Encode, tmp_path: Path) -> None:
    """Names both lines; numbers and texts are the same ids, as engines see them."""
    source = tmp_path / "twice.jsonl"
    rows = [{"id": 7, "text": "a whale"}, {"id": "b", "text": "a ship"}, {"id": "7", "text": "a river"}]
    source.write_text("\n".join(map(json.dumps, rows)))
    error = encode(tmp_path / "v", source=source).stderr
    assert f"the id '7' is there twice, at {source}, line 1 and at {source}, line 3: give --duplicates" in error
    assert not (tmp_path / "v").exists()
    for choice, ids in (("first", [7, "b"]), ("last", ["b", "7"])):
        assert encode(tmp_path / choice, "--duplicates", choice, source=source).exit_code == 0
        assert [row["id"] for row in lines(tmp_path / choice)] == ids


def test_bad_records_stop_before_anything_is_encoded(encode: Encode, tmp_path: Path) -> None:
    source, bad = tmp_path / "bad.jsonl", tmp_path / "bad.txt"
    source.write_text('{"id": 1, "text": "a whale"}\n{"id": 2, "text": null}\n{"id": 3, "text": "a ship"}\n')
    assert f"{source}, line 2" in encode(tmp_path / "v", source=source).stderr
    assert not (tmp_path / "v").exists()
    result = encode(tmp_path / "v", "--skip-bad", bad, source=source)
    assert "1 records were skipped" in result.stderr
    assert len(bad.read_text().splitlines()) == 1, "once, though the file is read twice"
    assert [row["id"] for row in lines(tmp_path / "v")] == [1, 3]
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    assert "has no text" in encode(tmp_path / "e", source=empty).stderr


def test_an_input_that_changes_under_way_is_refused(encode: Encode, tmp_path: Path) -> None:
    """It is read twice: vectors of other texts than those that the manifest names must not pass for complete."""
    source = tmp_path / "changing.jsonl"
    source.write_text('{"id": 1, "text": "a whale"}\n')
    found = survey(Source(path=str(source)), "error", lambda _: None)
    assert len(list(found.kept(Source(path=str(source)).records()))) == 1
    source.write_text('{"id": 1, "text": "a whole"}\n')
    with pytest.raises(InputError, match="the input changed while it was encoded"):
        list(found.kept(Source(path=str(source)).records()))


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_numbers_that_are_none(encode: Encode, tmp_path: Path, number: str) -> None:
    """NaN is in every range of click's."""
    for option in ("--min-weight", "--prune-ratio", "--timeout"):
        result = encode(tmp_path / "v", option, number)
        assert result.exit_code == 2
        assert "not a finite number" in result.stderr or "not in the range" in result.stderr
        assert option in result.stderr


def test_progress_is_told_in_lines_where_there_is_no_terminal(
    encode: Encode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparse_client.progress.LINE_SECONDS", 0.0)
    told = encode(tmp_path / "v", "--workers", 1, "--shard-texts", 300).stderr
    assert re.search(r"^encoding: 300 of 600, [\d,]+/s, 0 minutes left$", told, re.MULTILINE)


def test_texts_of_any_size_and_bytes(encode: Encode, tmp_path: Path) -> None:
    """10 MB, NUL, a BOM, CRLF, no text at all: a vector each."""
    source = tmp_path / "odd.csv"
    texts = ["the whale " * 1_000_000, "a\0b", "", "  ", "last"]
    body = "".join(f'{n},"{text}"\r\n' for n, text in enumerate(texts))
    source.write_bytes(b"\xef\xbb\xbfid,text\r\n" + body.encode())
    assert encode(tmp_path / "v", source=source).exit_code == 0
    assert [row["id"] for row in lines(tmp_path / "v")] == ["0", "1", "2", "3", "4"]


def test_weights_that_are_dropped() -> None:
    vector = SparseVector([4, 7, 2, 9], [-2.0, 1.0, 0.5, 0.1])
    assert Weights(ratio=0.25).of(vector) == SparseVector([4, 7, 2], [-2.0, 1.0, 0.5])
    assert Weights(least=0.6).of(vector) == SparseVector([4, 7], [-2.0, 1.0])
    assert Weights(ratio=0.25, least=0.6).of(vector) == SparseVector([4, 7], [-2.0, 1.0])
    assert Weights().of(vector) == vector
    assert len(Weights(ratio=0.5, scale=2.0).of(SparseVector([], []))) == 0


def test_weights_that_become_impacts() -> None:
    weights, vector = Weights(scale=100.0), SparseVector([1, 2, 3], [3.0, 1.234, 0.001])
    assert weights.of(vector) == SparseVector([1, 2, 3], [255, 123, 1])
    assert weights.clipped(vector) == 1
    with pytest.raises(InputError, match="weight -1 is negative"):
        weights.of(SparseVector([1], [-1.0]))


def test_impacts_have_one_scale(encode: Encode, splade_int8_bundle: Path, corpus: Path, tmp_path: Path) -> None:
    """That of the golden vectors, whatever the corpus."""
    assert encode(tmp_path / "v", "--uint8").exit_code == 0
    scale = manifest(tmp_path / "v")["options"]["scale"]
    golden = map(json.loads, (splade_int8_bundle / "golden.jsonl").read_text().splitlines())
    assert scale == pytest.approx(255 / max(max(one["values"], default=0) for one in golden))
    vectors = LocalEncoder(splade_int8_bundle).encode_documents(
        [json.loads(line)["text"] for line in corpus.read_text().splitlines()]
    )
    clipped = 0
    for row, vector in zip(lines(tmp_path / "v"), vectors, strict=True):
        assert row["indices"] == vector.indices.tolist()
        assert all(isinstance(value, int) and 1 <= value <= 255 for value in row["values"])
        exact = vector.values * scale
        clipped += int((np.rint(exact) > 255).sum())
        assert np.abs(np.array(row["values"]) - np.clip(exact, 1, 255)).max(initial=0) <= 0.51
    assert sum(part["clipped"] for part in manifest(tmp_path / "v")["parts"]) == clipped


def test_matrices_and_columns_for_other_readers(encode: Encode, whole: Path, tmp_path: Path) -> None:
    for form in ("npz", "parquet"):
        assert encode(tmp_path / form, "--format", form, "--shard-texts", SHARD).exit_code == 0
    expected = [SparseVector(row["indices"], row["values"]) for row in lines(whole)]
    matrix = scipy.sparse.vstack([scipy.sparse.load_npz(path) for path in sorted((tmp_path / "npz").glob("*.npz"))])
    assert matrix.shape == (TEXTS, 30522)
    assert [SparseVector(row.indices, row.data) for row in matrix] == expected
    assert np.load(tmp_path / "npz" / "part-00001.npz")["ids"].tolist() == [f"d{n}" for n in range(SHARD, 2 * SHARD)]
    table = pyarrow.parquet.read_table(sorted((tmp_path / "parquet").glob("*.parquet"))).to_pylist()
    assert [SparseVector(row["indices"], row["values"]) for row in table] == expected
    assert table[-1]["id"] == f"d{TEXTS - 1}"
