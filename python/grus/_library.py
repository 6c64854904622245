# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A shared library of grus in this process: runtime/host/grus_shared.h by ctypes.

The bytes of a library are loaded, not a file: nothing that happens to a file later changes a model.
"""

from __future__ import annotations

import ctypes as C
import hashlib
import os
import platform
import struct
import sys
import tempfile
import threading
from dataclasses import dataclass
from typing import Any

from ._errors import GrusError

HOST_ABI = 1
LIBRARY_ABI = 1

OK, BAD_INDEX, BAD_LENGTH, NO_OUTPUT, BAD_PROCESSOR, BAD_STATE, BAD_CALL = 0, 1, 2, 3, 6, 7, 8

ROLES = ("input", "init", "output")
TIMES = ("none", "fixed", "bounded", "stream", "window")
KINDS = ("sequence", "stream", "window")
DTYPES = ("float32", "float16", "int8", "int16", "int32", "uint8", "uint16")


class _Axis(C.Structure):
    _fields_ = [("size", C.c_size_t), ("label", C.c_char_p)]


class _Port(C.Structure):
    _fields_ = [
        ("name", C.c_char_p), ("doc", C.c_char_p), ("role", C.c_int), ("elem", C.c_int), ("bound", C.c_uint32),
        ("rank", C.c_int), ("axes", C.POINTER(_Axis)), ("time_axis", C.c_int), ("time", C.c_int), ("length", C.c_int),
        ("period", C.c_uint32), ("every", C.c_uint32), ("rate", C.c_double),
        ("length_size", C.c_uint32), ("length_hop", C.c_uint32),
    ]


class _Length(C.Structure):
    _fields_ = [("name", C.c_char_p), ("bound", C.c_size_t)]


class _Program(C.Structure):
    _fields_ = [
        ("abi", C.c_uint32), ("kind", C.c_int), ("name", C.c_char_p), ("doc", C.c_char_p), ("compiler", C.c_char_p),
        ("batch", C.c_size_t), ("ports", C.POINTER(_Port)), ("port_count", C.c_size_t),
        ("lengths", C.POINTER(_Length)), ("length_count", C.c_size_t),
        ("state_size", C.c_size_t), ("state_align", C.c_size_t),
        ("run", C.c_void_p), ("reset", C.c_void_p), ("step", C.c_void_p), ("push", C.c_void_p),
    ]


class _Body(C.Structure):
    _fields_ = [
        ("name", C.c_char_p), ("needs", C.c_int), ("run", C.c_void_p), ("batch_run", C.c_void_p),
        ("reset", C.c_void_p), ("step", C.c_void_p), ("push", C.c_void_p),
    ]


class _Library(C.Structure):
    _fields_ = [
        ("abi", C.c_uint32), ("size", C.c_uint32), ("program", C.POINTER(_Program)), ("batch", C.c_size_t),
        ("stack", C.c_size_t), ("first_output", C.c_size_t), ("lags", C.POINTER(C.c_uint32)),
        ("bodies", C.POINTER(_Body)), ("body_count", C.c_size_t),
    ]


@dataclass(frozen=True)
class Port:
    """An input or output of a model."""

    name: str
    doc: str | None
    role: str  #: "input", "init" (read by reset) or "output"
    dtype: str  #: of NumPy: "float32"
    categories: int  #: index(n): n; 0: the port carries numbers
    shape: tuple[int, ...]  #: in storage order; a bounded time axis has its bound, a stream the steps of one call
    labels: tuple[str | None, ...]
    time: str  #: "none", "fixed", "bounded", "stream" or "window"
    time_axis: int  #: its position in shape, -1: none
    length: int  #: bounded time: which length of the model, else -1
    period: int  #: streams: base steps for each step of this port
    every: int  #: windows: steps from one window to the next
    rate: float  #: steps per second; 0: the model does not say
    lag: int  #: streams: steps at the start that hold no value
    length_size: int
    length_hop: int

    @property
    def type(self) -> str:
        """As in the language: `f32[time 49, mfcc 13]`."""
        short = {"float32": "f32", "float16": "f16"}.get(self.dtype, self.dtype.replace("uint", "u").replace("int", "i"))
        head = f"index({self.categories})" if self.categories else short
        axes = [self._axis(i) for i in range(len(self.shape))]
        return f"{head}[{', '.join(axes)}]" if axes else head

    def _axis(self, i: int) -> str:
        label, size = self.labels[i], self.shape[i]
        if i != self.time_axis or self.time == "none":
            return f"{label} {size}" if label else str(size)
        rate = f" @ {self.rate:g}Hz" if self.rate else ""
        if self.time == "bounded":
            return f"time n <= {size}{rate}"
        return f"time ..{rate}" if self.time == "stream" else f"time {size}{rate}"

    def steps(self, n: int) -> int:
        """Steps of this port, of bounded time, for a length of n."""
        return (n - self.length_size) // self.length_hop + 1 if self.length_hop else n

    def call_shape(self) -> tuple[int, ...]:
        """What one call takes or gives: a window's time axis and a stream's single step are left out."""
        drop = self.time == "window" or (self.time == "stream" and self.shape[self.time_axis] == 1)
        return tuple(n for i, n in enumerate(self.shape) if not (drop and i == self.time_axis))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _read_port(port: _Port, lag: int) -> Port:
    return Port(
        name=_text(port.name) or "", doc=_text(port.doc), role=ROLES[port.role], dtype=DTYPES[port.elem], categories=port.bound,
        shape=tuple(port.axes[k].size for k in range(port.rank)), labels=tuple(_text(port.axes[k].label) for k in range(port.rank)),
        time=TIMES[port.time], time_axis=port.time_axis, length=port.length, period=port.period, every=port.every, rate=port.rate,
        lag=lag, length_size=port.length_size, length_hop=port.length_hop,
    )


# ---- files that are whole ----

_MACHINES = {62: "x86_64", 183: "aarch64", 243: "riscv64"}
_TRAILER = b"grus-sha256:"


def seal(image: bytes) -> bytes:
    """The library with a checksum behind it, which loaders of the system pass over."""
    return image if image[-len(_TRAILER) - 32 : -32] == _TRAILER else image + _TRAILER + hashlib.sha256(image).digest()


def check_image(image: bytes, name: str) -> None:
    """Raises GrusError unless the bytes are a whole library for this machine. A loader given half a
    library ends the process, so this is asked first."""
    if sys.platform != "linux":
        return
    if image[:4] != b"\x7fELF" or len(image) < 64:
        raise GrusError(f"{name} is not a shared library: it begins with {image[:4]!r}, not with b'\\x7fELF'", exit_code=3)
    if image[4] != 2 or image[5] != 1:
        raise GrusError(f"{name} is a library for a 32-bit or big-endian machine; grus makes 64-bit little-endian ones", exit_code=3)
    kind, machine = struct.unpack_from("<HH", image, 16)
    wanted = platform.machine().lower()
    found = _MACHINES.get(machine, f"machine {machine}")
    if found != {"amd64": "x86_64", "arm64": "aarch64"}.get(wanted, wanted):
        raise GrusError(f"{name} was compiled for {found}, and this machine is {wanted}: compile the model here", exit_code=3)
    if kind != 3:
        raise GrusError(f"{name} is an ELF file, but not a shared library: `grus build --emit=shared` makes one", exit_code=3)
    programs, sections = struct.unpack_from("<QQ", image, 32)
    program_size, program_count, section_size, section_count = struct.unpack_from("<HHHH", image, 54)
    ends = [programs + program_size * program_count, sections + section_size * section_count]
    for i in range(program_count if ends[0] <= len(image) and program_size >= 56 else 0):
        offset, _, _, size = struct.unpack_from("<QQQQ", image, programs + i * program_size + 8)
        ends.append(offset + size)
    if max(ends) > len(image):
        raise GrusError(f"{name} is cut short: it has {len(image)} bytes, and its headers tell of {max(ends)}", exit_code=3)
    body, end = image[: -len(_TRAILER) - 32], image[-len(_TRAILER) - 32 :]
    if end.startswith(_TRAILER) and hashlib.sha256(body).digest() != end[-32:]:
        raise GrusError(f"{name} is damaged: its checksum is that of other bytes", exit_code=3)


# ---- loading ----

_lock = threading.Lock()
_open: dict[str, C.CDLL] = {}
_keep: list[int] = []


def _open_bytes(image: bytes, key: str) -> C.CDLL:
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("grus-" + key[:16])
        with os.fdopen(os.dup(handle), "wb") as file:
            file.write(image)
        # The descriptor stays open: the system's loader knows libraries by path, and would take another
        # library under the same number for this one.
        _keep.append(handle)
        return C.CDLL(f"/proc/self/fd/{handle}")
    with tempfile.TemporaryDirectory(prefix="grus-") as folder:
        path = os.path.join(folder, f"grus-{key}.dylib")
        with open(path, "wb") as file:
            file.write(image)
        return C.CDLL(path)


def _dll(image: bytes, name: str) -> C.CDLL:
    key = hashlib.sha256(image).hexdigest()
    with _lock:
        if key not in _open:
            check_image(image, name)
            try:
                dll = _open_bytes(image, key)
            except OSError as error:
                raise GrusError(f"{name} cannot be loaded: {error}", exit_code=3) from error
            _open[key] = dll
        return _open[key]


class Library:
    """The description of a loaded library and its functions."""

    def __init__(self, image: bytes, name: str = "the library") -> None:
        self.image = image
        self._dll = dll = _dll(image, name)
        try:
            about = _Library.in_dll(dll, "grus_library")
            program = _Program.in_dll(dll, "grus_program")
        except ValueError as error:
            raise GrusError(f"{name} is no library of grus: it has no grus_library; `grus build --emit=shared` makes one", exit_code=3) from error
        if about.abi != LIBRARY_ABI or program.abi != HOST_ABI:
            raise GrusError(
                f"{name} has version {about.abi}.{program.abi} of the interface, and this package reads {LIBRARY_ABI}.{HOST_ABI}: "
                "compile the model again", exit_code=3)
        self.about = about
        self.name = _text(program.name) or ""
        self.doc = _text(program.doc)
        self.compiler = _text(program.compiler) or ""
        self.kind = KINDS[program.kind]
        self.batch = int(about.batch)
        self.stack = int(about.stack)
        self.first_output = int(about.first_output)
        self.state_size, self.state_align = int(program.state_size), int(program.state_align)
        ports = [_read_port(program.ports[i], int(about.lags[i])) for i in range(program.port_count)]
        self.inputs = tuple(p for p in ports if p.role == "input")
        self.inits = tuple(p for p in ports if p.role == "init")
        self.outputs = tuple(p for p in ports if p.role == "output")
        self.lengths = tuple((_text(program.lengths[i].name), int(program.lengths[i].bound)) for i in range(program.length_count))
        self.bodies = tuple((_text(about.bodies[i].name) or "") for i in range(about.body_count))
        self.rows = dll.grus_rows
        self.rows.argtypes = [C.c_size_t, *[C.c_void_p] * 6]
        self.rows.restype = C.c_int
        self.steps = dll.grus_steps
        self.steps.argtypes = [C.c_void_p, C.c_size_t, *[C.c_void_p] * 6]
        self.steps.restype = C.c_int
        self.begin: Any = C.CFUNCTYPE(C.c_int, C.c_void_p, C.c_void_p)(program.reset) if program.reset else None
        dll.grus_body.restype = C.POINTER(_Body)
        body = dll.grus_body()
        self.body = _text(body.contents.name) if body else None
        if self.body is None:
            raise GrusError(
                f"{name} holds code for {', '.join(self.bodies)}, and this processor supports none of them: compile the model here",
                exit_code=3)
