# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""in_folder(measure, ...): the result of measure(...), which runs in an empty folder that is then removed."""
import os
import tempfile


def in_folder(measure, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return measure(*arguments)
        finally:
            os.chdir("/")
