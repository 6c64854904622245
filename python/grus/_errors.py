# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What goes wrong when a model is compiled or loaded."""

from __future__ import annotations

from typing import Any, Sequence

__all__ = ["GrusError"]


class GrusError(Exception):
    """A model that cannot be compiled or loaded.

    `str(error)` is what the command prints. `diagnostics` holds the same as data: one dictionary for
    each message, with `level`, `code`, `message`, `primary` (file, start, end, label), `labels`,
    `trace`, `notes` and `fixes`, as `--diagnostics json` prints them.
    """

    def __init__(self, message: str, diagnostics: Sequence[dict[str, Any]] = (), exit_code: int = 1) -> None:
        super().__init__(message)
        self.diagnostics: list[dict[str, Any]] = list(diagnostics)
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (str(self), self.diagnostics, self.exit_code))

    @property
    def codes(self) -> list[str]:
        """The codes of the messages, such as `E301`."""
        return [d["code"] for d in self.diagnostics if d.get("code")]
