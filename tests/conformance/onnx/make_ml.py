# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/ml: operators that converters of scikit-learn write, and what onnxruntime makes of them.

    python make_ml.py       (onnx, onnxruntime, numpy from PyPI)"""
import os
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper as nh

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "ml")
rng = np.random.default_rng(12)
ML = "ai.onnx.ml"


def numbers(*shape):
    return rng.uniform(-1, 1, shape).astype("f4").ravel().tolist()


def record(name, nodes, outputs, constants=(), elem=T.FLOAT):
    """outputs: name -> (type, shape); the input `x` has batches of 4 features. A name that ends with the code of an
    error is a file that grus refuses."""
    given = h.make_tensor_value_info("x", elem, ["N", 4])
    made = [h.make_tensor_value_info(n, kind, shape) for n, (kind, shape) in outputs.items()]
    graph = h.make_graph(nodes, "net", [given], made, [nh.from_array(a, n) for n, a in constants])
    opsets = [h.make_opsetid("", 18), h.make_opsetid(ML, 3)]
    refused = "_E90" in name
    path = os.path.join(os.path.dirname(HERE), "refused", f"ml_{name}.onnx") if refused else os.path.join(HERE, name + ".onnx")
    onnx.save(h.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="make_ml"), path)
    if refused:
        return
    x = rng.uniform(-4, 4, (1, 4)).astype("f4" if elem == T.FLOAT else "i8")
    got = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(list(outputs), {"x": x})
    np.savez(path[:-5] + ".npz", in_x=x, **{f"out_{n}": a for n, a in zip(outputs, got)})


def scaler(x, y, n=4):
    return h.make_node("Scaler", [x], [y], domain=ML, offset=numbers(n), scale=numbers(n))


def classifier(classes, **attributes):
    return h.make_node("LinearClassifier", ["x"], ["output_label", "probabilities"], domain=ML, coefficients=numbers(classes, 4),
                       intercepts=numbers(classes), multi_class=1, **attributes)


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    scores = {"probabilities": (T.FLOAT, ["N", 3])}
    both = {"output_label": (T.INT64, ["N"]), **scores}
    record("scaler", [scaler("x", "y")], {"y": (T.FLOAT, ["N", 4])})
    record("scaler_one", [scaler("x", "y", 1)], {"y": (T.FLOAT, ["N", 4])})
    record("scaler_integers", [scaler("x", "y")], {"y": (T.FLOAT, ["N", 4])}, elem=T.INT64)
    for targets in (1, 3):
        regressor = h.make_node("LinearRegressor", ["s"], ["y"], domain=ML, coefficients=numbers(targets, 4),
                                intercepts=numbers(targets), targets=targets)
        record(f"regressor_{targets}", [scaler("x", "s"), regressor], {"y": (T.FLOAT, ["N", targets])})
    bare = h.make_node("LinearRegressor", ["x"], ["y"], domain=ML, coefficients=numbers(2, 4), targets=2,
                       post_transform="LOGISTIC")
    record("regressor_bare", [bare], {"y": (T.FLOAT, ["N", 2])})
    for end in ("NONE", "LOGISTIC", "SOFTMAX"):
        record(f"classifier_{end.lower()}", [classifier(3, classlabels_ints=[0, 1, 2], post_transform=end)], both)
    record("classifier_two", [classifier(2, classlabels_ints=[0, 1], post_transform="SOFTMAX")],
           {"output_label": (T.INT64, ["N"]), "probabilities": (T.FLOAT, ["N", 2])})
    record("classifier_scores", [classifier(3, classlabels_strings=["a", "b", "c"], post_transform="SOFTMAX")], scores)
    record("classifier_text_E902", [classifier(3, classlabels_strings=["a", "b", "c"])],
           {"output_label": (T.STRING, ["N"]), **scores})
    record("classifier_others_E902", [classifier(3, classlabels_ints=[7, 1, 2])], both)
    record("classifier_one_row_E902", [classifier(1, classlabels_ints=[0, 1])], {"probabilities": (T.FLOAT, ["N", 2])})
    record("regressor_probit_E902", [h.make_node("LinearRegressor", ["x"], ["y"], domain=ML, coefficients=numbers(2, 4),
                                            intercepts=numbers(2), targets=2, post_transform="PROBIT")],
           {"y": (T.FLOAT, ["N", 2])})
    extractor = h.make_node("ArrayFeatureExtractor", ["x", "places"], ["y"], domain=ML)
    record("extractor", [extractor], {"y": (T.FLOAT, ["N", 3])}, [("places", np.array([2, 3, 0]))])
    record("argmax", [h.make_node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)], {"y": (T.INT64, ["N"])})
    record("scales_E901", [h.make_node("Scaler", ["x"], ["y"], domain=ML, offset=numbers(4), scale=numbers(3))],
           {"y": (T.FLOAT, ["N", 4])})
    record("coefficients_E901", [h.make_node("LinearRegressor", ["x"], ["y"], domain=ML, coefficients=numbers(5), targets=2)],
           {"y": (T.FLOAT, ["N", 2])})
    record("intercepts_E901", [h.make_node("LinearRegressor", ["x"], ["y"], domain=ML, coefficients=numbers(4),
                                           intercepts=numbers(2))], {"y": (T.FLOAT, ["N", 1])})
    record("places_E901", [extractor], {"y": (T.FLOAT, ["N", 3])}, [("places", np.array([-1, 0, 2]))])
    record("computed_places_E902", [h.make_node("ArgMax", ["x"], ["places"], axis=1, keepdims=0), extractor],
           {"y": (T.FLOAT, ["N", 3])})
    record("argmax_read_E902", [h.make_node("ArgMax", ["x"], ["a"], axis=1, keepdims=1),
                                h.make_node("Cast", ["a"], ["b"], to=T.FLOAT), h.make_node("Mul", ["b", "x"], ["y"])],
           {"y": (T.FLOAT, ["N", 4])})
