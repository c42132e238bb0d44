"""Run the tests of clients/node in Node and those of clients/web in Chromium, on bundles made here."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from support import hard_texts, random_tokenizers
from support.real_checkpoints import glosses

ROOT = Path(__file__).parents[2]
NODE_TESTS, BROWSER_TESTS = 124, 36
VARIANTS = 400


@pytest.fixture(scope="module")
def tokens(splade_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of tokenizers, and of texts with their ids."""
    folder = tmp_path_factory.mktemp("tokens")
    files, cases = {}, []
    for name, tokenizer in hard_texts.tokenizers(splade_bundle / "tokenizer.json", glosses(3000)).items():
        tokenizer.no_padding()
        tokenizer.save(str(folder / f"{name}.json"))
        files[name] = str(folder / f"{name}.json")
        mixtures = hard_texts.mixtures(20_000 if name == "unigram" else 2000)
        plain = [*hard_texts.HARD_TEXTS, *hard_texts.REAL_TEXTS, *hard_texts.MORE, *mixtures]
        texts = [*plain, *hard_texts.every_character()]
        for length in (None, 12):
            if length is None:
                tokenizer.no_truncation()
            else:
                tokenizer.enable_truncation(length)
            for special in (True, False):
                given = texts if length is None and special else plain[:60]
                encodings = tokenizer.encode_batch(given, add_special_tokens=special)
                shared = {"tokenizer": name, "special": special, "maxLength": length}
                cases += [{**shared, "text": one, "ids": got.ids} for one, got in zip(given, encodings, strict=True)]
    path = folder / "cases.json"
    path.write_text(json.dumps({"tokenizers": files, "cases": cases}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of tokenizers put together at random, and of their ids of the same hard texts."""
    folder = tmp_path_factory.mktemp("variants")
    texts = ["", " ", *hard_texts.MORE, *random_tokenizers.TEXTS, *hard_texts.mixtures(40)]
    cases = random_tokenizers.compared(folder, random_tokenizers.Maker(glosses(3000), seed=0), texts, VARIANTS)
    path = folder / "cases.json"
    path.write_text(json.dumps({"texts": texts, "cases": list(cases)}), encoding="utf-8")
    return path


def test_node(node: Callable[..., str], bundles: dict[str, str], tokens: Path, variants: Path) -> None:
    given = {"SPARSE_BUNDLES": bundles, "SPARSE_TOKENS": tokens, "SPARSE_VARIANTS": variants}
    output = node("--test", "--test-reporter=tap", "node/test/", **given)
    assert "\n# fail 0" in output
    assert passed(output) >= NODE_TESTS, output


@pytest.mark.alone  # beside other tests a page in Chromium once did not settle within a minute
@pytest.mark.slow
def test_browser(node: Callable[..., str], chromium: Path, bundles: dict[str, str], tokens: Path) -> None:
    given = {"SPARSE_BUNDLES": bundles, "SPARSE_TOKENS": tokens, "SPARSE_CHROMIUM": chromium}
    output = node("--test", "--test-reporter=tap", "web/test/", **given)
    assert "\n# fail 0" in output
    assert passed(output) >= BROWSER_TESTS, output


def passed(output: str) -> int:
    """Return how many tests passed: a run that finds no test fails nothing either."""
    return int(output.partition("\n# pass ")[2].split()[0])


def test_the_character_classes_are_those_of_the_library() -> None:
    spec = importlib.util.spec_from_file_location("unicode_tables", ROOT / "scripts" / "unicode_tables.py")
    assert spec is not None and spec.loader is not None  # noqa: PT018
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.source() == (ROOT / "clients" / "node" / "src" / "unicode.js").read_text(encoding="utf-8")
