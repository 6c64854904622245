# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a caller passes, as arrays in the layout of a port: checked, converted exactly or reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from . import _arrow
from ._library import Port


def numpy() -> Any:
    try:
        import numpy as np
    except ImportError as error:
        raise ImportError("calling a model needs NumPy: pip install numpy") from error
    return np


@dataclass
class Rows:
    """One input: values [rows, *shape of the port], contiguous."""

    values: Any
    lengths: Any  #: of bounded time, [rows]; else None
    single: bool  #: the caller passed one row without an axis of rows
    ragged: str  #: how lengths were given: "" (not at all), "list" or "pair"
    owner: Any = None


def shape_words(shape: Sequence[int]) -> str:
    return "[" + ", ".join(str(n) for n in shape) + "]"


def as_array(value: Any, what: str) -> Any:
    """NumPy's view of an array, of a buffer, or of what DLPack exports."""
    np = numpy()
    if isinstance(value, np.ndarray):
        return value
    if type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach"):
        value = value.detach()
        if value.device.type != "cpu":
            raise TypeError(f"{what}: a tensor on {value.device}, and grus computes on the processor: pass x.cpu()")
        return value.numpy()
    if hasattr(value, "__dlpack__") and hasattr(value, "__dlpack_device__") and not hasattr(value, "__array__"):
        if value.__dlpack_device__()[0] != 1:
            raise TypeError(f"{what}: an array on another device, and grus computes on the processor: copy it there first")
        return np.from_dlpack(value)
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{what}: these lists have rows of different sizes ({error})") from error


def convert(array: Any, port: Port, what: str) -> Any:
    """The same numbers as the port's type, or an exception."""
    np = numpy()
    wanted = np.dtype(port.dtype)
    kind = array.dtype.kind
    if array.dtype == wanted and array.dtype.isnative and not port.categories:
        return array
    if wanted.kind == "f":
        if kind == "f":
            return array.astype(wanted)
        if kind in "iu" and array.dtype.itemsize <= 2:
            return array.astype(wanted)
        raise TypeError(f"{what}: {array.dtype} given, {wanted} needed: convert it, for instance with x.astype({wanted.name!r})")
    if kind not in "iu":
        raise TypeError(f"{what}: {array.dtype} given, integers needed ({port.type})")
    least, most = (0, port.categories - 1) if port.categories else (np.iinfo(wanted).min, np.iinfo(wanted).max)
    bad = (array < least) | (array > most)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{what}: {int(array[at])} at {shape_words(at)}, and {port.type} takes {least} to {most}")
    return array.astype(wanted)


def contiguous(array: Any) -> Any:
    """The same numbers one after another, each where the processor reads it."""
    array = numpy().ascontiguousarray(array)
    return array if array.flags.aligned else array.copy()


def _expect(found: Sequence[int], port: Port, what: str) -> None:
    raise ValueError(f"{what}: shape {shape_words(found)} given, {port.type} needs {shape_words(port.shape)}, or rows of that")


def _padded(array: Any, port: Port, axis: int, what: str) -> Any:
    """Time axis filled up to its bound with zeros."""
    np = numpy()
    bound, n = port.shape[port.time_axis], array.shape[axis]
    if n > bound:
        raise ValueError(f"{what}: {n} steps given, at most {bound} fit: {port.type}")
    if n == bound:
        return array
    widths = [(0, bound - n if i == axis else 0) for i in range(array.ndim)]
    return np.pad(array, widths)


def _fits(shape: Sequence[int], port: Port) -> bool:
    """Whether it is the shape of one row, for any length within the bound's axis."""
    if len(shape) != len(port.shape):
        return False
    free = port.time_axis if port.time == "bounded" else -1
    return all(i == free or n == m for i, (n, m) in enumerate(zip(shape, port.shape)))


def _from_array(array: Any, port: Port, what: str) -> Rows:
    np = numpy()
    array = convert(array, port, what)
    single = _fits(array.shape, port)
    if not single and not (array.ndim and _fits(array.shape[1:], port)):
        _expect(array.shape, port, what)
    if single:
        array = array[None]
    lengths = None
    if port.time == "bounded":
        axis = port.time_axis + 1
        lengths = np.full(array.shape[0], array.shape[axis], np.uintp)
        array = _padded(array, port, axis, what)
    return Rows(contiguous(array), lengths, single, "")


def _from_list(rows: Sequence[Any], port: Port, what: str) -> Rows:
    np = numpy()
    values = np.zeros((len(rows),) + port.shape, port.dtype)
    lengths = np.empty(len(rows), np.uintp)
    for i, row in enumerate(rows):
        name = f"{what}, row {i}"
        array = convert(as_array(row, name), port, name)
        if not _fits(array.shape, port):
            raise ValueError(f"{name}: shape {shape_words(array.shape)} given, {port.type} needed")
        lengths[i] = n = array.shape[port.time_axis]
        if n > port.shape[port.time_axis]:
            raise ValueError(f"{name}: {n} steps given, at most {port.shape[port.time_axis]} fit: {port.type}")
        values[i][tuple(slice(0, n) if k == port.time_axis else slice(None) for k in range(array.ndim))] = array
    return Rows(values, lengths, False, "list")


def _from_pair(values: Any, lengths: Any, port: Port, what: str) -> Rows:
    np = numpy()
    rows = _from_array(as_array(values, what), port, what)
    lengths = as_array(lengths, f"lengths of {what}")
    if lengths.dtype.kind not in "iu":
        raise TypeError(f"lengths of {what}: {lengths.dtype} given, integers needed")
    if rows.single and lengths.ndim == 0:
        lengths = lengths[None]
    if lengths.shape != (len(rows.values),):
        raise ValueError(f"lengths of {what}: shape {shape_words(lengths.shape)} given for {len(rows.values)} rows")
    bound = int(rows.lengths[0]) if len(rows.lengths) else 0
    bad = (lengths < 1) | (lengths > bound)
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(f"lengths of {what}: {int(lengths[i])} in row {i}, and 1 to {bound} steps are there")
    return Rows(rows.values, lengths.astype(np.uintp), rows.single, "pair")


def _from_arrow(value: Any, port: Port, what: str) -> Rows:
    np = numpy()
    column = _arrow.read(value, what)
    values, counts = column.values, column.counts
    inner = int(np.prod([n for i, n in enumerate(port.shape) if port.time != "bounded" or i != port.time_axis], dtype=np.int64))
    if counts is None:
        count = len(values)
        if values.ndim == 2 and len(port.shape) != 1 and values.shape[1] == int(np.prod(port.shape, dtype=np.int64)):
            values = values.reshape((count,) + port.shape)
        rows = _from_array(values.reshape((count,) + port.shape) if values.ndim == 1 and port.shape == (1,) else values, port, what)
        rows.owner = column.owner
        return rows
    if column.is_bytes:
        size = np.dtype(port.dtype).itemsize
        if (counts % size).any():
            i = int(np.argmax(counts % size != 0))
            raise ValueError(f"{what}: {int(counts[i])} bytes in row {i}, which are no whole numbers of {size} bytes ({port.dtype})")
        values, counts = values.view(port.dtype), counts // size
    elif values.ndim > 1:
        counts = counts * int(np.prod(values.shape[1:], dtype=np.int64))
        values = values.reshape(-1)
    if port.time != "bounded":
        if (counts != int(np.prod(port.shape, dtype=np.int64))).any():
            i = int(np.argmax(counts != np.prod(port.shape)))
            raise ValueError(f"{what}: {int(counts[i])} numbers in row {i}, and {port.type} has {int(np.prod(port.shape))}")
        rows = _from_array(values.reshape((len(counts),) + port.shape), port, what)
        rows.owner = column.owner
        return rows
    if port.time_axis != 0 or (counts % inner).any():
        i = int(np.argmax(counts % inner != 0))
        raise ValueError(f"{what}: {int(counts[i])} numbers in row {i}, which are no whole steps of {inner} ({port.type})")
    ends = np.cumsum(counts)
    return _from_list([values[e - n : e].reshape((-1,) + port.shape[1:]) for e, n in zip(ends, counts)], port, what)


def read_rows(value: Any, port: Port) -> Rows:
    """One input of a call over whole sequences."""
    what = f"input `{port.name}`"
    if _arrow.is_arrow(value):
        return _from_arrow(value, port, what)
    if port.time == "bounded":
        if isinstance(value, tuple) and len(value) == 2:
            return _from_pair(value[0], value[1], port, what)
        if isinstance(value, list) and value and hasattr(value[0], "__len__") and not _nested_numbers(value, port):
            return _from_list(value, port, what)
        if isinstance(value, list) and not value:
            return _from_list(value, port, what)
    array = as_array(value, what)
    if array.dtype.kind == "O":
        raise TypeError(f"{what}: an array of objects given, {port.type} needed")
    return _from_array(array, port, what)


def _nested_numbers(value: Any, port: Port) -> bool:
    """Whether nested lists are one row, written out."""
    depth = 0
    while isinstance(value, (list, tuple)) and value:
        value, depth = value[0], depth + 1
    return depth + getattr(value, "ndim", 0) == len(port.shape)


def check_finite(values: Any, what: str) -> None:
    np = numpy()
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    at = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
    raise ValueError(f"{what}: {values[at]} at {shape_words(at)}, and nan='error' takes finite numbers only")
