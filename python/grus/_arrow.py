# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrow arrays by the PyCapsule interface, as NumPy views: pyarrow is not needed.

Lists of fixed size become axes; lists and binary values of varying size become values and lengths.
"""

from __future__ import annotations

import ctypes as C
from dataclasses import dataclass
from typing import Any

_FORMATS = {b"f": "f4", b"g": "f8", b"e": "f2", b"c": "i1", b"C": "u1", b"s": "i2", b"S": "u2", b"i": "i4", b"I": "u4", b"l": "i8", b"L": "u8"}


class _Schema(C.Structure):
    pass


_Schema._fields_ = [
    ("format", C.c_char_p), ("name", C.c_char_p), ("metadata", C.c_void_p), ("flags", C.c_int64), ("n_children", C.c_int64),
    ("children", C.POINTER(C.POINTER(_Schema))), ("dictionary", C.POINTER(_Schema)), ("release", C.c_void_p), ("private", C.c_void_p),
]


class _Array(C.Structure):
    pass


_Array._fields_ = [
    ("length", C.c_int64), ("null_count", C.c_int64), ("offset", C.c_int64), ("n_buffers", C.c_int64), ("n_children", C.c_int64),
    ("buffers", C.POINTER(C.c_void_p)), ("children", C.POINTER(C.POINTER(_Array))), ("dictionary", C.POINTER(_Array)),
    ("release", C.c_void_p), ("private", C.c_void_p),
]

_get_pointer = C.pythonapi.PyCapsule_GetPointer
_get_pointer.restype = C.c_void_p
_get_pointer.argtypes = [C.py_object, C.c_char_p]


@dataclass
class Column:
    """Rows of an Arrow array. values: [rows, ...], or [sum of counts, ...] with counts of elements a row."""

    values: Any
    counts: Any  #: NumPy array [rows], None if all rows have one shape
    is_bytes: bool  #: values are the bytes of rows, whose type the model knows
    owner: Any


def is_arrow(value: Any) -> bool:
    return hasattr(value, "__arrow_c_array__") or hasattr(value, "__arrow_c_stream__")


def _view(array: _Array, i: int, dtype: str, start: int, count: int) -> Any:
    import numpy as np

    size = np.dtype(dtype).itemsize
    address = array.buffers[i] if count else None
    if not address:
        return np.empty(0, dtype)
    raw: Any = (C.c_char * (count * size)).from_address(address + start * size)
    return np.frombuffer(raw, dtype)


def _no_nulls(array: _Array, what: str) -> None:
    nulls = array.null_count
    if nulls == -1 and array.n_buffers and array.buffers[0]:
        import numpy as np

        bits = np.unpackbits(_view(array, 0, "u1", 0, (array.offset + array.length + 7) // 8), bitorder="little")
        nulls = array.length - int(bits[array.offset : array.offset + array.length].sum())
    if nulls > 0:
        raise ValueError(f"{what}: the Arrow column has {nulls} nulls, and a model needs a value in every row: fill or drop them")


def _views(array: _Array, at: int, count: int) -> tuple[Any, Any]:
    """Binary values of the view type: 16 bytes each, the length and up to 12 bytes or where they are. Their bytes one after
    another: in place if they lie so."""
    import numpy as np

    views = _view(array, 1, "i4", at * 4, count * 4).reshape(count, 4)
    counts, buffers, offsets = views[:, 0].astype(np.int64), views[:, 2], views[:, 3].astype(np.int64)
    ends = np.cumsum(counts)
    total = int(ends[-1]) if count else 0
    if not total:
        return np.empty(0, "u1"), counts
    inline = counts <= 12
    if not inline.any() and (buffers == buffers[0]).all() and (offsets == offsets[0] + ends - counts).all():
        return _view(array, 2 + int(buffers[0]), "u1", int(offsets[0]), total), counts
    values, short = np.empty(total, "u1"), views.view("u1").reshape(count, 16)
    for i in range(count):
        end, n = int(ends[i]), int(counts[i])
        values[end - n : end] = short[i, 4 : 4 + n] if inline[i] else _view(array, 2 + int(buffers[i]), "u1", int(offsets[i]), n)
    return values, counts


def _read(schema: _Schema, array: _Array, start: int, count: int, what: str) -> tuple[Any, Any, bool]:
    """Elements [start, start + count) of an array, its own offset not counted."""
    import numpy as np

    kind = schema.format
    _no_nulls(array, what)
    at = array.offset + start
    if kind in _FORMATS:
        return _view(array, 1, _FORMATS[kind], at, count), None, False
    if kind.startswith(b"+w:"):
        size = int(kind[3:])
        values, counts, is_bytes = _read(schema.children[0].contents, array.children[0].contents, at * size, count * size, what)
        if counts is not None:
            raise TypeError(f"{what}: the Arrow column has lists of varying size inside lists of fixed size, which no input has")
        return values.reshape((count, size) + values.shape[1:]), None, is_bytes
    if kind in (b"+l", b"+L", b"z", b"Z"):
        offsets = _view(array, 1, "i4" if kind in (b"+l", b"z") else "i8", at, count + 1).astype(np.int64)
        first, last = (int(offsets[0]), int(offsets[-1])) if count else (0, 0)
        if kind in (b"z", b"Z"):
            return _view(array, 2, "u1", first, last - first), np.diff(offsets), True
        values, counts, _ = _read(schema.children[0].contents, array.children[0].contents, first, last - first, what)
        if counts is not None:
            raise TypeError(f"{what}: the Arrow column has lists of varying size inside others, and one axis at most may vary")
        return values, np.diff(offsets), False
    if kind == b"vz":
        values, counts = _views(array, at, count)
        return values, counts, True
    if kind.startswith(b"w:"):
        size = int(kind[2:])
        return _view(array, 1, "u1", at * size, count * size), np.full(count, size), True
    raise TypeError(f"{what}: the Arrow column has type {kind.decode()!r} (of the C interface), and an input takes numbers, lists of them, or binary")


class _Stream(C.Structure):
    pass


_Stream._fields_ = [
    ("get_schema", C.CFUNCTYPE(C.c_int, C.POINTER(_Stream), C.POINTER(_Schema))),
    ("get_next", C.CFUNCTYPE(C.c_int, C.POINTER(_Stream), C.POINTER(_Array))),
    ("get_last_error", C.CFUNCTYPE(C.c_char_p, C.POINTER(_Stream))),
    ("release", C.c_void_p), ("private", C.c_void_p),
]
_RELEASE_SCHEMA = C.CFUNCTYPE(None, C.POINTER(_Schema))
_RELEASE_ARRAY = C.CFUNCTYPE(None, C.POINTER(_Array))


class _Owned:
    """A schema or array that a stream handed over, released with this object."""

    def __init__(self, value: Any, release: Any) -> None:
        self.value, self._release = value, release

    def __del__(self) -> None:
        if self.value.release:
            self._release(self.value.release)(C.byref(self.value))


def _stream_chunks(capsule: Any, what: str) -> tuple[_Owned, list[_Owned]]:
    stream = _Stream.from_address(_get_pointer(capsule, b"arrow_array_stream"))
    schema, chunks = _Owned(_Schema(), _RELEASE_SCHEMA), []
    status = stream.get_schema(C.byref(stream), C.byref(schema.value))
    while status == 0:
        chunk = _Owned(_Array(), _RELEASE_ARRAY)
        status = stream.get_next(C.byref(stream), C.byref(chunk.value))
        if status != 0 or not chunk.value.release:
            break
        chunks.append(chunk)
    if status != 0:
        why = stream.get_last_error(C.byref(stream)) or b"no reason given"
        raise ValueError(f"{what}: the Arrow stream failed: {why.decode('utf-8', 'replace')}")
    return schema, chunks


def _joined(columns: list[tuple[Any, Any, bool]]) -> tuple[Any, Any, bool]:
    import numpy as np

    if len(columns) == 1:
        return columns[0]
    values = np.concatenate([c[0] for c in columns])
    return values, None if columns[0][1] is None else np.concatenate([c[1] for c in columns]), columns[0][2]


def read(value: Any, what: str) -> Column:
    """One column, in one array or in chunks."""
    if hasattr(value, "__arrow_c_array__"):
        schema_capsule, array_capsule = value.__arrow_c_array__()
        schema = _Schema.from_address(_get_pointer(schema_capsule, b"arrow_schema"))
        array = _Array.from_address(_get_pointer(array_capsule, b"arrow_array"))
        values, counts, is_bytes = _read(schema, array, 0, array.length, what)
        return Column(values, counts, is_bytes, (schema_capsule, array_capsule))
    capsule = value.__arrow_c_stream__()
    owned, chunks = _stream_chunks(capsule, what)
    if not chunks:
        raise ValueError(f"{what}: the Arrow column has no chunks: there are no rows")
    values, counts, is_bytes = _joined([_read(owned.value, c.value, 0, c.value.length, what) for c in chunks])
    return Column(values, counts, is_bytes, (capsule, owned, chunks))
