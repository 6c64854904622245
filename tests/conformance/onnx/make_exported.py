# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/exported/: LSTM, GRU and RNN as both exporters of PyTorch write them, whole or with a length and a
batch left open (_open), and what onnxruntime makes of random inputs. refused/: what must be refused.

    python make_exported.py            (as make_onnx.py)

KIND_LAYERS[_both][_time_first][_states][_open]_EXPORTER: old is dynamo=False, new dynamo=True.
"""
import itertools
import logging
import os
import warnings

import onnx
import torch

from make_onnx import HERE, record

FOLDER = os.path.join(HERE, "exported")


class Net(torch.nn.Module):
    """Outputs, and the last states where start states are given."""

    def __init__(self, kind, states, **options):
        super().__init__()
        self.kind, self.states = kind, states
        self.rnn = getattr(torch.nn, kind)(3, 4, **options)

    def forward(self, x, h=None, c=None):
        start = None if h is None else (h, c) if self.kind == "LSTM" else h
        y, last = self.rnn(x, start)
        if not self.states:
            return y
        return (y, *last) if self.kind == "LSTM" else (y, last)


class Decoder(torch.nn.Module):
    """Starts from what another layer found out; takes the last step only."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.encoder = torch.nn.GRU(3, 4, batch_first=True)
        self.start = torch.nn.Linear(2, 4)
        self.decoder = getattr(torch.nn, kind)(4, 4, batch_first=True)

    def forward(self, x, z):
        y, h = self.encoder(x)
        c = torch.tanh(self.start(z)).unsqueeze(0)
        y, _ = self.decoder(y, (h, c) if self.kind == "LSTM" else c)
        return y[:, -1]


def without_traces(path):
    """Where in which program a node came from says where that program was: not for others to read."""
    model = onnx.load(path)
    for node in model.graph.node:
        kept = [p for p in node.metadata_props if p.key != "pkg.torch.onnx.stack_trace"]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    onnx.save(model, path)


def export(net, args, name, new, names, results, open_axes=None):
    path = os.path.join(FOLDER, name + ("_new" if new else "_old") + ".onnx")
    options = {"external_data": False, "verbose": False} if new else {"opset_version": 17}
    if open_axes and new:
        options["dynamic_shapes"] = open_axes
    elif open_axes:
        options["dynamic_axes"] = {k: {a: f"axis_{a}" for a in v} for k, v in zip(names, open_axes)}
    torch.onnx.export(net.eval(), args, path, dynamo=new, input_names=names, output_names=results, **options)
    without_traces(path)
    record(path, {k: v.numpy() for k, v in zip(names, args)})


def layers(new):
    for kind, count, both, first, states in itertools.product(("LSTM", "GRU", "RNN"), (1, 2), (False, True), (True, False), (False, True)):
        if new and kind == "RNN" and count * (1 + both) > 2:
            continue  # step after step written out: large, and nothing new
        net = Net(kind, states, num_layers=count, bidirectional=both, batch_first=first)
        args, names, results = [torch.randn(1, 5, 3) if first else torch.randn(5, 1, 3)], ["x"], ["y"]
        for s in "hc"[: 2 if kind == "LSTM" else 1] if states else "":
            args.append(torch.randn(count * (1 + both), 1, 4) * 0.5)
            names.append(s + "0")
            results.append(s + "n")
        name = f"{kind.lower()}_{count}" + "_both" * both + "_time_first" * (not first) + "_states" * states
        export(net, tuple(args), name, new, names, results)


def decoders(new):
    for kind in ("LSTM", "GRU"):
        export(Decoder(kind), (torch.randn(1, 5, 3), torch.randn(1, 2)), f"{kind.lower()}_decoder", new, ["x", "z"], ["y"])


def open_lengths(new):
    for kind in ("LSTM", "GRU"):
        time = torch.export.Dim("time", min=2, max=99)
        axes = ({1: time},) if new else ({1: "time"},)
        export(Net(kind, False, batch_first=True), (torch.randn(1, 5, 3),), f"{kind.lower()}_open", new, ["x"], ["y"], axes)


def refused():
    """With proj_size the old exporter fails; the new one writes an LSTM without projection, cut to its size."""
    path = os.path.join(HERE, "refused")
    net = torch.nn.LSTM(3, 4, proj_size=2).eval()
    torch.onnx.export(net, (torch.randn(5, 1, 3),), os.path.join(path, "projection_E902.onnx"), dynamo=True, external_data=False, verbose=False)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    logging.disable(logging.ERROR)
    os.makedirs(FOLDER, exist_ok=True)
    torch.manual_seed(5)
    for new in (False, True):
        layers(new)
        decoders(new)
        open_lengths(new)
    refused()
