# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Becomes the compiler: the command `grus` of a wheel."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn


def main() -> NoReturn:
    here = Path(__file__).resolve().parent
    program = os.environ.get("GRUS") or str(here / "bin" / "grus")
    runtime = here / "share" / "grus" / "runtime"
    if runtime.is_dir():
        os.environ.setdefault("GRUS_RUNTIME", str(runtime))
    try:
        os.execv(program, ["grus", *sys.argv[1:]])
    except OSError as error:
        sys.exit(f"grus: {program} cannot be started: {error.strerror}")
