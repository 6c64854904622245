# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/ways: ONNX recurrent operators that layers say in another way, and what onnxruntime makes of them.

    python make_ways.py            (onnx, onnxruntime, numpy from PyPI)"""
import os
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper as nh

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "ways")
rng = np.random.default_rng(3)
weights = lambda *shape: rng.uniform(-0.7, 0.7, shape).astype("f4")
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def record(name, kind, dirs, outputs, d=3, u=4, t=6, peephole=False, **attributes):
    g = GATES[kind]
    operands = {"W": weights(dirs, g * u, d), "R": weights(dirs, g * u, u), "B": weights(dirs, 2 * g * u)}
    names = ["x", "W", "R", "B"]
    if peephole:
        operands["P"] = weights(dirs, 3 * u)
        names += ["", "", "", "P"]
    node = h.make_node(kind, names, outputs, hidden_size=u, direction="bidirectional" if dirs == 2 else "forward", **attributes)
    graph = h.make_graph([node], "net", [h.make_tensor_value_info("x", T.FLOAT, [t, 1, d])], [h.make_tensor_value_info(o, T.FLOAT, None) for o in outputs if o],
                         [nh.from_array(a, k) for k, a in operands.items()])
    path = os.path.join(HERE, name + ".onnx")
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8, producer_name="make_ways"), path)
    x = rng.standard_normal((t, 1, d)).astype("f4")
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    got = session.run(None, {"x": x})
    np.savez(path[:-5] + ".npz", in_x=x, **{"out_" + o.name: y for o, y in zip(session.get_outputs(), got)})


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    record("coupled", "LSTM", 1, ["y"], input_forget=1)
    record("coupled_peephole", "LSTM", 1, ["", "final"], peephole=True, input_forget=1)
    record("coupled_both", "LSTM", 2, ["y"], input_forget=1, activations=["HardSigmoid", "Tanh", "Tanh"] * 2, activation_alpha=[0.2, 0.2], activation_beta=[0.5, 0.5])
    record("lstm_two_ways", "LSTM", 2, ["y"], activations=["Sigmoid", "Tanh", "Tanh", "HardSigmoid", "Relu", "Softsign"], activation_alpha=[0.2], activation_beta=[0.5])
    record("lstm_two_ways_last", "LSTM", 2, ["", "final"], activations=["Sigmoid", "Tanh", "Tanh", "Sigmoid", "Softsign", "Tanh"])
    record("gru_two_ways", "GRU", 2, ["y"], linear_before_reset=1, activations=["Sigmoid", "Tanh", "HardSigmoid", "Elu"], activation_alpha=[0.2, 1.0], activation_beta=[0.5])
    record("rnn_two_ways", "RNN", 2, ["y", "final"], activations=["Relu", "Tanh"])
