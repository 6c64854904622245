# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python -m grus: the command."""

from ._cli import main

main()
