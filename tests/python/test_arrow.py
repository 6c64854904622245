# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrow columns by the PyCapsule interface; those of pyarrow and Polars where they are installed."""

import ctypes as C

import numpy as np
import pytest
from grus import _arrow

_keep = []


class HandMade:
    """An Arrow array made of NumPy arrays, as another library exports one."""

    def __init__(self, schema, array):
        self.schema, self.array = schema, array

    def __arrow_c_array__(self, requested_schema=None):
        new = C.pythonapi.PyCapsule_New
        new.restype, new.argtypes = C.py_object, [C.c_void_p, C.c_char_p, C.c_void_p]
        return new(C.addressof(self.schema), b"arrow_schema", None), new(C.addressof(self.array), b"arrow_array", None)


def made(kind, buffers, length, child=None, offset=0, nulls=0):
    schema, array = _arrow._Schema(format=kind), _arrow._Array(length=length, null_count=nulls, offset=offset, n_buffers=len(buffers))
    pointers = (C.c_void_p * len(buffers))(*[b.ctypes.data if b is not None else None for b in buffers])
    array.buffers = C.cast(pointers, C.POINTER(C.c_void_p))
    _keep.extend([pointers, *buffers])
    if child is not None:
        schema.n_children = array.n_children = 1
        schema.children = C.pointer(C.pointer(child.schema))
        array.children = C.pointer(C.pointer(child.array))
        _keep.append(child)
    return HandMade(schema, array)


def floats(values):
    return made(b"f", [None, values.reshape(-1)], values.size)


def test_lists_of_fixed_size(sequence, random):
    x = random.standard_normal((9, 12, 5)).astype(np.float32)
    y = sequence(x)
    flat = made(b"+w:60", [None], 9, floats(x))
    nested = made(b"+w:12", [None], 9, made(b"+w:5", [None], 108, floats(x)))
    assert (sequence(flat) == y).all() and (sequence(nested) == y).all()
    part = made(b"+w:60", [None], 4, floats(x), offset=3)
    assert (sequence(part) == y[3:7]).all()


def test_lists_and_binary_of_varying_size(vowels, sequence, random):
    counts = np.array([3, 7, 29, 1])
    x = random.standard_normal((counts.sum(), 12)).astype(np.float32)
    ends = np.cumsum(counts)
    y = np.array([vowels(x[e - n : e]) for e, n in zip(ends, counts)])
    offsets = np.concatenate([[0], ends * 12]).astype(np.int32)
    assert (vowels(made(b"+l", [None, offsets], 4, floats(x))) == y).all()
    assert (vowels(made(b"+L", [None, (offsets // 12).astype(np.int64)], 4, made(b"+w:12", [None], int(ends[-1]), floats(x)))) == y).all()
    assert (vowels(made(b"z", [None, offsets * 4, x.reshape(-1)], 4)) == y).all()
    assert (vowels(made(b"z", [None, offsets * 4, x.reshape(-1)], 2, offset=1)) == y[1:3]).all()
    rows = random.standard_normal((3, 12, 5)).astype(np.float32)
    even = np.arange(4, dtype=np.int32) * 60
    assert (sequence(made(b"+l", [None, even], 3, floats(rows))) == sequence(rows)).all()
    assert (sequence(made(b"w:240", [None, rows.reshape(-1)], 3)) == sequence(rows)).all()


def test_binary_views(random):
    import grus

    m = grus.compile("grus 1\n\nmodel v {\n  in x : f32[time n <= 9, 2]\n  out y : f32[2] = x |> sum\n}\n")
    rows = [random.standard_normal((n, 2)).astype(np.float32) for n in (4, 1, 9, 2)]
    data = [np.concatenate([rows[2].view("u1").ravel(), rows[0].view("u1").ravel()]), rows[3].view("u1").ravel().copy()]
    views = np.zeros((4, 16), "u1")
    for i, (row, buffer, offset) in enumerate(zip(rows, (0, 0, 0, 1), (72, 0, 0, 0))):
        views[i].view("i4")[:] = [row.nbytes, 0, buffer, offset]
    views[1, 4:12] = rows[1].view("u1").ravel()  # short ones are in place
    expected = np.array([m(r) for r in rows])
    assert (m(made(b"vz", [None, views.reshape(-1), *data], 4)) == expected).all()
    whole = np.concatenate([rows[0].view("u1").ravel(), rows[2].view("u1").ravel()])
    views[0].view("i4")[3], views[2].view("i4")[3] = 0, 32
    dense = np.stack([views[0], views[2]])
    assert (m(made(b"vz", [None, dense.reshape(-1), whole], 2)) == expected[[0, 2]]).all()


def test_what_is_no_column_of_a_model(sequence, vowels):
    x = np.zeros((2, 12, 5), np.float32)
    ragged = np.array([0, 60, 119], np.int32)
    for column, error, words in [
        (made(b"+w:60", [np.array([1], np.uint8)], 2, floats(x), nulls=1), ValueError, "has 1 nulls"),
        (made(b"+w:60", [np.array([2], np.uint8)], 2, floats(x), nulls=-1), ValueError, "has 1 nulls"),
        (made(b"u", [None, ragged, x.reshape(-1)], 2), TypeError, "type 'u'"),
        (made(b"+l", [None, ragged], 2, floats(x)), ValueError, "59 numbers in row 1, and"),
        (made(b"z", [None, ragged, x.reshape(-1)], 2), ValueError, "59 bytes in row 1"),
        (made(b"+w:7", [None], 2, floats(x)), ValueError, r"shape \[2, 7\] given"),
    ]:
        with pytest.raises(error, match=words):
            sequence(column)
    with pytest.raises(ValueError, match="no whole steps of 12"):
        vowels(made(b"+l", [None, np.array([0, 24, 35], np.int32)], 2, floats(x)))


def test_pyarrow_and_polars(sequence, vowels, random):
    pa = pytest.importorskip("pyarrow")
    x = random.standard_normal((9, 12, 5)).astype(np.float32)
    y = sequence(x)
    flat = pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), 60)
    assert (sequence(flat) == y).all() and (sequence(flat.slice(2, 5)) == y[2:7]).all()
    assert (sequence(pa.chunked_array([flat.slice(0, 4), flat.slice(4)])) == y).all()
    assert (sequence(pa.array([r.tobytes() for r in x], pa.binary())) == y).all()
    with pytest.raises(ValueError, match="nulls"):
        sequence(pa.array([x[0].ravel(), None], pa.list_(pa.float32(), 60)))
    lengths = [3, 9, 1]
    rows = [random.standard_normal((n, 12)).astype(np.float32) for n in lengths]
    expected = np.array([vowels(r) for r in rows])
    assert (vowels(pa.array([r.ravel() for r in rows], pa.list_(pa.float32()))) == expected).all()
    pl = pytest.importorskip("polars")
    assert (sequence(pl.Series(x.reshape(9, 60), dtype=pl.Array(pl.Float32, 60))) == y).all()
    assert (vowels(pl.Series([r.ravel().tolist() for r in rows], dtype=pl.List(pl.Float32))) == expected).all()
