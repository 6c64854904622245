# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""%%grus [NAME] [OPTION=VALUE...]: compiles the cell and shows the drawing.

The model becomes the variable NAME, or one of its own name. Options are those of grus.compile, such as
weights=random:1 or precision=w8.
"""

from __future__ import annotations

import shlex
import sys
from typing import Any

from ._errors import GrusError
from ._recipe import compile


def register(shell: Any) -> None:
    def grus_cell(line: str, cell: str) -> Any:
        name: str | None = None
        options: dict[str, Any] = {}
        for word in shlex.split(line):
            key, equals, value = word.partition("=")
            if equals:
                options[key] = int(value) if value.isdigit() else value
            else:
                name = key
        try:
            model = compile(cell if "\n" in cell else cell + "\n", **options)
        except GrusError as error:
            print(error, file=sys.stderr)
            return None
        shell.user_ns[name or model.name] = model
        return model

    grus_cell.__doc__ = __doc__
    shell.register_magic_function(grus_cell, "cell", "grus")
