"""The rules of the tree that no reviewer should have to check by hand."""

import ast
import contextlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"sparse_export": "exporter", "sparse_train": "training", "sparse_client": "clients/python"}
PACKAGES = {name: ROOT / folder / name for name, folder in FOLDERS.items()}

# The rooms of each package from the bottom up: a room imports from itself and from those before it, and inside a room
# nothing imports in a circle. `__init__` and `__main__` of a package stand above everything.
LAYERS: dict[str, tuple[str, ...]] = {
    "sparse_client": (
        "errors",
        "progress",
        "texts",
        "vectors",
        "overlap",
        "replace",
        "bundle",
        "local",
        "parity",
        "server",
        "formats",
        "corpus",
        "ray",
        "cli",
    ),
    "sparse_export": (
        *("errors", "options", "quiet", "golden_texts", "public_models"),
        *("checkpoint", "graph", "plan", "parity", "retrieval", "bundle", "pipeline"),
        *("triton", "serving", "console", "cli"),
    ),
    "sparse_train": ("errors", "recipe", "data", "model", "run", "mining", "cli"),
}
# A package imports from those before it.
PACKAGE_ORDER = ("sparse_client", "sparse_export", "sparse_train")

HEAVY = {"onnx", "onnx_ir", "onnxruntime", "onnxscript", "sentence_transformers", "torch", "transformers"}
BANNED = {"sparse_client": {"sentence_transformers", "torch", "transformers"}}
# Where a library is what a bundle itself asks for; it is imported there on first use.
EXCEPTED = {("sparse_client.bundle.slow_tokens", "transformers")}
VAGUE_NAMES = {"common", "helpers", "utils"}
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_PARAMETERS = 300, 60, 5

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: `from a.b import c` gives a.b.c, whether c is a module or not."""

    target: str
    line: int
    on_load: bool


def modules(package: str) -> dict[str, Path]:
    """Return every module of a package by its dotted name."""
    base = PACKAGES[package].parent
    found = {}
    for path in sorted(PACKAGES[package].rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def all_modules() -> Iterator[tuple[str, str, Path]]:
    for package in PACKAGES:
        for module, path in modules(package).items():
            yield package, module, path


def imports(module: str, path: Path) -> list[Import]:
    """Return all imports of a file; on_load is false inside functions and under TYPE_CHECKING."""
    tree = ast.parse(path.read_text(encoding="utf-8"), path)
    later = {id(inner) for node in ast.walk(tree) if _runs_later(node) for inner in ast.walk(node)}
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            targets = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [Import(target, node.lineno, id(node) not in later) for target in targets]
    return found


def _runs_later(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
    return isinstance(node, Function)


def prefixes(target: str) -> Iterator[str]:
    """Yield a.b.c, a.b, a."""
    while target:
        yield target
        target = target.rpartition(".")[0]


def top(target: str) -> str:
    return target.partition(".")[0]


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def report(problems: list[str]) -> str:
    return "\n" + "\n".join(problems)


def test_packages_import_one_way() -> None:
    problems = [
        f"{place(path, used.line)}: imports {used.target}"
        for package, module, path in all_modules()
        for used in imports(module, path)
        if top(used.target) in PACKAGE_ORDER[PACKAGE_ORDER.index(package) + 1 :]
    ]
    assert not problems, report(problems)


def test_no_graph_becomes_bytes() -> None:
    """They end at 2 GiB, and a model of 4 billion weights has 16: a session opens a file."""
    for path in modules("sparse_export").values():
        assert ".SerializeToString(" not in path.read_text("utf-8"), path


def test_banned_libraries_are_never_imported() -> None:
    problems = [
        f"{place(path, used.line)}: {package} must do without {top(used.target)}"
        for package, module, path in all_modules()
        for used in imports(module, path)
        if top(used.target) in BANNED.get(package, ()) and (module, top(used.target)) not in EXCEPTED
    ]
    assert not problems, report(problems)


@pytest.mark.parametrize("package", PACKAGES)
def test_command_line_loads_no_heavy_library(package: str) -> None:
    known = modules(package)
    waiting: list[tuple[str, ...]] = [(f"{package}.cli",), (f"{package}.cli.commands",), (package,)]
    waiting = [chain for chain in waiting if chain[0] in known]
    assert len(waiting) >= 2
    seen, problems = set(), []
    while waiting:
        chain = waiting.pop()
        if chain[-1] in seen:
            continue
        seen.add(chain[-1])
        for used in imports(chain[-1], known[chain[-1]]):
            if not used.on_load:
                continue
            if top(used.target) in HEAVY:
                problems.append(" -> ".join((*chain, used.target)))
            # A module's parents are loaded before it.
            waiting += [(*chain, name) for name in prefixes(used.target) if name in known]
    assert not problems, report(problems)


def is_on_top(module: str, path: Path) -> bool:
    return "." not in module or path.name == "__main__.py"


def used_modules(module: str, path: Path, known: dict[str, Path]) -> Iterator[tuple[Import, str]]:
    """Yield each import of a module of the same package, and that module."""
    for used in imports(module, path):
        target = next((name for name in prefixes(used.target) if name in known), None)
        if target is not None and target != module:
            yield used, target


@pytest.mark.parametrize("package", LAYERS)
def test_imports_point_downwards(package: str) -> None:
    known, rooms, problems = modules(package), LAYERS[package], []
    for module, path in known.items():
        if is_on_top(module, path):
            continue
        room = module.split(".")[1]
        if room not in rooms:
            problems.append(f"{module}: give its room a place in LAYERS of {Path(__file__).name}")
            continue
        below = rooms[: rooms.index(room) + 1]
        for used, target in used_modules(module, path, known):
            if target == package or target.split(".")[1] not in below:
                problems.append(f"{place(path, used.line)}: imports {target}, which is not below {module}")
    assert not problems, report(problems)


@pytest.mark.parametrize("package", LAYERS)
def test_no_imports_in_circles(package: str) -> None:
    known = modules(package)
    uses = {
        module: {target for _, target in used_modules(module, path, known)}
        for module, path in known.items()
        if not is_on_top(module, path)
    }
    with contextlib.suppress(StopIteration):
        while True:
            bottom = next(module for module, used in uses.items() if not used & uses.keys())
            del uses[bottom]
    assert not uses, f"in a circle, or above one: {', '.join(uses)}"


@pytest.mark.parametrize("package", LAYERS)
def test_every_room_is_there(package: str) -> None:
    found = {module.split(".")[1] for module in modules(package) if "." in module} - {"__main__"}
    assert found == {*LAYERS[package]}


def test_file_names_say_what_is_inside() -> None:
    files = [path.relative_to(ROOT) for path in tracked_files() if path.suffix == ".py"]
    problems = [f"{path}: a vague name" for path in files if VAGUE_NAMES & {path.stem, *path.parent.parts}]
    problems += [
        f"{path}: pytest imports by path, so no __init__.py here"
        for path in files
        if path.name == "__init__.py" and {"tests", "docker"} & {*path.parts}
    ]
    assert not problems, report(problems)


def test_files_and_functions_stay_small() -> None:
    problems = []
    for _, _, path in all_modules():
        text = path.read_text(encoding="utf-8")
        if (lines := len(text.splitlines())) > MAX_FILE_LINES:
            problems.append(f"{place(path, 1)}: {lines} lines, at most {MAX_FILE_LINES}")
        for node in ast.walk(ast.parse(text, path)):
            if isinstance(node, Function):
                problems += [f"{place(path, node.lineno)}: {node.name} has {fault}" for fault in faults(node)]
    assert not problems, report(problems)


def faults(function: Function) -> Iterator[str]:
    lines = function.end_lineno - function.lineno + 1
    if lines > MAX_FUNCTION_LINES:
        yield f"{lines} lines, at most {MAX_FUNCTION_LINES}"
    arguments = function.args
    # One that a caller must name explains itself where it is given.
    named = [*arguments.posonlyargs, *arguments.args, arguments.vararg, arguments.kwarg]
    # An underscore marks what only a caller's protocol asks for.
    count = sum(arg is not None and arg.arg not in {"self", "cls"} and arg.arg[0] != "_" for arg in named)
    # A click command has a parameter for every option.
    if count > MAX_PARAMETERS and not function.decorator_list:
        yield f"{count} parameters, at most {MAX_PARAMETERS}"


def tracked_files() -> list[Path]:
    """Return what is, or would be with the next `git add`, in the repository."""
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return sorted(path for name in {*names} if (path := ROOT / name).is_file())


HELP = """
import importlib, sys
main = importlib.import_module(sys.argv[1] + ".cli").main
sys.argv = [sys.argv[1], "--help"]
try:
    main()
finally:
    print(*sys.modules)
"""


@pytest.mark.parametrize("package", ["sparse_export", "sparse_train"])
def test_help_imports_no_heavy_library(package: str) -> None:
    shown = subprocess.run([sys.executable, "-c", HELP, package], capture_output=True, text=True, check=True).stdout
    loaded = set(shown.splitlines()[-1].split())
    assert sorted(loaded & HEAVY) == []
