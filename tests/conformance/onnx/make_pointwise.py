# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/pointwise: ONNX operators on single numbers that exporters seldom write, and what onnxruntime makes of them.

    python make_pointwise.py       (onnx, onnxruntime, numpy from PyPI)"""
import os
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper as nh

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "pointwise")
rng = np.random.default_rng(5)
bias = rng.uniform(-0.7, 0.7, 3).astype("f4")


def record(name, op, operands=(), domain="", opset=18, **attributes):
    names = ["x"] + [f"c{i}" for i in range(len(operands))]
    node = h.make_node(op, names, ["y"], domain=domain, **attributes)
    graph = h.make_graph([node], "net", [h.make_tensor_value_info("x", T.FLOAT, [4, 3])], [h.make_tensor_value_info("y", T.FLOAT, [4, 3])],
                         [nh.from_array(a, n) for n, a in zip(names[1:], operands)])
    opsets = [h.make_opsetid("", opset)] + ([h.make_opsetid(domain, 1)] if domain else [])
    path = os.path.join(HERE, name + ".onnx")
    onnx.save(h.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="make_pointwise"), path)
    x = (1.5 * rng.standard_normal((4, 3))).astype("f4")
    got = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})
    np.savez(path[:-5] + ".npz", in_x=x, out_y=got[0])


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    record("celu", "Celu", alpha=0.7)
    record("shrink", "Shrink", lambd=0.4, bias=0.1)
    record("sinh", "Sinh")
    record("cosh", "Cosh")
    record("cast_like", "CastLike", [bias])
    record("fast_gelu", "FastGelu", [bias], domain="com.microsoft")
    record("bias_gelu", "BiasGelu", [bias], domain="com.microsoft")
    record("quick_gelu", "QuickGelu", domain="com.microsoft", alpha=1.5)
