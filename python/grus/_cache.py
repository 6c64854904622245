# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled libraries, kept by the content of all that went into them.

One file an entry, written under another name and renamed, with a checksum over all of it. What cannot be
read, is cut short or damaged counts as not there; what cannot be written is not kept. Nothing of this is
ever an error: the model is compiled again.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from ._model import write_whole

_MAGIC = b"grus-cache 1\n"
_DIGEST = 32
LIMIT = 1 << 30  # bytes; the entries that were not used for the longest time go first


def folder() -> str | None:
    """Where entries are: $GRUS_CACHE, else the user's cache folder; None if GRUS_CACHE is `off`."""
    given = os.environ.get("GRUS_CACHE")
    if given == "off":
        return None
    if given:
        return given
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "grus")


def digest(path: str) -> str | None:
    """Of a file's content; None if it cannot be read."""
    try:
        with open(path, "rb") as file:
            state = hashlib.sha256()
            for block in iter(lambda: file.read(1 << 20), b""):
                state.update(block)
        return state.hexdigest()
    except OSError:
        return None


def key(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _path(name: str) -> str | None:
    base = folder()
    return None if base is None else os.path.join(base, name + ".lib")


def get(name: str) -> tuple[bytes, dict[str, str]] | None:
    """The library of that key and the files it was made of, if none of them has changed."""
    path = _path(name)
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    body = data[:-_DIGEST]
    if not body.startswith(_MAGIC) or hashlib.sha256(body).digest() != data[-_DIGEST:]:
        return None
    line, image = body[len(_MAGIC) :].split(b"\n", 1)
    files: dict[str, str] = json.loads(line)
    if any(digest(p) != d for p, d in files.items()):
        return None
    try:
        os.utime(path)
    except OSError:
        pass
    return image, files


def put(name: str, image: bytes, files: dict[str, str]) -> None:
    path = _path(name)
    if path is None:
        return
    body = _MAGIC + json.dumps(files, sort_keys=True).encode() + b"\n" + image
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        write_whole(path, body + hashlib.sha256(body).digest())
        _shrink(os.path.dirname(path))
    except OSError:
        pass


def _shrink(base: str) -> None:
    entries = []
    for entry in os.scandir(base):
        if entry.name.endswith(".lib"):
            status = entry.stat()
            entries.append((status.st_mtime, status.st_size, entry.path))
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= LIMIT:
            break
        os.unlink(path)
        total -= size
