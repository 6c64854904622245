# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""extension.py FOLDER: compiles python/grus/_call.c into the folder, as python/CMakeLists.txt does for the wheel.

Prints why there is none where this Python cannot have it, else nothing. CC names another compiler than cc.
"""

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STABLE = (3, 11)  # the oldest Python of the extension's interface


def why_no_extension():
    if os.name != "posix":
        return "the extension is for Linux and macOS"
    if sys.implementation.name != "cpython" or sys.version_info < STABLE or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "its interface is that of CPython 3.11 and later with a global lock, and this is " + sys.version.split()[0]
    header = Path(sysconfig.get_path("include")) / "Python.h"
    return None if header.is_file() else f"no {header}; on Debian: apt-get install python3-dev"


def build_extension(folder):
    shared = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
    stable = f"-DPy_LIMITED_API=0x{STABLE[0]:02X}{STABLE[1]:02X}0000"
    subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden", *shared, stable,
                    "-isystem", sysconfig.get_path("include"), str(ROOT / "python" / "grus" / "_call.c"), "-o", os.path.join(folder, "_call.abi3.so")],
                   check=True)


if __name__ == "__main__":
    reason = why_no_extension()
    if reason:
        print(reason)
    else:
        build_extension(sys.argv[1])
