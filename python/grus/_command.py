# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the compiler, which is a program: where it is, and what it says as data."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any, Sequence

from ._errors import GrusError

HERE = Path(__file__).resolve().parent


def compiler_path() -> str:
    """The program: `$GRUS`, the one of this package, or the one in PATH."""
    given = os.environ.get("GRUS")
    if given:
        return given
    inside = HERE / "bin" / "grus"
    if inside.is_file():
        return str(inside)
    found = shutil.which("grus")
    if found:
        return found
    raise GrusError(
        f"the compiler `grus` was not found: not in {inside.parent}, and not in PATH; "
        "the environment variable GRUS names it"
    )


def _environment() -> dict[str, str]:
    environment = dict(os.environ, LC_ALL="C", NO_COLOR="1")
    runtime = HERE / "share" / "grus" / "runtime"
    if runtime.is_dir() and "GRUS_RUNTIME" not in environment:
        environment["GRUS_RUNTIME"] = str(runtime)
    return environment


def _start(arguments: Sequence[str], source: bytes | None, cwd: str | None) -> tuple[int, bytes, str]:
    program = compiler_path()
    try:
        done = subprocess.run(
            [program, *arguments], input=source, capture_output=True, env=_environment(), cwd=cwd,
            stdin=subprocess.DEVNULL if source is None else None, check=False,
        )
    except OSError as error:
        raise GrusError(f"the compiler {program} cannot be started: {error.strerror}", exit_code=3) from error
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")


def _read_diagnostics(text: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Messages as data, and the lines that are none."""
    diagnostics, others = [], []
    for line in text.splitlines():
        try:
            entry = json.loads(line) if line.startswith("{") else None
        except ValueError:
            entry = None
        if isinstance(entry, dict) and "level" in entry:
            diagnostics.append(entry)
        elif line:
            others.append(line)
    return diagnostics, others


def run(arguments: Sequence[str], source: bytes | None = None, cwd: str | None = None) -> tuple[bytes, list[dict[str, Any]]]:
    """What the command printed on standard output, and its warnings. Raises GrusError with its errors."""
    code, out, err = _start([*arguments, "--diagnostics", "json"], source, cwd)
    diagnostics, others = _read_diagnostics(err)
    if code == 0:
        return out, diagnostics
    if code < 0:
        raise GrusError(f"the compiler was ended by signal {-code}\n{err}", diagnostics, code)
    parts = [d.get("rendered") or d.get("message", "") for d in diagnostics if d["level"] == "error"]
    raise GrusError("\n".join(part.rstrip("\n") for part in [*parts, *others]) or f"grus failed with exit code {code}", diagnostics, code)


@lru_cache(maxsize=8)
def _version_of(program: str, size: int, changed: int) -> str:
    code, out, err = _start(["--version"], None, None)
    if code != 0:
        raise GrusError(f"{program} --version failed: {err}", exit_code=code)
    return f"{out.decode('utf-8', 'replace')}\n{size} {changed}"


def compiler_version() -> str:
    """Version and identity of the program, for the key of the cache."""
    program = compiler_path()
    try:
        status = os.stat(program)
    except OSError as error:
        raise GrusError(f"the compiler {program} cannot be read: {error.strerror}", exit_code=3) from error
    return _version_of(program, status.st_size, status.st_mtime_ns)
