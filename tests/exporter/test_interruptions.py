"""Full disks and signals in the middle of an export: one line, and the parent folder is as it was."""

from __future__ import annotations

import contextlib
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.commands import content_of, error_of

PAGE = 4096
FILES = ("tokenizer.json", "golden.jsonl", "decode.onnx", "document.onnx", "README.md", "manifest.json")


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes: the kernel refuses the write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["golden.jsonl", "document.onnx"])  # the others are smaller than the first
def test_a_file_that_cannot_be_written(tiny_model: Path, tiny_bundle: Path, tmp_path: Path, name: str) -> None:
    output = tmp_path / "parent" / "bundle"
    with largest_file((tiny_bundle / name).stat().st_size - 1):
        error = error_of("--model", tiny_model, "--output", output)
    assert f"'{output}' cannot be written: a file would be larger than is allowed there" in error
    assert not output.parent.exists()


@contextlib.contextmanager
def mounted(folder: Path, size: int) -> Iterator[None]:
    """Mount a disk of `size` bytes."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("NOT TESTED, mounting is not allowed here: what an export says of a full disk or a mount point")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def pages(path: Path) -> int:
    return -(-path.stat().st_size // PAGE)


@pytest.mark.parametrize("name", ["golden.jsonl", "tokenizer.json", "document.onnx", "manifest.json"])
def test_a_full_disk(tiny_model: Path, tiny_bundle: Path, tmp_path: Path, name: str) -> None:
    """The disk has room for all files before `name`, and for all but a page of that."""
    written = sorted(tiny_bundle.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert {path.name for path in written} == set(FILES)
    room = sum(pages(path) for path in written[: written.index(tiny_bundle / name) + 1]) - 1
    disk = tmp_path / "disk"
    with mounted(disk, room * PAGE):
        error = error_of("--model", tiny_model, "--output", disk / "new" / "bundle")
        assert "bundle' cannot be written: the disk is full" in error
        assert list(disk.iterdir()) == []


def test_a_mount_point_as_output(tiny_model: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, 2**22):
        error = error_of("--model", tiny_model, "--output", disk)
        assert "it is a mount point; name a folder inside it" in error
        assert list(disk.iterdir()) == []
    assert list(tmp_path.iterdir()) == [disk]


def test_a_read_only_disk(tiny_model: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, 2**22):
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        error = error_of("--model", tiny_model, "--output", disk / "bundle")
        assert "cannot be written: the file system is read-only" in error


@pytest.mark.parametrize(
    ("stop", "step", "name"),
    [
        (signal.SIGINT, "Reading the checkpoint", "new/bundle"),
        (signal.SIGINT, "Tracing the graph", "bundle"),
        (signal.SIGTERM, "Encoding the golden texts", "bundle"),
    ],
)
def test_a_signal_in_the_middle(
    tiny_model: Path, tiny_bundle: Path, tmp_path: Path, stop: signal.Signals, step: str, name: str
) -> None:
    shutil.copytree(tiny_bundle, tmp_path / "parent" / "bundle")
    before = content_of(tmp_path / "parent")
    command = [Path(sys.executable).with_name("sparse-export"), "--model", tiny_model]
    options = ["--output", tmp_path / "parent" / name, "--quantize", "int8", "--force"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(step):
                assert len(content_of(tmp_path / "parent")) > len(before), "it is in the middle"
                process.send_signal(stop)
                break
        out, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert err.splitlines()[-1] == "Aborted!"
    assert "Traceback" not in err
    assert out == ""
    assert content_of(tmp_path / "parent") == before
