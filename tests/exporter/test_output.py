"""Where a bundle is written: what is there is never harmed, and only a bundle is replaced, with --force."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sparse_export import ExportOptions
from sparse_export.bundle.writing import writing
from sparse_export.errors import OutputError
from support.commands import content_of, error_of, run


@pytest.fixture
def parent(tmp_path: Path, tiny_bundle: Path) -> Path:
    """A folder with a bundle, a link to it, a folder of another kind, an empty folder, and a file."""
    folder = tmp_path / "parent"
    shutil.copytree(tiny_bundle, folder / "bundle")
    (folder / "notes").mkdir()
    (folder / "notes" / "thesis.txt").write_text("years of work")
    (folder / "empty").mkdir()
    (folder / "file").write_text("no folder")
    (folder / "link").symlink_to("bundle")
    return folder


NO_BUNDLE = {
    "notes": "exists and is not a bundle, so it is not replaced; name another folder",
    "file": "is a file; name a folder for the bundle",
    "file/bundle": "cannot be written: a part of the path is a file",
    "n" * 256: "cannot be written: the name is too long",
}
TAKEN = NO_BUNDLE | dict.fromkeys(("bundle", "link"), "exists; name another folder or give --force to replace it")


@pytest.mark.parametrize("name", TAKEN)
def test_what_exists_is_not_touched(tiny_model: Path, parent: Path, name: str) -> None:
    before = content_of(parent)
    error = error_of("--model", tiny_model, "--output", parent / name)
    assert f"'{parent / name}' {TAKEN[name]}" in error
    assert content_of(parent) == before


@pytest.mark.parametrize("name", NO_BUNDLE)
def test_force_never_replaces_what_is_no_bundle(tiny_model: Path, parent: Path, name: str) -> None:
    before = content_of(parent)
    assert NO_BUNDLE[name] in error_of("--model", tiny_model, "--output", parent / name, "--force")
    assert content_of(parent) == before


def test_force_replaces_a_bundle(tiny_model: Path, parent: Path) -> None:
    (parent / "bundle" / "old").touch()
    before = content_of(parent)
    assert run("--model", tiny_model, "--output", parent / "bundle", "--force", "--opset", "18").exit_code == 0
    after = content_of(parent)
    assert after["bundle/manifest.json"] != before["bundle/manifest.json"]
    assert before.keys() - after.keys() == {"bundle/old"}
    assert after.keys() < before.keys()


@pytest.mark.parametrize("name", ["bundle", "link", "empty", "new", "new/and/deep", "empty/.", "bundle/../new"])
def test_no_other_trace_is_left(tiny_bundle: Path, parent: Path, name: str) -> None:
    before, target = content_of(parent), (parent / name).resolve().relative_to(parent).as_posix()
    with writing(parent / name, force=True) as folder:
        shutil.copytree(tiny_bundle, folder, dirs_exist_ok=True)
    after = content_of(parent)
    others = [{path for path in paths if not path.startswith(target.split("/")[0])} for paths in (before, after)]
    assert others[0] == others[1]
    assert content_of(parent / target) == content_of(tiny_bundle)
    assert (parent / "link").is_symlink()
    assert (parent / target).stat().st_mode & 0o055 == 0o055, "a server's user may read it"


def test_the_current_folder_can_be_the_output(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(parent / "empty")
    with writing(Path(), force=False) as folder:
        (folder / "manifest.json").touch()
    assert list((parent / "empty").iterdir()) == [parent / "empty" / "manifest.json"]
    assert len(list(parent.iterdir())) == 5


def test_a_failed_replacement_leaves_the_old_bundle(parent: Path, tmp_path: Path) -> None:
    before = content_of(parent)
    error_of("--model", tmp_path / "missing", "--output", parent / "bundle", "--force")
    assert content_of(parent) == before


def export_while(output: Path, force: bool, others: Callable[[], object]) -> None:
    """Write a bundle while others write, too."""
    with writing(output, force) as folder:
        (folder / "manifest.json").touch()
        others()


@pytest.mark.parametrize("force", [False, True])
def test_what_others_write_meanwhile_is_not_replaced(parent: Path, force: bool) -> None:
    output = parent / "empty"
    with pytest.raises(OutputError, match="is not a bundle"):
        export_while(output, force, lambda: (output / "thesis.txt").write_text("years of work"))
    assert (output / "thesis.txt").read_text() == "years of work"
    assert len(list(parent.iterdir())) == 5


def test_a_bundle_that_others_write_meanwhile_is_not_replaced_without_force(parent: Path) -> None:
    output = parent / "new"
    with pytest.raises(OutputError, match="give force=True"):
        export_while(output, False, lambda: shutil.copytree(parent / "bundle", output))
    assert content_of(output) == content_of(parent / "bundle")


def test_a_path_may_be_a_text() -> None:
    options = ExportOptions("model", output="bundle", eval_data="beir")  # type: ignore[arg-type]
    assert (options.output, options.eval_data) == (Path("bundle"), Path("beir"))
