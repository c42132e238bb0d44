"""`explain`: what two texts have in common, and how much of the score it makes."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sparse_client import BundleError, Contribution, InputError, LocalEncoder, SparseVector
from sparse_client.cli.commands import main

QUERY, DOCUMENT = "nice weather today", "The weather is lovely today."


def explain(bundle: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", "--bundle", str(bundle), *arguments])


@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")
def test_it_is_the_intersection_of_sentence_transformers(encoder: LocalEncoder, splade_tiny: Path) -> None:
    from sentence_transformers import SparseEncoder

    model = SparseEncoder(str(splade_tiny), device="cpu")
    shared = model.intersection(model.encode_query(QUERY), model.encode_document(DOCUMENT))
    expected = model.decode(shared, top_k=1000)
    found = encoder.explain(QUERY, DOCUMENT)
    assert [label for label, _, _ in found] == [label for label, _ in expected]
    assert [one.contribution for one in found] == pytest.approx([weight for _, weight in expected], abs=1e-4)


def test_shares_sum_up_and_top_leaves_them(idf_bundle: Path) -> None:
    encoder = LocalEncoder(idf_bundle)
    found = encoder.explain(QUERY, DOCUMENT)
    (query,), (document,) = encoder.encode_queries([QUERY]), encoder.encode_documents([DOCUMENT])
    assert {one.label for one in found} == {"nice", "weather", "today"}
    assert sum(one.contribution for one in found) == pytest.approx(query.dot(document))
    assert sum(one.share for one in found) == pytest.approx(1)
    assert encoder.explain(query, document) == encoder.explain(QUERY, document) == found
    assert encoder.explain(QUERY, DOCUMENT, top=2) == found[:2]
    assert encoder.explain(QUERY, DOCUMENT, top=0) == encoder.explain("zebra", DOCUMENT) == []


def test_negative_products_neither_count_nor_change_the_shares(encoder: LocalEncoder) -> None:
    query = SparseVector([7592, 2088, 2651, 4633, 9], [1, 2, -1, -2, 5])
    document = SparseVector([2088, 7592, 2651, 4633], [3, 2, 4, -1])
    # today has a product of -4; both weights of weather are negative
    assert encoder.explain(query, document) == [
        Contribution("world", 6.0, 0.6),
        Contribution("weather", 2.0, 0.2),
        Contribution("hello", 2.0, 0.2),
    ]


def test_features_are_no_words(csr_bundle: Path) -> None:
    encoder = LocalEncoder(csr_bundle)
    (query,), (document,) = encoder.encode_queries([QUERY]), encoder.encode_documents([DOCUMENT])
    found = encoder.explain(QUERY, DOCUMENT)
    products = {
        f"feature {index}": weight * document.to_dict()[index]
        for index, weight in query.to_dict().items()
        if index in document.to_dict()
    }
    assert {one.label: one.contribution for one in found} == pytest.approx(products)
    assert found == sorted(found, key=lambda one: -one.contribution)


def test_a_bundle_without_decode_has_numbers_too(copy: Any, encoder: LocalEncoder) -> None:
    del copy.manifest["files"]["decode.onnx"]
    unnamed = LocalEncoder(copy.save()).explain(QUERY, DOCUMENT)
    assert all(one.label.removeprefix("feature ").isdigit() for one in unnamed)
    assert [one[1:] for one in unnamed] == [pytest.approx(one[1:]) for one in encoder.explain(QUERY, DOCUMENT)]


@pytest.mark.parametrize(
    ("query", "document", "top", "message"),
    [
        (["a"], "b", None, "query is list, expected a text or a SparseVector"),
        ("a", None, None, "document is NoneType, expected a text"),
        ("a", "b\ud800", None, r"document has a lone surrogate \(U\+D800\)"),
        ("a", SparseVector([30522], [1]), None, "has index 30522, but this bundle has 30522 dimensions"),
        ("a", "b", -1, "top is -1, expected 0 or more"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    encoder: LocalEncoder, query: Any, document: Any, top: int | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        encoder.explain(query, document, top)


def test_a_missing_route_is_named(copy: Any) -> None:
    del copy.manifest["routes"]["query"]
    with pytest.raises(BundleError, match="has no route 'query'"):
        LocalEncoder(copy.save()).explain(QUERY, DOCUMENT)


def test_the_table_has_score_shares_and_bars(idf_bundle: Path) -> None:
    lines = explain(idf_bundle, QUERY, DOCUMENT, "--format", "table", "--top", "2").stdout.splitlines()
    encoder = LocalEncoder(idf_bundle)
    (query,), (document,) = encoder.encode_queries([QUERY]), encoder.encode_documents([DOCUMENT])
    assert lines[0] == f"score {query.dot(document):.3f}: {QUERY} | {DOCUMENT}"
    found = encoder.explain(QUERY, DOCUMENT, top=2)
    cells = [line.split() for line in lines[1:3]]
    assert [row[:3] for row in cells] == [
        [label, f"{contribution:.3f}", f"{share:.1%}"] for label, contribution, share in found
    ]
    assert [len(row[3]) for row in cells] == [30, round(30 * found[1].contribution / found[0].contribution)]


def test_jsonl_is_what_a_pipe_gets(csr_bundle: Path) -> None:
    row = json.loads(explain(csr_bundle, QUERY, DOCUMENT, "--top", "3").stdout)
    found = LocalEncoder(csr_bundle).explain(QUERY, DOCUMENT, top=3)
    assert list(row) == ["query", "document", "score", "labels", "contributions", "shares"]
    assert row["labels"] == [one.label for one in found]
    assert row["shares"] == pytest.approx([one.share for one in found])
    assert row["score"] > sum(row["contributions"])


def test_nothing_in_common_is_said(idf_bundle: Path) -> None:
    shown = explain(idf_bundle, "zebra", DOCUMENT, "--format", "table").stdout
    assert shown.startswith("score 0.000: zebra | ")
    assert "(nothing in common)" in shown
    assert json.loads(explain(idf_bundle, "zebra", DOCUMENT).stdout)["labels"] == []


def test_errors_are_one_line(tmp_path: Path, idf_bundle: Path) -> None:
    for result in (explain(tmp_path, "a", "b"), explain(idf_bundle, "a\ud800", "b")):
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "QUERY has a lone surrogate" in result.stderr
