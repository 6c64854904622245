# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the wheel and the source distribution of grus (PEP 517). Needs no other package.

A wheel is the compiler (the target grus_bundled of CMake), the sources of the runtime, and Python. With the
extension grus/_call.c in it, it is cp311-abi3-PLATFORM, for CPython 3.11 and every later one. Where there are no
headers of such a Python, or GRUS_EXTENSION is off, it is py3-none-PLATFORM, and calls go through ctypes. A source
distribution is the repository with the files that flex, bison and protoc-c make.
SOURCE_DATE_EPOCH gives the times inside, so that the same inputs give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any, Iterator

ROOT = Path(__file__).resolve().parent.parent
REGULAR = 0o100000  # of the mode of a file: pip keeps the bit "executable" of those alone that have it
EXECUTABLE, READABLE = REGULAR | 0o755, REGULAR | 0o644
STABLE = (3, 11)  #: the oldest Python of the extension's interface
EXTENSION = "_call.abi3.so"
GENERATED = ("front/parser.tab.c", "front/parser.tab.h", "front/lexer.yy.c", "import/onnx.pb-c.c", "import/onnx.pb-c.h",
             "import/graphdef.pb-c.c", "import/graphdef.pb-c.h")


def _project() -> dict[str, Any]:
    """What pyproject.toml says, as far as it is used here: Python before 3.11 has no reader of TOML."""
    text = (ROOT / "pyproject.toml").read_text()

    def one(key: str) -> str:
        found = re.search(rf'^{key} = "(.*)"$', text, re.M)
        assert found, key
        return found.group(1)

    classifiers = re.search(r"^classifiers = \[\n(.*?)\]", text, re.M | re.S)
    extras = re.search(r"^\[project.optional-dependencies\]\n(.*?)\n\n", text, re.M | re.S)
    dependencies = re.search(r"^dependencies = \[(.*)\]", text, re.M)
    assert classifiers and extras and dependencies
    return {
        "name": one("name"), "version": one("version"), "summary": one("description"), "python": one("requires-python"), "readme": one("readme"),
        "classifiers": re.findall(r'"(.*?)"', classifiers.group(1)),
        "dependencies": re.findall(r'"(.*?)"', dependencies.group(1)),
        "extras": re.findall(r'^(\w+) = \["(.*)"\]', extras.group(1), re.M),
    }


def _metadata() -> bytes:
    p = _project()
    lines = [
        "Metadata-Version: 2.1", f"Name: {p['name']}", f"Version: {p['version']}", f"Summary: {p['summary']}",
        "License: Apache-2.0 WITH LLVM-exception", f"Requires-Python: {p['python']}", "Description-Content-Type: text/markdown",
        *(f"Classifier: {c}" for c in p["classifiers"]), *(f"Requires-Dist: {d}" for d in p["dependencies"]),
    ]
    for extra, needs in p["extras"]:
        lines += [f"Provides-Extra: {extra}", f'Requires-Dist: {needs}; extra == "{extra}"']
    return ("\n".join(lines) + "\n\n" + (ROOT / p["readme"]).read_text()).encode()


def _time() -> tuple[int, int, int, int, int, int]:
    at = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", "315532800")), 315532800))  # a zip begins in 1980
    return (at.tm_year, at.tm_mon, at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec)


# ---- the compiler ----


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr)


def _compiler() -> bytes:
    """Of the build that GRUS_BUILD names, or of one that is made now."""
    given = os.environ.get("GRUS_BUILD")
    build = Path(given) if given else ROOT / "build" / "wheel"
    if not given:
        generated = [f"-DGRUS_GENERATED={ROOT / 'generated'}"] if (ROOT / "generated").is_dir() else []
        _run("cmake", "-S", str(ROOT), "-B", str(build), "-DCMAKE_BUILD_TYPE=Release", "-DGRUS_TESTS=OFF", "-DGRUS_LLVM=OFF", *generated)
        _run("cmake", "--build", str(build), "--parallel", "--target", "grus_bundled")
    program = build / "bin" / "grus_bundled"
    if not program.is_file():
        raise SystemExit(f"grus_build: no {program}: the static libraries of HDF5, jansson, protobuf-c and zlib are needed")
    stripped = build / "grus.stripped"
    _run("strip", "-o", str(stripped), str(program))
    return stripped.read_bytes()


# ---- the extension ----


def why_no_extension() -> str | None:
    """Why this Python builds none, or None."""
    if os.environ.get("GRUS_EXTENSION", "") in ("off", "0"):
        return "GRUS_EXTENSION is off"
    if os.name != "posix":
        return "the extension is for Linux and macOS"
    if sys.implementation.name != "cpython" or sys.version_info < STABLE or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "its interface is that of CPython 3.11 and later with a global lock, and this is " + sys.version.split()[0]
    header = Path(sysconfig.get_path("include")) / "Python.h"
    return None if header.is_file() else f"no {header}; on Debian: apt-get install python3-dev"


def build_extension(folder: str) -> str:
    """Compiles grus/_call.c into the folder; CC names another compiler than cc. The path of the file."""
    out = os.path.join(folder, EXTENSION)
    shared = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared", "-Wl,-s", "-Wl,--build-id=none"]
    stable = f"-DPy_LIMITED_API=0x{STABLE[0]:02X}{STABLE[1]:02X}0000"
    _run(*shlex.split(os.environ.get("CC", "cc")), "-std=c11", "-O2", "-fPIC", "-fvisibility=hidden", *shared, stable,
         "-isystem", sysconfig.get_path("include"), str(ROOT / "python" / "grus" / "_call.c"), "-o", out)
    return out


def _extension() -> bytes | None:
    reason = why_no_extension()
    if reason:
        print(f"grus_build: calls go through ctypes, the wheel is without its extension: {reason}", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        return Path(build_extension(folder)).read_bytes()


# ---- wheels ----


def _package(editable: bool, extension: bytes | None) -> Iterator[tuple[str, bytes, int]]:
    if editable:
        yield "grus.pth", f"{ROOT / 'python'}\n".encode(), READABLE
        return
    yield "grus/bin/grus", _compiler(), EXECUTABLE
    if extension:
        yield f"grus/{EXTENSION}", extension, EXECUTABLE
    for path in sorted((ROOT / "python" / "grus").glob("*")):
        if path.suffix == ".py" or path.name == "py.typed":
            yield f"grus/{path.name}", path.read_bytes(), READABLE
    for path in sorted((ROOT / "runtime").rglob("*")):
        if path.suffix in (".c", ".h", ".def") or path.name == "LICENSE.txt":
            yield f"grus/share/grus/runtime/{path.relative_to(ROOT / 'runtime')}", path.read_bytes(), READABLE


def _write_wheel(folder: str, editable: bool) -> str:
    p = _project()
    extension = None if editable else _extension()
    python = f"cp{STABLE[0]}{STABLE[1]}-abi3-" if extension else "py3-none-"
    tag = python + sysconfig.get_platform().replace("-", "_").replace(".", "_")
    info = f"{p['name']}-{p['version']}.dist-info"
    files = list(_package(editable, extension))
    files += [
        (f"{info}/METADATA", _metadata(), READABLE),
        (f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: grus_build\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(), READABLE),
        (f"{info}/entry_points.txt", b"[console_scripts]\ngrus = grus._cli:main\n", READABLE),
        (f"{info}/LICENSE", (ROOT / "LICENSE").read_bytes(), READABLE),
    ]
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n" for name, data, _ in files)
    files.append((f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode(), READABLE))
    name = f"{p['name']}-{p['version']}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, data, mode in files:
            entry = zipfile.ZipInfo(path, _time())
            entry.external_attr, entry.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return name


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    return _write_wheel(wheel_directory, editable=False)


def build_editable(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    return _write_wheel(wheel_directory, editable=True)


# ---- source distributions ----


def _generated() -> Iterator[tuple[str, bytes]]:
    """Out of the build that GRUS_BUILD names."""
    given = os.environ.get("GRUS_BUILD")
    if not given:
        raise SystemExit("grus_build: a source distribution holds files that flex, bison and protoc-c made: GRUS_BUILD names a build with them")
    for name in GENERATED:
        room, file = name.split("/")
        places = [Path(given) / "compiler" / room / file, Path(given) / "generated" / room / file]
        path = next((p for p in places if p.is_file()), None)
        if path is None:
            raise SystemExit(f"grus_build: no {file} in {given}: build it first")
        text = path.read_bytes().replace(str(ROOT).encode() + b"/", b"").replace(str(Path(given).resolve()).encode() + b"/", b"")
        yield f"generated/{name}", text


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    p = _project()
    base = f"{p['name']}-{p['version']}"
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    files = [(n, (ROOT / n).read_bytes()) for n in names if n and (ROOT / n).is_file() and not (ROOT / n).is_symlink()]
    files += list(_generated()) + [("PKG-INFO", _metadata())]
    name = f"{base}.tar.gz"
    with tarfile.open(os.path.join(sdist_directory, name), "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for path, data in sorted(files):
            entry = tarfile.TarInfo(f"{base}/{path}")
            entry.size, entry.mtime = len(data), int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
            entry.mode = 0o755 if os.access(ROOT / path, os.X_OK) and not path.startswith("generated") else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return name
