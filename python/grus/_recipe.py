# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From what `grus.compile` is given to command lines, and what they make."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from dataclasses import dataclass, field
from typing import Any, Mapping

from . import _cache, _command, _foreign
from ._errors import GrusError
from ._library import seal
from ._model import Model


@dataclass
class Recipe:
    """A model and its options, from which any output can be built."""

    path: str  #: of the file; "-": `source` on standard input
    source: bytes | None
    options: list[str]
    shared_options: list[str]  #: for libraries alone
    folder: Any = None  #: a temporary folder that lives as long as this
    own: dict[str, str] = field(default_factory=dict)  #: files of that folder, by the hash of their content
    files: dict[str, str] = field(default_factory=dict)  #: what it was built of, by the hash of its content

    def _model_options(self) -> list[str]:
        """Without those that `inspect` does not have."""
        return [o for o in self.options if not o.startswith(("--backend=", "--math="))]

    def _build(self, arguments: list[str]) -> bytes:
        return _command.run(["build", self.path, *self.options, *arguments], self.source)[0]

    def _unchanged(self) -> None:
        for path, known in self.files.items():
            if _cache.digest(path) != known:
                raise GrusError(f"{path} has changed since the model was compiled: compile it again")

    def _made(self, suffix: str, arguments: list[str]) -> tuple[bytes, str]:
        self._unchanged()
        with tempfile.TemporaryDirectory(prefix="grus-py-") as folder:
            path = os.path.join(folder, "model" + suffix)
            out = self._build([*arguments, "-o", path])
            with open(path, "rb") as file:
                return out, file.read().decode("utf-8")

    def c_source(self) -> str:
        return self._made(".c", ["--emit=c", "-q"])[1]

    def header(self, target: str | None) -> str:
        """options may name another target; the last one counts."""
        return self._made(".h", ["--emit=header", "-q", *([f"--target={target}"] if target else [])])[1]

    def report(self) -> dict[str, Any]:
        out, _ = self._made(".c", ["--emit=c", "--json"])
        report: dict[str, Any] = json.loads(out.decode().splitlines()[0])
        return report

    def svg(self) -> str:
        self._unchanged()
        return _command.run(["inspect", self.path, *self._model_options(), "--svg"], self.source)[0].decode("utf-8")

    # ---- libraries ----

    def _key(self) -> str | None:
        """Of all that is known before a build; None: not to be kept."""
        if self.path == "-":
            content: str | None = self.source.decode("utf-8", "replace") if self.source else ""
        elif os.path.isfile(self.path):
            content = _cache.digest(self.path)
        else:
            return None
        if self.path.endswith(".onnx") and _has_external_data(self.path):
            return None
        options = [self._by_content(o) for o in self.options + self.shared_options]
        where = "" if self.own else os.path.abspath(self.path) if self.path != "-" else os.getcwd()
        ranges = os.path.splitext(self.path)[0] + ".ranges"
        return _cache.key([_command.compiler_version(), platform.machine(), os.environ.get("CC", ""), where, content, options,
                           _cache.digest(ranges)])

    def _by_content(self, option: str) -> str:
        for path, known in self.own.items():
            option = option.replace(path, known)
        name, _, value = option.partition("=")
        return f"{name}={_cache.digest(value)}" if name in ("--weights", "--config", "--ranges") and os.path.isfile(value) else option

    def shared(self, cached: bool) -> bytes:
        """The shared library; from the cache if nothing has changed."""
        key = self._key() if cached else None
        found = _cache.get(key) if key else None
        if found:
            image, self.files = found
            return image
        with tempfile.TemporaryDirectory(prefix="grus-py-") as folder:
            path, rule = os.path.join(folder, "model.so"), os.path.join(folder, "rule")
            self._build([*self.shared_options, "--emit=shared", "-q", "-o", path, "-MD", "-MF", rule, "-MT", "it"])
            with open(path, "rb") as file:
                image = seal(file.read())
            with open(rule, encoding="utf-8", errors="surrogateescape") as text:
                names = read_rule(text.read())
        self.files = {n: d for n in names for d in [_cache.digest(n)] if d and not n.startswith(tuple(self.own) or ("\0",))}
        if key and key == self._key():
            _cache.put(key, image, self.files)
        return image


def _has_external_data(path: str) -> bool:
    with open(path, "rb") as file:
        return b"location" in file.read()


def read_rule(text: str) -> list[str]:
    """The prerequisites of the one rule of a dependency file, as absolute paths."""
    line = text.split("\n", 1)[0]
    names, word, i = [], "", line.index(":") + 1
    while i < len(line):
        if line[i] == "\\" and i + 1 < len(line) and line[i + 1] in " \t#:%\\":
            word += line[i + 1]
            i += 2
        elif line[i] == "$" and line[i + 1 : i + 2] == "$":
            word += "$"
            i += 2
        elif line[i] in " \t":
            names.append(word)
            word = ""
            i += 1
        else:
            word += line[i]
            i += 1
    return [os.path.abspath(n) for n in [*names, word] if n]


def _is_source(text: str) -> bool:
    return "\n" in text or text.lstrip().startswith("grus 1")


def _options(given: Mapping[str, Any], define: Mapping[str, Any], set: Mapping[str, Any], state: Mapping[str, str]) -> list[str]:
    options = [f"--{name.replace('_', '-')}={os.fspath(value) if not isinstance(value, (int, float)) else value}"
               for name, value in given.items() if value is not None]
    options += [part for k, v in define.items() for part in ("-D", f"{k}={v}")]
    options += [f"--set={k}={v}" for k, v in set.items()]
    options += [f"--state={k}={v}" for k, v in state.items()]
    return options


def compile(
    model: Any,
    *,
    weights: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    target: str | None = None,
    precision: str | None = None,
    batch: int | None = None,
    name: str | None = None,
    example: Any = None,
    define: Mapping[str, Any] | None = None,
    time: str | int | None = None,
    stream: bool = False,
    chunk: int | None = None,
    config: str | os.PathLike[str] | None = None,
    ranges: str | os.PathLike[str] | None = None,
    set: Mapping[str, Any] | None = None,
    state: Mapping[str, str] | None = None,
    math: str | None = None,
    backend: str | None = None,
    nan: str = "pass",
    cache: bool = True,
) -> Model:
    """Compiles a model for this machine.

    model: a path (`.grus`, `.onnx`, `.keras`, `.pt2`, `.tflite` and whatever `grus import` reads), the text
    of a model, a Keras model, or a torch module with `example=` (an input, or a tuple of them).
    weights: a file, "random:SEED", or a dictionary of arrays such as a state dict.
    target: None: every level of this machine's processor family, chosen when it runs; "native", "x86-64-v3", ...
    batch: sequences computed together, 16 if not given; 1: none.
    name: which model of the file. define: params. nan: "error" rejects NaN and infinities in inputs.
    Other options are those of the command `grus build`. Raises GrusError with the diagnostics.
    """
    folder = tempfile.TemporaryDirectory(prefix="grus-py-")
    own: dict[str, str] = {}
    source = None
    if isinstance(model, str) and _is_source(model):
        path, source = "-", model.encode()
    elif isinstance(model, (str, os.PathLike)):
        path = os.fspath(model)
    else:
        path = _foreign.save_model(model, example, folder.name)
        own[path] = "model " + (_cache.digest(path) or "")
    if isinstance(weights, Mapping):
        weights = _foreign.save_weights(weights, folder.name)
        own[weights] = "weights " + (_cache.digest(weights) or "")
    given = dict(weights=weights, target=target, precision=precision, model=name, time=time, config=config, ranges=ranges, math=math, backend=backend)
    options = _options(given, define or {}, set or {}, state or {}) + (["--stream"] if stream else [])
    shared = _options(dict(batch=batch, chunk=chunk), {}, {}, {})
    recipe = Recipe(path, source, options, shared, folder, own)
    return Model(recipe.shared(cache), recipe, name=f"the library of {'the source text' if path == '-' else path}", nan=nan)
