# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/opsets/: LSTM, GRU and RNN with operators around them whose form changed, in each opset that changed
one; weights in other types and in other files; and what onnxruntime makes of random inputs.

    python make_opsets.py            (as make_onnx.py)
"""
import os

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper as h, numpy_helper as nh

from make_onnx import HERE, init, port, weights

FOLDER = os.path.join(HERE, "opsets")
NEWEST = onnx.defs.onnx_opset_version()
OPSETS = [7, 9, 11, 13, 14, 17, 18, 21, 22, NEWEST]
T, D, U = 5, 3, 4


def save(name, nodes, ins, outs, inits, opset, feeds, folder=FOLDER):
    """Recorded by the newest opset that onnxruntime has, where it does not have this one."""
    for version in [opset, 22]:
        graph = h.make_graph(nodes, name, ins, outs, inits)
        imports = [h.make_opsetid("", version)]
        model = h.make_model(graph, opset_imports=imports, ir_version=max(4, h.find_min_ir_version_for(imports)), producer_name="make_opsets")
        path = os.path.join(folder, name + ".onnx")
        if version == opset:
            onnx.save(model, path)
        if feeds is None:
            return
        try:
            session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        except Exception:
            continue
        arrays = {"in_" + k: v for k, v in feeds.items()}
        arrays |= {"out_" + o.name: v for o, v in zip(session.get_outputs(), session.run(None, feeds))}
        np.savez(path[:-5] + ".npz", **arrays)
        return


def recurrent(kind):
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    return [init("W", weights(1, gates * U, D)), init("R", weights(1, gates * U, U)), init("B", weights(1, 2 * gates * U))]


def axes_of(op, ins, out, axes, opset, since, **more):
    """Axes as an attribute, or, since some opset, as an input."""
    if opset < since:
        return [h.make_node(op, ins, out, axes=axes, **more)], []
    return [h.make_node(op, ins + [out[0] + "_axes"], out, **more)], [init(out[0] + "_axes", np.array(axes))]


def around(kind, opset):
    """X -> Unsqueeze -> Split -> cell -> Squeeze -> Slice -> Clip -> ReduceMean -> Dropout -> Softmax."""
    inits, nodes = recurrent(kind), []

    def add(pair):
        nodes.extend(pair[0])
        inits.extend(pair[1])

    add(axes_of("Unsqueeze", ["x"], ["x3"], [1], opset, 13))
    if opset < 13:
        nodes.append(h.make_node("Split", ["x3"], ["left", "right"], axis=2, split=[D, 2]))
    else:
        nodes.append(h.make_node("Split", ["x3", "sizes"], ["left", "right"], axis=2))
        inits.append(init("sizes", np.array([D, 2])))
    nodes.append(h.make_node(kind, ["left", "W", "R", "B"], ["Y", "Yh"], hidden_size=U))
    add(axes_of("Squeeze", ["Y"], ["s"], [1], opset, 13))
    if opset < 10:
        nodes.append(h.make_node("Slice", ["s"], ["cut"], axes=[2], starts=[1], ends=[4]))
    else:
        nodes.append(h.make_node("Slice", ["s", "from", "to", "axis"], ["cut"]))
        inits += [init("from", np.array([1])), init("to", np.array([9])), init("axis", np.array([-1]))]
    if opset < 11:
        nodes.append(h.make_node("Clip", ["cut"], ["clip"], min=-0.2, max=0.3))
    else:
        nodes.append(h.make_node("Clip", ["cut", "low", "high"], ["clip"]))
        inits += [init("low", np.float32(-0.2)), init("high", np.float32(0.3))]
    add(axes_of("ReduceMean", ["clip"], ["mean"], [0], opset, 18, keepdims=0))
    nodes.append(h.make_node("Dropout", ["mean"], ["drop"], **({"ratio": 0.3} if opset < 12 else {})))
    nodes.append(h.make_node("Softmax", ["drop"], ["y"]))
    save(f"{kind.lower()}_around_{opset:02}", nodes, [port("x", [T, D + 2])], [port("y", [1, 3]), port("Yh", [1, 1, U])], inits, opset, {"x": weights(T, D + 2, scale=1)})


def softmax(opset):
    """Over the last axis; before opset 13 over all axes from this one on, of which the others are 1."""
    nodes = [h.make_node("Softmax", ["x"], ["y"], axis=2)]
    save(f"softmax_last_{opset:02}", nodes, [port("x", [1, T, D])], [port("y", [1, T, D])], [], opset, {"x": weights(1, T, D, scale=2)})
    nodes = [h.make_node("RNN", ["x", "W", "R", "B"], ["Y", "Yh"], hidden_size=U), h.make_node("Softmax", ["Y"], ["y"])]
    save(f"softmax_default_{opset:02}", nodes, [port("x", [T, 1, D])], [port("y", [T, 1, 1, U])], recurrent("RNN"), opset, {"x": weights(T, 1, D, scale=2)})



def element_types():
    """Weights kept in other types, and cast."""
    for name, elem, dtype in [("f16", TensorProto.FLOAT16, np.float16), ("f64", TensorProto.DOUBLE, np.float64), ("bf16", TensorProto.BFLOAT16, None)]:
        inits, nodes = [], []
        for t in recurrent("LSTM"):
            array = nh.to_array(t)
            if dtype is None:
                inits.append(h.make_tensor(t.name + "_kept", elem, array.shape, array.flatten()))
            else:
                inits.append(init(t.name + "_kept", array.astype(dtype)))
            nodes.append(h.make_node("Cast", [t.name + "_kept"], [t.name], to=TensorProto.FLOAT))
        nodes.append(h.make_node("LSTM", ["x", "W", "R", "B"], ["Y", "Yh", "Yc"], hidden_size=U))
        save("weights_" + name, nodes, [port("x", [T, 1, D])], [port("Y", [T, 1, 1, U]), port("Yc", [1, 1, U])], inits, 17, {"x": weights(T, 1, D, scale=1)})


def outside(tensor, location, **place):
    """The tensor with its bytes in another file."""
    kept = onnx.TensorProto()
    kept.CopyFrom(tensor)
    kept.ClearField("raw_data")
    kept.data_location = TensorProto.EXTERNAL
    kept.external_data.add(key="location", value=location)
    for key, value in place.items():
        kept.external_data.add(key=key, value=str(value))
    return kept


def external_data():
    """In the folder, below it, with and without offset and length; and where they may not be."""
    inits = recurrent("GRU")
    x = {"x": weights(T, 1, D, scale=1)}
    nodes = [h.make_node("GRU", ["x", "W", "R", "B"], ["Y", "Yh"], hidden_size=U)]
    ports = [port("x", [T, 1, D])], [port("Y", [T, 1, 1, U]), port("Yh", [1, 1, U])]
    save("weights_external", nodes, *ports, inits, 17, x)
    os.makedirs(os.path.join(FOLDER, "data"), exist_ok=True)
    with open(os.path.join(FOLDER, "weights_external.bin"), "wb") as f:
        f.write(b"\1\2\3\4" + inits[0].raw_data + inits[1].raw_data)
    with open(os.path.join(FOLDER, "data", "bias.bin"), "wb") as f:
        f.write(inits[2].raw_data)
    n = len(inits[0].raw_data)
    kept = [outside(inits[0], "weights_external.bin", offset=4, length=n), outside(inits[1], "weights_external.bin", offset=4 + n), outside(inits[2], "data/bias.bin")]
    save("weights_external", nodes, *ports, kept, 17, None)
    escapes = {"absolute": "/etc/hostname", "up": "../opsets/weights_external.bin", "up_inside": "data/../../opsets/weights_external.bin",
               "backslash": "..\\opsets\\weights_external.bin", "none": "nothing.bin", "folder": "../refused", "empty": ""}
    for name, location in escapes.items():
        save(f"external_{name}_E901", nodes, *ports, [outside(inits[0], location), *inits[1:]], 17, None, os.path.join(HERE, "refused"))
    for name, place in {"beyond": {"offset": 1 << 40}, "short": {"offset": 0, "length": n - 4}, "negative": {"offset": -4, "length": n}, "wrap": {"offset": 8, "length": (1 << 64) - 4}}.items():
        save(f"external_{name}_E901", nodes, *ports, [outside(inits[0], "width_E902.onnx", **place), *inits[1:]], 17, None, os.path.join(HERE, "refused"))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for opset in OPSETS:
        for kind in ["LSTM", "GRU", "RNN"]:
            around(kind, opset)
        softmax(opset)
    element_types()
    external_data()
