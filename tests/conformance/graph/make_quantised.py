#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The quantised operators of ONNX and of ONNX Runtime's own domain with every operand and attribute, and what ONNX
Runtime 1.32 computes of them. Needs onnx and onnxruntime.

    make_quantised.py FOLDER
"""
import sys, zipfile
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

MS = "com.microsoft"


class Graph:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.inputs, self.outputs, self.data = [], [], [], [], {}

    def array(self, kind, *shape):
        """Integers of all their range, or numbers around zero."""
        if kind == "f4": return self.random.uniform(-1, 1, shape).astype("f4")
        if kind == "i4": return self.random.integers(-300, 300, shape).astype("i4")
        low, high = {"u1": (0, 256), "i1": (-128, 128)}[kind]
        return self.random.integers(low, high, shape).astype(kind)

    def constant(self, value, kind=None):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def input(self, name, kind, *shape):
        self.data[name] = self.array(kind, *shape)
        self.inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(self.data[name].dtype), shape))
        return name

    def call(self, op, *inputs, out=None, n=1, domain="", **attributes):
        names = [out or f"v{len(self.nodes)}_{k}" for k in range(n)]
        self.nodes.append(helper.make_node(op, inputs, names, domain=domain, **attributes))
        return names[0] if n == 1 else names

    def output(self, name, kind="f4"):
        self.outputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), None))

    def finish(self, folder, name, opset):
        graph = helper.make_graph(self.nodes, "g", self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid(MS, 1)], ir_version=9)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        outputs = session.run(None, self.data)
        onnx.save(model, f"{folder}/{name}.onnx")
        arrays = {f"in_{k}": v for k, v in self.data.items()} | {f"out_{o.name}": v for o, v in zip(self.outputs, outputs)}
        with zipfile.ZipFile(f"{folder}/{name}.npz", "w") as z:
            for key, value in arrays.items():
                with z.open(zipfile.ZipInfo(key + ".npy", (1980, 1, 1, 0, 0, 0)), "w") as f: np.lib.format.write_array(f, np.ascontiguousarray(value))


def products(folder):
    g = Graph(1)
    f, u, i = (lambda v: g.constant(v, "f4")), (lambda v: g.constant(v, "u1")), (lambda v: g.constant(v, "i1"))
    x = g.input("x", "u1", 4, 6)
    turned = g.input("turned", "u1", 6, 4)
    real = g.input("real", "f4", 4, 6)
    w = g.constant(g.array("i1", 6, 3))
    wt = g.constant(g.array("i1", 3, 6))
    bias = g.constant(g.array("i4", 3))
    columns = g.constant(np.array([0.01, 0.02, 0.005]), "f4")
    zeros = g.constant(np.zeros(3), "i1")
    g.call("QGemm", x, f(0.02), u(120), w, f(0.01), i(3), bias, f(0.05), u(100), out="gemm", domain=MS)
    g.call("QGemm", turned, f(0.02), u(120), wt, columns, zeros, bias, out="gemm_real", domain=MS, transA=1, transB=1, alpha=0.5)
    g.call("QGemm", x, f(0.02), u(120), w, f(0.01), i(3), "", f(0.05), u(100), out="gemm_plain", domain=MS)
    g.call("QLinearMatMul", x, f(0.02), u(120), w, f(0.01), i(3), f(0.05), u(100), out="matmul")
    g.call("QLinearMatMul", x, f(0.02), u(120), w, columns, zeros, f(0.05), u(100), out="matmul_columns")
    g.call("MatMulInteger", x, w, u(7), i(-5), out="sums")
    g.call("MatMulInteger", x, w, out="sums_plain")
    g.call("DynamicQuantizeMatMul", real, w, f(0.01), i(3), g.constant(g.array("f4", 3)), out="dynamic", domain=MS)
    g.call("DynamicQuantizeMatMul", real, w, columns, out="dynamic_columns", domain=MS)
    g.call("MatMulIntegerToFloat", x, w, f(0.02), f(0.01), u(120), i(3), g.constant(g.array("f4", 3)), out="to_float", domain=MS)
    g.call("MatMulIntegerToFloat", x, w, f(0.02), columns, out="to_float_plain", domain=MS)
    for name in "gemm", "gemm_plain", "matmul", "matmul_columns": g.output(name, "u1")
    for name in "gemm_real", "dynamic", "dynamic_columns", "to_float", "to_float_plain": g.output(name)
    for name in "sums", "sums_plain": g.output(name, "i4")
    g.finish(folder, "quantised_products", 17)


def stages(folder):
    g = Graph(2)
    f, u, i = (lambda v: g.constant(v, "f4")), (lambda v: g.constant(v, "u1")), (lambda v: g.constant(v, "i1"))
    a, b = g.input("a", "u1", 2, 3, 8), g.input("b", "i1", 2, 3, 8)
    c = g.input("c", "u1", 2, 1, 8)
    qa, qb = (a, f(0.02), u(120)), (b, f(0.03), i(-4))
    g.call("QLinearAdd", *qa, c, f(0.05), u(30), f(0.06), u(90), out="add", domain=MS)
    g.call("QLinearMul", *qb, b, f(0.02), i(5), f(0.04), i(-9), out="mul", domain=MS)
    g.call("QLinearSigmoid", *qa, f(1 / 256), u(0), out="sigmoid", domain=MS)
    g.call("QLinearLeakyRelu", *qb, f(0.03), i(-100), out="leaky", domain=MS, alpha=0.2)
    g.call("QLinearSoftmax", *qa, f(1 / 256), u(0), out="softmax", domain=MS, axis=1, opset=13)
    g.call("QLinearGlobalAveragePool", *qa, f(0.01), u(110), out="global", domain=MS)
    g.call("QLinearAveragePool", *qa, f(0.015), u(100), out="pool", domain=MS, kernel_shape=[3], strides=[2], pads=[1, 1], count_include_pad=1)
    g.call("QLinearAveragePool", *qb, f(0.03), i(-4), out="pool_inside", domain=MS, kernel_shape=[3], pads=[1, 1])
    g.call("QLinearConcat", f(0.04), u(99), *qa, c, f(0.05), u(30), out="concat", domain=MS, axis=1)
    w = g.constant(g.array("i1", 4, 3, 3))
    g.call("ConvInteger", a, w, u(120), out="conv", pads=[1, 0])
    g.call("ConvInteger", a, w, u(120), out="conv_same", auto_pad="SAME_UPPER")
    g.call("QLinearConv", *qa, w, g.constant(np.array([0.01, 0.02, 0.005, 0.03]), "f4"), g.constant(np.zeros(4), "i1"), f(0.09), u(100), g.constant(g.array("i4", 4)), out="linear", dilations=[2], strides=[2])
    for name in "add", "sigmoid", "softmax", "global", "pool", "concat", "linear": g.output(name, "u1")
    for name in "mul", "leaky", "pool_inside": g.output(name, "i1")
    for name in "conv", "conv_same": g.output(name, "i4")
    g.finish(folder, "quantised_stages", 17)


def edges(folder):
    g = Graph(3)
    x = g.input("x", "f4", 4, 6)
    columns = g.constant(g.random.uniform(0.005, 0.02, 6), "f4")
    blocks = g.constant(g.random.uniform(0.005, 0.02, (4, 2)), "f4")
    zeros = g.constant(g.array("i1", 4, 2) // 8)
    q = g.call("QuantizeLinear", x, columns, g.constant(g.array("i1", 6) // 8), out="by_column", axis=1)
    g.call("DequantizeLinear", q, columns, out="by_column_back", axis=-1)
    q = g.call("QuantizeLinear", x, blocks, zeros, out="by_block", axis=1, block_size=3)
    g.call("DequantizeLinear", q, blocks, zeros, out="by_block_back", axis=1, block_size=3)
    g.call("QuantizeLinear", x, g.constant(0.001, "f4"), out="wide", output_dtype=TensorProto.INT16)
    g.call("QuantizeLinear", x, g.constant(0.01, "f4"), out="plain")
    for k, name in enumerate(g.call("DynamicQuantizeLinear", x, n=3)): g.output(name, ["u1", "f4", "u1"][k])
    for name, kind in {"by_column": "i1", "by_column_back": "f4", "by_block": "i1", "by_block_back": "f4", "wide": "i2", "plain": "u1"}.items(): g.output(name, kind)
    g.finish(folder, "quantised_edges", 21)


if __name__ == "__main__":
    for make in products, stages, edges: make(sys.argv[1])
