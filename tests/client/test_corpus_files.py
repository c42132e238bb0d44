"""What `sparse-client encode` reads: files of many kinds, compressed, by patterns; and what it says of bad ones."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from sparse_client import InputError
from sparse_client.cli.commands import main
from sparse_client.corpus.records import Record, Source

ROWS = [
    {"id": "007", "title": "Weather", "text": "The weather is lovely, today.", "more": "1"},
    {"id": "b", "title": "", "text": 'a "quoted"\nline with\ttabs', "more": "2"},
    {"id": "NA", "title": "日本", "text": "日本語\u2028のテキスト", "more": ""},
]


def as_jsonl(path: Path) -> None:
    path.write_text("\n".join(json.dumps(row) for row in ROWS), "utf-8")


def as_csv(path: Path, delimiter: str = ",", encoding: str = "utf-8-sig") -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(ROWS[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(ROWS)


def as_tsv(path: Path) -> None:
    as_csv(path, "\t")


def as_parquet(path: Path) -> None:
    pyarrow.parquet.write_table(pa.Table.from_pylist(ROWS), path)


def as_feather(path: Path) -> None:
    pyarrow.feather.write_feather(pa.Table.from_pylist(ROWS), path)


def as_stream(path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


def compressed(write: Callable[[Path], None]) -> Callable[[Path], None]:
    def written(path: Path) -> None:
        plain = path.with_suffix("")
        write(plain)
        if path.suffix == ".gz":
            path.write_bytes(gzip.compress(plain.read_bytes()))
        else:
            path.write_bytes(pa.compress(plain.read_bytes(), "zstd", asbytes=True))
        plain.unlink()

    return written


KINDS = {
    "rows.jsonl": as_jsonl,
    "rows.csv": as_csv,
    "rows.tsv": as_tsv,
    "rows.parquet": as_parquet,
    "rows.feather": as_feather,
    "rows.arrow": as_stream,
    "rows.jsonl.gz": compressed(as_jsonl),
    "rows.csv.zst": compressed(as_csv),
}


def read(path: object, **options: Any) -> list[Record]:
    return list(Source(path=str(path), **options).records())


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_gives_the_same_records(tmp_path: Path, name: str) -> None:
    """Ids stay texts: 007 is no 7, and NA is not missing."""
    KINDS[name](tmp_path / name)
    found = read(tmp_path / name)
    assert [(one.label, one.content) for one in found] == [({"id": row["id"]}, row["text"]) for row in ROWS]
    titled = read(tmp_path / name, title_field="title", id_field="more" if name == "rows.csv" else "id")
    assert [one.content for one in titled] == [
        f"Weather {ROWS[0]['text']}",
        ROWS[1]["text"],
        f"日本 {ROWS[2]['text']}",
    ]


def test_a_pattern_reads_files_in_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt.gz", "c.jsonl"):
        line = json.dumps({"text": name}) if name.endswith("jsonl") else name
        content = f"{line}\r\n".encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert [one.content for one in read(tmp_path / "*")] == ["a.txt.gz", "b.txt", "c.jsonl"]
    with pytest.raises(InputError, match="no file has such a name"):
        read(tmp_path / "*.csv")


@pytest.mark.parametrize(
    ("name", "content", "options", "said"),
    [
        ("x.csv", b"id,text\n1,a,b\n", {}, "line 2 has more fields than the first line names"),
        ("x.csv", b"id,text\n1\n", {}, "line 2: field 'text' holds null, expected a text in quotes"),
        ("x.csv", b'id,text\n1,"a', {}, "is not CSV in UTF-8"),
        ("x.csv", b"id,text\n1,\xff\n", {}, "is not CSV in UTF-8"),
        ("x.csv", b"id,body\n1,a\n", {}, "has no field 'text', only 'id', 'body': name one with --field"),
        ("x.csv", b"id,text\n,a\n", {"id_field": "nr"}, "has no id 'nr', only 'id', 'text'"),
        ("x.csv", b"id,text,text\n1,a,b\n", {}, "names the field 'text' twice"),
        ("x.jsonl.gz", gzip.compress(b'{"text": "a"}\n' * 999, mtime=0)[:-20], {}, "cannot be read"),
        (
            "x.jsonl.gz",
            gzip.compress(bytes(range(256)) * 9, mtime=0)[:40] + b"damage" * 99,
            {},
            "cannot be read|not UTF-8",
        ),
        ("x.jsonl.zst", pa.compress(b'{"text": "a"}\n' * 999, "zstd", asbytes=True)[:-9], {}, "cannot be read"),
        ("x.jsonl.gz", b"no gzip", {}, "cannot be read: .*gzip"),
        ("x.jsonl.zst", b"no zstd at all", {}, "cannot be read"),
        ("x.parquet", b"PAR1 and no more", {}, "cannot be read as parquet"),
        ("x.arrow", b"no arrow at all", {}, "cannot be read as arrow"),
        ("x.txt", b"fine\n\xe9\n", {}, "line 2 is not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes, options: dict[str, Any], said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        read(tmp_path / name, **options)


def test_columns_that_are_not_wanted_are_not_read(tmp_path: Path) -> None:
    table = pa.table({"text": ["a"], "when": pa.array([0], pa.timestamp("s"))})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    assert [one.content for one in read(tmp_path / "x.parquet")] == ["a"]
    with pytest.raises(InputError, match="the id 'id' is datetime, expected a text or a number"):
        read(tmp_path / "x.parquet", id_field="when")
    with pytest.raises(InputError, match="has no column 'body', only text, when: name one with --field"):
        read(tmp_path / "x.parquet", field="body")


def test_bad_records_are_listed_and_left_out(splade_bundle: Path, tmp_path: Path) -> None:
    lines = ['{"id": 1, "text": "fish"}', "no JSON", '{"id": 3}', '{"id": 4, "text": "whale"}']
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    arguments = ["encode", "--bundle", splade_bundle, "--input", tmp_path / "x.jsonl", "--output", tmp_path / "y.jsonl"]
    stopped = CliRunner().invoke(main, list(map(str, arguments)))
    assert stopped.exit_code == 1
    assert not (tmp_path / "y.jsonl").exists()
    done = CliRunner().invoke(main, [*map(str, arguments), "--skip-bad", str(tmp_path / "bad.txt")])
    assert done.exit_code == 0, done.output
    assert [json.loads(line)["id"] for line in (tmp_path / "y.jsonl").read_text().splitlines()] == [1, 4]
    listed = (tmp_path / "bad.txt").read_text().splitlines()
    assert [str(number) in line for number, line in zip((2, 3), listed, strict=True)] == [True, True]
    assert "2 records were skipped, see" in done.stderr
    for same in ("-", str(tmp_path / "y.jsonl")):
        refused = CliRunner().invoke(main, [*map(str, arguments), "--skip-bad", same])
        assert refused.exit_code == 1
        assert "is where the vectors go" in refused.stderr
