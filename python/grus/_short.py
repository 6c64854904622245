# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The short way to a model of one input and one output, for an array that is exactly what the port takes.

What it does not take gets NotImplemented: the caller goes the whole way, which converts or reports. The
extension _call is in wheels of CPython 3.11 and later; without it ctypes serves rows, and steps go the whole way.
"""

from __future__ import annotations

import ctypes as C
from math import prod
from typing import Any, Callable

from ._arrays import numpy
from ._library import Library, Port

try:
    from . import _call as extension  # type: ignore[attr-defined, unused-ignore]
except ImportError:
    extension = None

LARGE_STACK = 512 * 1024  # calls that need more get a thread of their own
_FORMATS = {"float32": "f", "float16": "e", "int8": "b", "int16": "h", "int32": "i", "uint8": "B", "uint16": "H"}  # of the module struct


def _ports(lib: Library, nan: str) -> tuple[Port, Port] | None:
    """The input and the output, if nothing has to be asked about a call but their layout."""
    if len(lib.inputs) != 1 or len(lib.outputs) != 1 or nan != "pass" or lib.stack > LARGE_STACK or lib.inputs[0].categories:
        return None
    return lib.inputs[0], lib.outputs[0]


def _by_extension(function: Any, state: int, owner: Any, x: Port, y: Port, shape: tuple[int, ...], out_shape: tuple[int, ...]) -> Any:
    np = numpy()
    out_type = np.dtype(y.dtype)
    address = C.cast(function, C.c_void_p).value
    return extension.Call(address, state, owner, np.ndarray, np.empty, _FORMATS[x.dtype], np.dtype(x.dtype).itemsize, shape, out_shape, out_type,
                          prod(out_shape) * out_type.itemsize)


def _by_ctypes(lib: Library, x: Port, y: Port) -> Callable[[Any], Any]:
    np = numpy()
    ndarray, empty, dtype, shape, rank = np.ndarray, np.empty, np.dtype(x.dtype), x.shape, len(x.shape)
    out_type, out_shape, function, pointer = np.dtype(y.dtype), y.shape, lib.rows, C.c_void_p * 1

    def rows(value: Any) -> Any:
        if type(value) is not ndarray or value.dtype is not dtype:
            return NotImplemented
        flags = value.flags
        if not flags.c_contiguous or not flags.aligned:
            return NotImplemented
        given = value.shape
        if given == shape:
            out, count = empty(out_shape, out_type), 1
        elif len(given) == rank + 1 and given[1:] == shape and given[0]:
            out, count = empty((given[0], *out_shape), out_type), given[0]
        else:
            return NotImplemented
        at, to = pointer(value.__array_interface__["data"][0]), pointer(out.__array_interface__["data"][0])
        return out if function(count, None, at, None, to, None, None) == 0 else NotImplemented

    return rows


def rows_call(lib: Library, nan: str) -> Callable[[Any], Any] | None:
    """Takes one row or many, gives the output or NotImplemented. None: this model has no short way."""
    ports = _ports(lib, nan)
    if ports is None or lib.kind != "sequence" or lib.lengths or not all(p.shape for p in ports):
        return None
    try:
        if extension is None:
            return _by_ctypes(lib, *ports)
        x, y = ports
        return _by_extension(lib.rows, 0, lib, x, y, x.shape, y.shape).rows  # type: ignore[no-any-return]
    except ImportError:  # without NumPy a model can be looked at and saved
        return None


def steps_call(lib: Library, nan: str, state: int, memory: Any) -> Any:
    """An object with `step`, which gives the output, None, NotImplemented, or the library's code of a refusal,
    and with `acquire` and `release` of the stream. None: this model has no short way."""
    ports = _ports(lib, nan)
    if ports is None or extension is None:
        return None
    x, y = ports
    return _by_extension(lib.steps, state, (lib, memory), x, y, x.call_shape(), y.call_shape())
