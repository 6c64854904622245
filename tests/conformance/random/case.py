# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One generated model: its file, the options that a person would give, inputs, and what its framework computes.

An array of a port has the axes that the file has. `batch` is the axis of the samples, None where the file has
none; grus has no such axis, and leaves axes of size 1 out, so that the order of the numbers is what is compared."""
from dataclasses import dataclass, field
import numpy as np


@dataclass
class Port:
    name: str
    data: np.ndarray
    batch: int | None = None


@dataclass
class Case:
    path: str
    inputs: list
    outputs: list
    options: list = field(default_factory=list)
    what: str = ""          # the layers, for the report
    states: bool = False    # whether the last outputs may be states that grus keeps itself; their names say nothing


def samples_of(port):
    """The numbers of each sample, in the order of the file's axes."""
    if port.batch is None: return [port.data.reshape(-1)]
    return [np.ascontiguousarray(part).reshape(-1) for part in np.moveaxis(port.data, port.batch, 0)]
