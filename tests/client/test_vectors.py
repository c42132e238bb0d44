import copy
import pickle

import numpy as np
import pytest

from sparse_client import InputError, SparseVector


def test_arrays_are_cast_copied_and_frozen() -> None:
    assert SparseVector(np.array([5]), np.array([1.0])).indices.dtype == np.int32
    assert SparseVector(np.array([5]), np.array([1.0])).values.dtype == np.float32
    indices, values = np.array([5, 2], dtype=np.int32), np.array([1, 2.5], dtype=np.float32)
    vector = SparseVector(indices, values)
    indices[0] = values[0] = 9
    assert vector.to_dict() == {5: 1.0, 2: 2.5}
    with pytest.raises(ValueError, match="read-only"):
        vector.values[0] = 7
    with pytest.raises(AttributeError):
        vector.values = vector.values  # type: ignore[misc]


def test_a_vector_may_be_empty() -> None:
    vector = SparseVector([], [])
    assert (len(vector), vector.to_dict(), vector.top(3), vector.dot(vector)) == (0, {}, vector, 0.0)
    assert (vector.indices.dtype, vector.values.dtype) == (np.int32, np.float32)


@pytest.mark.parametrize(
    ("indices", "values", "message"),
    [
        ([1, 2], [1.0], "2 indices and 1 values"),
        ([1.5], [1.0], "whole numbers"),
        ([True], [1.0], "whole numbers"),
        ([-1], [0.0], "drop the entries with index -1"),
        ([2**31], [1.0], "from 0 to 2147483647"),
        ([10**30], [1.0], "whole numbers"),
        ([3, 3], [1.0, 1.0], "indices repeat"),
        ([1], ["a"], "give numbers"),
        ([1], [None], "give numbers"),
        ([1], [float("nan")], "finite"),
        ([1], [float("inf")], "finite"),
        ([1], [1e300], "finite"),
        ([[1]], [[1.0]], "2 dimensions"),
        ([[1], [1, 2]], [1.0], "not a flat list"),
        (7, [1.0], "0 dimensions"),
    ],
)
def test_what_is_no_vector_is_refused(indices: object, values: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SparseVector(indices, values)  # type: ignore[arg-type]


def test_top_takes_the_largest_weights_and_sorts_them() -> None:
    vector = SparseVector([1, 2, 3, 4], [0.5, -9.0, 2.0, 0.5])
    assert list(vector.top(3).to_dict().items()) == [(3, 2.0), (1, 0.5), (4, 0.5)]
    assert len(vector.top(0)) == 0
    assert SparseVector(range(100), [1, 2] * 50).top(50).indices.tolist() == list(range(1, 100, 2))
    assert vector.top(99) == vector
    with pytest.raises(InputError, match="0 or more"):
        vector.top(-1)


def test_dot_is_the_dot_product_of_the_dense_vectors() -> None:
    random = np.random.default_rng(0)
    left, right = (SparseVector(random.permutation(60)[:40], random.normal(size=40)) for _ in range(2))
    dense = np.zeros((2, 60))
    for row, vector in zip(dense, (left, right), strict=True):
        row[vector.indices] = vector.values
    assert left.dot(right) == pytest.approx(dense[0] @ dense[1], rel=1e-12)
    assert left.dot(right) == pytest.approx(right.dot(left), rel=1e-12)
    assert SparseVector([1], [1]).dot(SparseVector([2], [1])) == 0.0


def test_equal_means_the_same_weights_in_whatever_order() -> None:
    assert SparseVector([1, 2], [3, 4]) == SparseVector([2, 1], [4, 3])
    assert SparseVector([1, 2], [3, 4]) != SparseVector([1, 2], [4, 3])
    assert SparseVector([1], [3]) != SparseVector([1, 2], [3, 4])
    assert SparseVector([1], [3]) != {1: 3.0}
    with pytest.raises(TypeError, match="unhashable"):
        hash(SparseVector([1], [3]))


def test_repr_is_short() -> None:
    assert repr(SparseVector([], [])) == "SparseVector(0 active)"
    assert repr(SparseVector([7], [0.123456])) == "SparseVector(1 active: 7: 0.123)"
    assert repr(SparseVector(range(900), range(900))) == "SparseVector(900 active: 0: 0, 1: 1, 2: 2, ...)"


def test_a_vector_survives_pickle_and_copy() -> None:
    vector = SparseVector([7, 3], [0.5, 2.0])
    assert pickle.loads(pickle.dumps(vector)) == vector
    assert copy.deepcopy(vector) == vector
