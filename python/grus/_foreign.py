# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models and weights that are objects of other frameworks, as files that the compiler reads."""

from __future__ import annotations

import json
import os
from typing import Any, Mapping

from ._arrays import as_array, numpy

_SAFETENSORS = {"float32": "F32", "float64": "F64", "float16": "F16", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64",
                "uint8": "U8", "bool": "BOOL"}


def _comes_from(value: Any, package: str, name: str) -> bool:
    return any(c.__module__.split(".")[0] == package and c.__name__ == name for c in type(value).__mro__)


def is_keras(value: Any) -> bool:
    return any(c.__module__.split(".")[0] in ("keras", "tf_keras", "tensorflow") and c.__name__ == "Model" for c in type(value).__mro__)


def is_torch(value: Any) -> bool:
    return _comes_from(value, "torch", "Module")


def _save_torch(module: Any, example: Any, folder: str) -> str:
    import torch

    if example is None:
        raise TypeError(
            f"{type(module).__name__} is a torch module, whose shapes are those of an input: give one, grus.compile(module, example=x)")
    inputs = example if isinstance(example, tuple) else (example,)
    inputs = tuple(x if isinstance(x, torch.Tensor) else torch.as_tensor(x) for x in inputs)
    path = os.path.join(folder, "model.pt2")
    was_training = module.training
    try:
        program = torch.export.export(module.eval(), inputs)
    finally:
        module.train(was_training)
    torch.export.save(program, path)
    return path


def save_model(model: Any, example: Any, folder: str) -> str:
    """The path of a file for it."""
    if is_keras(model):  # asked first: with the backend of torch it is a module too
        path = os.path.join(folder, "model.keras")
        model.save(path)
        return path
    if is_torch(model):
        return _save_torch(model, example, folder)
    raise TypeError(
        f"a {type(model).__name__} given; a path, source text, a Keras model or a torch module is needed")


def save_weights(weights: Mapping[str, Any], folder: str) -> str:
    """A dictionary of arrays, such as a state dict, as safetensors."""
    np = numpy()
    head: dict[str, Any] = {}
    parts = []
    at = 0
    for name, value in weights.items():
        array = np.ascontiguousarray(as_array(value, f"weights `{name}`"))
        if array.dtype.name not in _SAFETENSORS:
            raise TypeError(f"weights `{name}`: {array.dtype} given, one of {', '.join(_SAFETENSORS)} needed")
        data = array.astype(array.dtype.newbyteorder("<")).tobytes()
        head[str(name)] = {"dtype": _SAFETENSORS[array.dtype.name], "shape": list(array.shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
        parts.append(data)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    path = os.path.join(folder, "weights.safetensors")
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + b"".join(parts))
    return path
