# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""grus compiles recurrent neural networks; this package calls what it compiles.

    import grus
    m = grus.compile("hand.grus")        # or .onnx, .keras, .pt2, a Keras model, a torch module, source text
    p = m(imu)                           # NumPy, DLPack, Arrow; one row or many; threads=2
    s = grus.compile("denoise.grus").stream()
    y = s.block(x)                       # a state that can be copied and pickled

The command is `grus` in the shell, or `python -m grus`; it needs neither NumPy nor this module.
"""

from __future__ import annotations

from ._errors import GrusError
from ._library import Port
from ._model import Model, load
from ._recipe import compile
from ._stream import Stream
from ._verify import Comparison, Report, verify

__version__ = "0.2.0"
__all__ = ["Comparison", "GrusError", "Model", "Port", "Report", "Stream", "compile", "load", "verify"]


def load_ipython_extension(shell: object) -> None:
    """`%load_ext grus` in a notebook: the cell magic `%%grus`."""
    from ._notebook import register

    register(shell)
