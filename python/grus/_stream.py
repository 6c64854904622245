# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The state of one stream."""

from __future__ import annotations

import ctypes as C
import threading
from typing import Any, Sequence

from . import _library
from ._arrays import as_array, check_finite, contiguous, convert, numpy, shape_words
from ._errors import GrusError
from ._library import Port
from ._model import Model, pointers, with_stack
from ._short import steps_call


class Stream:
    """One stream of a model: `step` for one call, `block` for many.

    Each stream belongs to one thread at a time. `copy` and pickling keep its position: the copy continues
    with the same bits.
    """

    def __init__(self, model: Model, **inits: Any) -> None:
        if model.kind == "sequence":
            raise TypeError(f"`{model.name}` runs on whole sequences: call it, m(x)")
        np = numpy()
        self.model = model
        self._lib = model._lib
        self._memory = np.zeros(self._lib.state_size + self._lib.state_align, np.uint8)
        self._at = -(-self._memory.ctypes.data // self._lib.state_align) * self._lib.state_align
        short = steps_call(self._lib, model.nan, self._at, self._memory)
        self._short = short.step if short else None
        self._lock = short or threading.Lock()
        self.reset(**inits)

    def reset(self, **inits: Any) -> None:
        """Back to the beginning. Initial states by name, zeros if not given."""
        np = numpy()
        names = [p.name for p in self.model.inits]
        for name in inits:
            if name not in names:
                raise TypeError(f"`{self.model.name}` has no initial state `{name}`" + (f"; it has {', '.join(names)}" if names else ""))
        arrays = []
        for port in self.model.inits:
            what = f"initial state `{port.name}`"
            value = inits.get(port.name)
            array = np.zeros(port.shape, port.dtype) if value is None else convert(as_array(value, what), port, what)
            if array.shape != port.shape:
                raise ValueError(f"{what}: shape {shape_words(array.shape)} given, {port.type} needed")
            arrays.append(contiguous(array)[None])
        with self._owned():
            status = self._lib.begin(self._at, pointers(arrays))
        if status != _library.OK:
            raise self._refusal(status, 0)

    def step(self, *inputs: Any, **named: Any) -> Any:
        """One call. The outputs, or None while there is none yet."""
        short = self._short
        if short is not None and len(inputs) == 1 and not named:
            result = short(inputs[0])
            if type(result) is int:
                raise self._refusal(result, 0)
            if result is not NotImplemented:
                return result
        values = self.model._in_order(inputs, named)
        arrays = [self._one(value, port) for value, port in zip(values, self.model.inputs)]
        outs, made = self._calls(arrays, 1)
        if not made:
            return None
        results = [out[0].reshape(port.call_shape()) for out, port in zip(outs, self.model.outputs)]
        return results[0] if len(results) == 1 else tuple(results)

    def block(self, *inputs: Any, **named: Any) -> Any:
        """Many calls: inputs have as many steps along time as there are, outputs what they give.

        An input without a time axis takes one value, for all calls, or one for each of them.
        """
        values = self.model._in_order(inputs, named)
        split = [self._many(value, port) for value, port in zip(values, self.model.inputs)]
        counts = {p.name: n for (_, n), p in zip(split, self.model.inputs) if n is not None}
        if len(set(counts.values())) > 1:
            raise ValueError("inputs with different numbers of calls: " + ", ".join(f"`{k}` has {n}" for k, n in counts.items()))
        count = next(iter(counts.values()), 1)
        np = numpy()
        arrays = [a if n is not None else np.ascontiguousarray(np.broadcast_to(a, (count,) + a.shape[1:])) for a, n in split]
        outs, made = self._calls(arrays, count)
        results = [self._joined(out[:made], port) for out, port in zip(outs, self.model.outputs)]
        return results[0] if len(results) == 1 else tuple(results)

    __call__ = block

    # ---- arrays of calls ----

    def _call_shape(self, port: Port) -> tuple[int, ...]:
        """In memory: a window's port without its time axis."""
        return tuple(n for i, n in enumerate(port.shape) if not (port.time == "window" and i == port.time_axis))

    def _one(self, value: Any, port: Port) -> Any:
        what = f"input `{port.name}`"
        array = convert(as_array(value, what), port, what)
        shape = self._call_shape(port)
        if array.shape not in (shape, port.call_shape()):
            raise ValueError(f"{what}: shape {shape_words(array.shape)} given for one call, {shape_words(port.call_shape())} needed ({port.type})")
        return contiguous(array).reshape((1,) + shape)

    def _many(self, value: Any, port: Port) -> tuple[Any, int | None]:
        """[calls, ...] and their number, None if one value serves all."""
        np = numpy()
        what = f"input `{port.name}`"
        array = convert(as_array(value, what), port, what)
        shape, axis = self._call_shape(port), port.time_axis
        if port.time not in ("stream", "window"):
            if array.shape == port.shape:
                return contiguous(array)[None], None
            if array.shape[1:] == port.shape:
                return contiguous(array), len(array)
            raise ValueError(f"{what}: shape {shape_words(array.shape)} given, {shape_words(port.shape)} needed, or calls of that")
        steps = port.shape[axis] if port.time == "stream" else 1
        rest = tuple(n for i, n in enumerate(port.shape) if i != axis)
        if array.ndim != len(port.shape) or tuple(n for i, n in enumerate(array.shape) if i != axis) != rest:
            raise ValueError(f"{what}: shape {shape_words(array.shape)} given, and a block of {port.type} has its steps along axis {axis}")
        if array.shape[axis] % steps:
            raise ValueError(f"{what}: {array.shape[axis]} steps given, and one call takes {steps}: a block needs a multiple of that")
        count = array.shape[axis] // steps
        front = np.moveaxis(array, axis, 0).reshape((count, steps) + rest)
        calls = np.moveaxis(front, 1, axis + 1) if port.time == "stream" else front.reshape((count,) + rest)
        return contiguous(calls).reshape((count,) + shape), count

    def _joined(self, out: Any, port: Port) -> Any:
        """[calls, ...] as one array along time; an output without time has an axis of calls."""
        np = numpy()
        if port.time != "stream":
            return out
        axis = port.time_axis
        front = np.moveaxis(out, axis + 1, 1)
        front = front.reshape((front.shape[0] * front.shape[1],) + front.shape[2:])
        return np.ascontiguousarray(np.moveaxis(front, 0, axis))

    # ---- the library ----

    def _owned(self) -> Any:
        return _Once(self._lock, self.model.name)

    def _calls(self, arrays: Sequence[Any], count: int) -> tuple[list[Any], int]:
        np = numpy()
        if self.model.nan == "error":
            for array, port in zip(arrays, self.model.inputs):
                check_finite(array, f"input `{port.name}`")
        outs = [np.empty((count,) + self._call_shape(p), p.dtype) for p in self.model.outputs]
        done, made = C.c_size_t(0), C.c_size_t(0)
        if count:
            with self._owned():
                status = with_stack(
                    self._lib.stack, self._lib.steps, self._at, count, pointers(arrays), None, pointers(outs), None, C.byref(done), C.byref(made))
            if status != _library.OK:
                raise self._refusal(status, done.value)
        return outs, made.value

    def _refusal(self, status: int, call: int) -> Exception:
        name = self.model.name
        if status == _library.BAD_PROCESSOR:
            return GrusError(f"`{name}`: the state was made by a processor that has more than this one ({self.model.processor}): reset it")
        if status == _library.BAD_INDEX:
            return ValueError(f"`{name}`, call {call}: an index is out of its range; the calls before it are done")
        return GrusError(f"`{name}`, call {call}: the library returned code {status}")

    # ---- copies and pickles ----

    def _state(self) -> bytes:
        start = self._at - self._memory.ctypes.data
        with self._owned():
            return bytes(self._memory[start : start + self._lib.state_size])

    def copy(self) -> Stream:
        """Another stream at the same position."""
        other: Stream = type(self).__new__(type(self))
        other.__setstate__({"model": self.model, "state": self._state()})
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Stream:
        return self.copy()

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model, "state": self._state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        np = numpy()
        self.__init__(state["model"])  # type: ignore[misc]
        data = state["state"]
        if len(data) != self._lib.state_size:
            raise GrusError(f"a state of {len(data)} bytes, and `{self.model.name}` has {self._lib.state_size}: it belongs to another model")
        start = self._at - self._memory.ctypes.data
        self._memory[start : start + len(data)] = np.frombuffer(data, np.uint8)


class _Once:
    """Reports a second thread that calls the same stream."""

    def __init__(self, lock: Any, name: str) -> None:
        self._lock, self._name = lock, name

    def __enter__(self) -> None:
        if not self._lock.acquire(False):
            raise RuntimeError(f"two threads call one stream of `{self._name}`: give each its own, with m.stream() or s.copy()")

    def __exit__(self, *_: object) -> None:
        self._lock.release()
