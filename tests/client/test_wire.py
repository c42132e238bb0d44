"""What is sent and what is read, without a server."""

import numpy as np
import pytest

from sparse_client import InputError, ModelNotFoundError, ServerError, SparseVector, UnreachableError
from sparse_client.bundle.outputs import to_sparse
from sparse_client.server.failures import AttemptError, Reason, as_error, reason_of
from sparse_client.server.wire import batches, parse_config, read_embeddings, read_tokens, read_vectors, text_tensors

INDICES = np.array([[5, 2, -1], [7, -1, -1], [-1, -1, -1]], np.int32)
VALUES = np.array([[3, 1, 0], [-2, 0, 0], [0, 0, 0]], np.float32)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 64])
@pytest.mark.parametrize("most", [1, 2, 3, 64])
def test_batches_hold_every_input_once(count: int, most: int) -> None:
    sizes = [(position * 7) % 5 for position in range(count)]
    parts = batches(sizes, most)
    assert sorted(position for part in parts for position in part) == list(range(count))
    assert all(1 <= len(part) <= most for part in parts)
    assert len(parts) == -(-count // most)
    flat = [sizes[position] for part in parts for position in part]
    assert flat == sorted(flat, reverse=True)


def test_texts_are_bytes_of_one_column() -> None:
    tensor = text_tensors(["é", ""])["TEXT"]
    assert tensor.tolist() == [["é".encode()], [b""]]
    assert (tensor.shape, tensor.dtype) == ((2, 1), np.object_)


def test_padding_is_removed() -> None:
    vectors = read_vectors({"indices": INDICES, "values": VALUES}, 3, None)
    assert vectors == [SparseVector([5, 2], [3, 1]), SparseVector([7], [-2]), SparseVector([], [])]
    kept = read_vectors({"indices": INDICES, "values": VALUES}, 3, 1)
    assert kept == [SparseVector([5], [3]), SparseVector([7], [-2]), SparseVector([], [])]


def test_padding_comes_back() -> None:
    vectors = [SparseVector([5, 2], [3, 1]), SparseVector([7], [-2]), SparseVector([], [])]
    sent = to_sparse(vectors)
    assert sent["indices"].tolist() == INDICES[:, :2].tolist()
    assert sent["values"].tolist() == VALUES[:, :2].tolist()
    assert to_sparse([SparseVector([], [])])["indices"].tolist() == [[-1]]
    assert (sent["indices"].dtype, sent["values"].dtype) == (np.int32, np.float32)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({}, "it gave nothing, not indices"),
        ({"indices": INDICES}, "it gave indices, not values"),
        ({"indices": INDICES[:2], "values": VALUES[:2]}, r"indices of shape \(2, 3\) for 3 inputs"),
        ({"indices": INDICES[0], "values": VALUES[0]}, r"indices of shape \(3,\) for 3 inputs"),
        ({"indices": INDICES, "values": VALUES[:, :1]}, "an invalid vector: got 2 indices and 1 values"),
        ({"indices": np.abs(INDICES), "values": VALUES}, "an invalid vector: indices repeat"),
        ({"indices": INDICES, "values": VALUES * np.float32(np.nan)}, "an invalid vector: values must be finite"),
    ],
)
def test_an_answer_of_another_form_is_told(outputs: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(AttemptError, match=message) as error:
        read_vectors(outputs, 3, None)
    assert error.value.reason is Reason.FAILED


def test_tokens_and_embeddings_are_read_and_checked() -> None:
    tokens = np.array([["é".encode(), b""]], dtype=np.object_)
    assert read_tokens({"tokens": tokens}, 1) == [["é", ""]]
    for bad in (np.array([[b"\xff"]], dtype=np.object_), np.array([[1]])):
        with pytest.raises(AttemptError, match="tokens that are no texts"):
            read_tokens({"tokens": bad}, 1)
    assert read_embeddings({"embedding": VALUES}, 3) is VALUES
    with pytest.raises(AttemptError, match="it gave tokens, not embedding"):
        read_embeddings({"tokens": tokens}, 1)


def test_a_configuration_tells_the_batch_and_the_outputs() -> None:
    config = parse_config({"max_batch_size": "16", "output": [{"name": "indices"}, {"name": "values"}]})
    assert (config.max_batch_size, config.outputs) == (16, ("indices", "values"))
    with pytest.raises(AttemptError, match="it takes no batches"):
        parse_config({"output": []})
    for raw in ({}, {"max_batch_size": "many", "output": []}, {"max_batch_size": 1, "output": [1]}, []):
        with pytest.raises(AttemptError, match="its configuration cannot be read"):
            parse_config(raw)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400", InputError),
        ("413", InputError),
        ("StatusCode.INVALID_ARGUMENT", InputError),
        ("404", ModelNotFoundError),
        ("StatusCode.NOT_FOUND", ModelNotFoundError),
        ("503", UnreachableError),
        ("StatusCode.UNAVAILABLE", UnreachableError),
        ("StatusCode.DEADLINE_EXCEEDED", UnreachableError),
        ("500", ServerError),
        ("401", ServerError),
        ("StatusCode.INTERNAL", ServerError),
        (None, ServerError),
    ],
)
def test_every_status_becomes_one_error_that_names_server_and_model(status: str | None, kind: type) -> None:
    error = as_error(AttemptError(reason_of(status), "one\n two"), "grpc://host:1", "splade_query")
    assert type(error) is kind
    assert str(error).startswith("grpc://host:1, model 'splade_query': ")
    assert "one two" in str(error)


def test_a_model_that_is_not_loaded_is_not_found_whatever_the_status() -> None:
    failure = AttemptError(Reason.UNAVAILABLE, "Request for unknown model: 'm' has no available versions")
    assert type(as_error(failure, "grpc://host:1", "m")) is ModelNotFoundError
