# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a notebook shows: the drawing, and the magic where IPython is installed; and the first example of docs/python.md."""

import pickle
import re
import subprocess
import sys

import grus
import pytest
from conftest import EXAMPLES, SEQUENCE


class Shell:
    """What the magic asks of IPython's shell."""

    def __init__(self):
        self.user_ns, self.magics = {}, {}

    def register_magic_function(self, function, kind, name):
        self.magics[kind, name] = function


def test_html_has_the_drawing_and_the_ports(sequence):
    html = sequence._repr_html_()
    assert html.count("<svg") == 1 and "LSTM(20)" in html and "f32[time 12, feature 5]" in html and "what was measured" in html
    assert "<svg" in pickle.loads(pickle.dumps(sequence))._repr_html_()
    odd = grus.compile("grus 1\n\n## a < b & c\nmodel a {\n  in x : f32[2]\n  out y : f32[2] = x |> tanh\n}\n")
    assert "a &lt; b &amp; c" in odd._repr_html_()


def test_the_magic(capsys):
    shell = Shell()
    grus.load_ipython_extension(shell)
    magic = shell.magics["cell", "grus"]
    model = magic("net weights=random:1 batch=4", SEQUENCE)
    assert shell.user_ns["net"] is model and model._lib.batch == 4
    assert magic("weights=random:1", SEQUENCE).name == "seq" and "seq" in shell.user_ns
    assert magic("", SEQUENCE.replace("LSTM(20) |> last", "last |> LSTM(20)")) is None
    assert "E301" in capsys.readouterr().err


def test_ipython():
    interactive = pytest.importorskip("IPython.core.interactiveshell")
    shell = interactive.InteractiveShell.instance()
    shell.run_line_magic("load_ext", "grus")
    shell.run_cell_magic("grus", "weights=random:2", SEQUENCE)
    formatted = shell.display_formatter.format(shell.user_ns["seq"])[0]
    assert "<svg" in formatted["text/html"]


def test_the_first_example_of_the_page():
    root = EXAMPLES.parent
    block = re.search(r"```python\n(.*?)```", (root / "docs" / "python.md").read_text(), re.S).group(1)
    code = block + "\nassert p.shape == (40, 4) and y.shape == (15840, 1)\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "gesture(imu: f32[time 100 @ 10Hz, axis 6])" in done.stdout
