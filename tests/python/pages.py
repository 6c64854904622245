# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""pages.py FRAMEWORK PAGE...: runs the Python of the pages as it is printed, in the folder of the repository.

Of each page, the blocks that begin by importing grus are whole programs. Those that import FRAMEWORK (keras or torch)
are run, or with numpy those that import neither. Ends with 77 where the framework is missing, with 1 if there is
no such block or one fails.
"""

import importlib
import importlib.util
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = ("keras", "torch")


def programs(page):
    """Line and text of each block that begins by importing grus."""
    text = (ROOT / page).read_text()
    for block in re.finditer(r"^```python\n(import grus\b.*?)^```$", text, re.M | re.S):
        yield text.count("\n", 0, block.start()) + 2, block.group(1)


def framework_of(program):
    imported = {name for line in re.findall(r"^import (.*)$", program, re.M) for name in re.findall(r"(\w+)(?: as \w+)?", line)}
    return next((f for f in FRAMEWORKS if f in imported), "numpy")


def main(framework, *pages):
    try:
        importlib.import_module("numpy")
        if framework == "keras" and "KERAS_BACKEND" not in os.environ:
            os.environ["KERAS_BACKEND"] = next((b for b in ("tensorflow", "torch", "jax") if importlib.util.find_spec(b)), "tensorflow")
        importlib.import_module(framework)
    except ImportError as error:
        print(f"SKIPPED: {sys.executable}: {error}")
        return 77
    os.chdir(ROOT)
    ran = 0
    for page in pages:
        for line, program in programs(page):
            if framework_of(program) != framework:
                continue
            # The lines of an exception are those of the page.
            exec(compile("\n" * (line - 1) + program, page, "exec"), {"__name__": "__main__"})
            print(f"{page}:{line}: ran")
            ran += 1
    if not ran:
        print(f"no program with {framework} in {', '.join(pages)}")
    return 0 if ran else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
