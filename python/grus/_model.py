# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A compiled model: call it, look at it, save it, send it."""

from __future__ import annotations

import ctypes as C
import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Sequence

from . import _library
from ._arrays import Rows, check_finite, numpy, read_rows
from ._errors import GrusError
from ._library import Library, Port
from ._short import LARGE_STACK, rows_call

if TYPE_CHECKING:
    from ._recipe import Recipe
    from ._stream import Stream

PICKLE_VERSION = 1
LEAST_ROWS = 32  # fewer are not worth a thread
_stack_lock = threading.Lock()


def pointers(arrays: Sequence[Any], row: int = 0) -> Any:
    """Addresses of one row of each array."""
    return (C.c_void_p * (len(arrays) or 1))(*[a.ctypes.data + row * a.strides[0] if len(a) else a.ctypes.data for a in arrays])


def with_stack(stack: int, function: Any, *arguments: Any) -> Any:
    """function(*arguments) where there is that much stack."""
    if stack <= LARGE_STACK:
        return function(*arguments)
    result: list[Any] = []

    def body() -> None:
        try:
            result.append((function(*arguments), None))
        except BaseException as error:  # handed to the caller's thread
            result.append((None, error))

    with _stack_lock:
        before = threading.stack_size((stack + LARGE_STACK + 65535) // 65536 * 65536)
        try:
            thread = threading.Thread(target=body)
            thread.start()
        finally:
            threading.stack_size(before)
    thread.join()
    value, error = result[0]
    if error is not None:
        raise error
    return value


class Model:
    """A compiled model, made by `grus.compile` and `grus.load`.

    A model over sequences is called: `m(x)` takes one row or many. A model over a stream is not:
    `m.stream()` gives a state. A model is immutable: threads may share it, and it can be pickled.
    """

    def __init__(self, image: bytes, recipe: Recipe | None = None, name: str = "the library", nan: str = "pass") -> None:
        if nan not in ("pass", "error"):
            raise ValueError(f"nan={nan!r} given, 'pass' or 'error' needed")
        self._lib = Library(image, name)
        self._recipe = recipe
        self._svg: str | None = None
        self.nan = nan
        self._short = rows_call(self._lib, nan)

    # ---- what it is ----

    @property
    def name(self) -> str:
        return self._lib.name

    @property
    def doc(self) -> str | None:
        """The doc comment of the model."""
        return self._lib.doc

    @property
    def kind(self) -> str:
        """"sequence": call it; "stream" or "window": `stream()`."""
        return self._lib.kind

    @property
    def inputs(self) -> tuple[Port, ...]:
        return self._lib.inputs

    @property
    def inits(self) -> tuple[Port, ...]:
        """Inputs that `Stream.reset` reads."""
        return self._lib.inits

    @property
    def outputs(self) -> tuple[Port, ...]:
        return self._lib.outputs

    @property
    def processors(self) -> tuple[str, ...]:
        """The levels that the library has code for, the best first."""
        return self._lib.bodies

    @property
    def processor(self) -> str:
        """The level that runs here."""
        return self._lib.body or ""

    @property
    def report(self) -> dict[str, Any]:
        """Parameters, multiply-adds and bytes, for each layer."""
        return self._need_recipe("report").report()

    @property
    def c_source(self) -> str:
        """The model as C99."""
        return self._need_recipe("c_source").c_source()

    def header(self, target: str | None = None) -> str:
        """The model as one C header, for a target such as "cortex-m4"."""
        return self._need_recipe("header").header(target)

    def _need_recipe(self, what: str) -> Recipe:
        if self._recipe is None:
            raise GrusError(f"{what}: `{self.name}` was loaded from a library or a pickle, which do not hold its source: compile it for that")
        return self._recipe

    def __repr__(self) -> str:
        takes = ", ".join(f"{p.name}: {p.type}" for p in self.inputs + self.inits)
        gives = ", ".join(f"{p.name}: {p.type}" for p in self.outputs)
        return f"<grus.Model {self.name}({takes}) -> {gives}>"

    def _repr_svg_(self) -> str | None:
        if self._svg is None and self._recipe is not None:
            self._svg = self._recipe.svg()
        return self._svg

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td>{p.role}</td><td><code>{escape(p.name)}</code></td><td><code>{escape(p.type)}</code></td><td>{escape(p.doc or '')}</td></tr>"
            for p in self.inputs + self.inits + self.outputs)
        return f"<div><b>{escape(self.name)}</b> {escape(self.doc or '')}</div>{self._repr_svg_() or ''}<table>{rows}</table>"

    # ---- sequences ----

    def __call__(self, *inputs: Any, threads: int = 1, progress: bool = False, **named: Any) -> Any:
        """Computes one row or many.

        Each input is an array of the port's shape, or of many of them along a new first axis: of NumPy,
        of anything with a buffer, DLPack or the Arrow PyCapsule interface. An input of bounded length
        takes an array, a list of arrays, or (values, lengths), and bounded outputs come back alike.
        """
        short = self._short
        if short is not None and len(inputs) == 1 and threads == 1 and not named and not progress:
            result = short(inputs[0])
            if result is not NotImplemented:
                return result
        if self.kind != "sequence":
            raise TypeError(f"`{self.name}` runs on a stream: s = m.stream(), then s.block(x) or s.step(x)")
        if not isinstance(threads, int) or threads < 1:
            raise ValueError(f"threads={threads!r} given, a number of at least 1 needed")
        rows = [read_rows(value, port) for value, port in zip(self._in_order(inputs, named), self.inputs)]
        count, single = self._count(rows)
        if self.nan == "error":
            for row, port in zip(rows, self.inputs):
                check_finite(row.values, f"input `{port.name}`")
        lengths = self._lengths(rows, count)
        np = numpy()
        outs = [np.zeros((count,) + p.shape, p.dtype) if p.time == "bounded" else np.empty((count,) + p.shape, p.dtype) for p in self.outputs]
        self._run([self._spread(row.values, count) for row in rows], lengths, outs, count, threads, progress)
        return self._results(rows, lengths, outs, single)

    def predict(self, x: Any, *, threads: int = 1) -> Any:
        """The same by the name that scikit-learn and Keras have for it: always with an axis of rows."""
        y = self(x, threads=threads)
        fits = getattr(x, "ndim", None) == len(self.inputs[0].shape) if self.inputs else False
        return y[None] if fits and not isinstance(y, tuple) else y

    def _in_order(self, inputs: Sequence[Any], named: dict[str, Any]) -> list[Any]:
        names = [p.name for p in self.inputs]
        given = dict(zip(names, inputs))
        if len(inputs) > len(names):
            raise TypeError(f"`{self.name}` takes {len(names)} inputs ({', '.join(names)}), and {len(inputs)} were given")
        for name, value in named.items():
            if name not in names:
                raise TypeError(f"`{self.name}` has no input `{name}`; it takes {', '.join(names)}")
            if name in given:
                raise TypeError(f"`{self.name}`: input `{name}` was given twice")
            given[name] = value
        missing = [n for n in names if n not in given]
        if missing:
            raise TypeError(f"`{self.name}` also needs {', '.join(missing)}: it takes {', '.join(names)}")
        return [given[n] for n in names]

    def _count(self, rows: Sequence[Rows]) -> tuple[int, bool]:
        """Rows of the call. An input without the axis of rows serves them all."""
        counts = {p.name: len(r.values) for r, p in zip(rows, self.inputs) if not r.single}
        if not counts:
            return 1, True
        if len(set(counts.values())) > 1:
            raise ValueError("inputs with different numbers of rows: " + ", ".join(f"`{n}` has {c}" for n, c in counts.items()))
        return next(iter(counts.values())), False

    @staticmethod
    def _spread(values: Any, count: int) -> Any:
        np = numpy()
        return values if len(values) == count else np.ascontiguousarray(np.broadcast_to(values, (count,) + values.shape[1:]))

    def _lengths(self, rows: Sequence[Rows], count: int) -> Any:
        """[lengths, rows]; ports that share a length must agree."""
        if not self._lib.lengths:
            return None
        np = numpy()
        lengths = np.zeros((len(self._lib.lengths), count), np.uintp)
        known: dict[int, str] = {}
        for row, port in zip(rows, self.inputs):
            if port.time != "bounded":
                continue
            own = np.broadcast_to(row.lengths, (count,))
            if port.length in known and (lengths[port.length] != own).any():
                i = int(np.argmax(lengths[port.length] != own))
                raise ValueError(
                    f"inputs `{known[port.length]}` and `{port.name}` share a length, and row {i} has {int(lengths[port.length][i])} and {int(own[i])} steps")
            lengths[port.length] = own
            known[port.length] = port.name
        return lengths

    def _run(self, ins: Sequence[Any], lengths: Any, outs: Sequence[Any], count: int, threads: int, progress: bool) -> None:
        parts = min(threads, max(1, count // LEAST_ROWS))
        cuts = [count * i // parts for i in range(parts + 1)]
        if progress:
            step = max(4096, self._lib.batch)
            cuts = sorted(set(cuts) | set(range(0, count, step)))
        spans = list(zip(cuts[:-1], cuts[1:])) or [(0, 0)]

        def part(span: tuple[int, int]) -> None:
            with_stack(self._lib.stack, self._rows, ins, lengths, outs, *span)

        if parts == 1:
            for span in _watched(spans, len(spans), progress):
                part(span)
            return
        with ThreadPoolExecutor(parts) as pool:
            for _ in _watched(zip(spans, pool.map(part, spans)), len(spans), progress):
                pass

    def _rows(self, ins: Sequence[Any], lengths: Any, outs: Sequence[Any], first: int, last: int) -> None:
        if last <= first:
            return
        done = C.c_size_t(0)
        of = None
        if lengths is not None:
            of = numpy().ascontiguousarray(lengths[:, first:last])
        status = self._lib.rows(
            last - first, of.ctypes.data if of is not None else None, pointers(ins, first), None, pointers(outs, first), None, C.byref(done))
        if status != _library.OK:
            raise self._refusal(status, first + done.value, lengths)

    def _refusal(self, status: int, row: int, lengths: Any) -> Exception:
        if status == _library.BAD_LENGTH:
            found = ", ".join(str(int(n)) for n in lengths[:, row])
            return ValueError(f"`{self.name}`, row {row}: length {found}, and the model needs 1 to {', '.join(str(b) for _, b in self._lib.lengths)}")
        if status == _library.BAD_INDEX:
            return ValueError(f"`{self.name}`, row {row}: an index is out of its range")
        return GrusError(f"`{self.name}`, row {row}: the library returned code {status}")

    def _results(self, rows: Sequence[Rows], lengths: Any, outs: list[Any], single: bool) -> Any:
        by_length = {p.length: r for r, p in zip(rows, self.inputs) if p.time == "bounded"}
        results = []
        for out, port in zip(outs, self.outputs):
            if port.time != "bounded":
                results.append(out[0] if single else out)
                continue
            steps = [port.steps(int(n)) for n in lengths[port.length]]
            results.append(_trimmed(out, port, steps, by_length[port.length].ragged, single))
        return results[0] if len(results) == 1 else tuple(results)

    # ---- streams ----

    def stream(self, **inits: Any) -> Stream:
        """A new state at the beginning of a stream; initial states by name, zeros if not given."""
        from ._stream import Stream

        return Stream(self, **inits)

    # ---- files and pickles ----

    def to_bytes(self) -> bytes:
        """The shared library, with a checksum behind it."""
        return _library.seal(self._lib.image)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the shared library, for `grus.load` and for C."""
        write_whole(os.fspath(path), self.to_bytes())

    def __getstate__(self) -> dict[str, Any]:
        return {"version": PICKLE_VERSION, "image": self.to_bytes(), "nan": self.nan, "svg": self._svg, "name": self.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        version = state.get("version")
        if version != PICKLE_VERSION:
            raise GrusError(f"a pickle of version {version}, and this package reads {PICKLE_VERSION}: compile the model again", exit_code=3)
        self.__init__(state["image"], name=f"the pickle of `{state['name']}`", nan=state["nan"])  # type: ignore[misc]
        self._svg = state["svg"]


def _watched(parts: Any, total: int, progress: bool) -> Any:
    """The parts, with a bar of tqdm if asked for and installed."""
    if not progress:
        return parts
    try:
        from tqdm.auto import tqdm  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        return parts
    return tqdm(parts, total=total, unit="block")


def _trimmed(out: Any, port: Port, steps: Sequence[int], ragged: str, single: bool) -> Any:
    """A bounded output as the input came: one array, a list of arrays, or (values, lengths)."""
    np = numpy()
    axis = port.time_axis

    def cut(value: Any, n: int, at: int) -> Any:
        return value[tuple(slice(0, n) if k == at else slice(None) for k in range(value.ndim))]

    if ragged == "list":
        return [cut(row, n, axis) for row, n in zip(out, steps)]
    if ragged == "pair":
        lengths = np.array(steps, np.intp)
        return (out[0], lengths[0]) if single else (out, lengths)
    n = steps[0] if steps else 0
    return cut(out[0], n, axis) if single else cut(out, n, axis + 1)


def write_whole(path: str, data: bytes) -> None:
    """Writes beside the final name and renames: there is the old file, or the whole new one."""
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(prefix=".grus-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise


def load(path: str | os.PathLike[str], *, nan: str = "pass") -> Model:
    """A model from a library that `Model.save` or `grus build --emit=shared` wrote.

    A library is a program: load only those that you trust.
    """
    with open(path, "rb") as file:
        image = file.read()
    return Model(image, name=os.fspath(path), nan=nan)
