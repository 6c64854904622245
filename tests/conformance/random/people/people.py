# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Nets as people write them, through every exporter of PyTorch that takes them, and through grus.

    python people.py KIND... [--only NAME] [--grus build/release/bin/grus] [--keep FOLDER]

KIND is script (torch.onnx by tracing: the batch is open, or the time too with script_time, or neither with script_one),
dynamo and dynamo_open, export, export_open (.pt2), export_core (after run_decompositions), scripted and traced
(TorchScript archives, with the sizes of their inputs; scripted_bare and traced_bare: without). The nets are in speech.py,
sound.py, series.py, cells.py and words.py. Results as in ../run.py."""
import importlib, inspect, logging, os, sys, warnings
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
warnings.filterwarnings("ignore")
import numpy as np
from case import Case, Port
from survey import survey
import nets

KINDS = ("script", "script_time", "script_one", "dynamo", "dynamo_open", "export", "export_open", "export_core",
         "scripted", "traced", "scripted_bare", "traced_bare")
ARCHIVES = KINDS[-4:]


def warm(module, rng):
    """Statistics and weights as after training: norms that do nothing would hide mistakes."""
    import torch
    for m in module.modules():
        if isinstance(m, torch.nn.modules.batchnorm._BatchNorm):
            m.running_mean.uniform_(-0.5, 0.5)
            m.running_var.uniform_(0.5, 2)
        if isinstance(m, (torch.nn.modules.batchnorm._BatchNorm, torch.nn.LayerNorm, torch.nn.GroupNorm)) and m.weight is not None:
            torch.nn.init.uniform_(m.weight, 0.5, 1.5)
            torch.nn.init.uniform_(m.bias, -0.5, 0.5)


def make(name, kind, folder):
    import torch
    torch.set_num_threads(1)
    maker, texts = nets.TORCH[name]
    torch.manual_seed(7)
    rng = np.random.default_rng(7)
    module = maker().eval()
    with torch.no_grad(): warm(module, rng)
    samples = 2 if kind.endswith(("open", "time")) or kind == "script" else 1
    data = [nets.data_of(t, rng, samples) for t in texts]
    specs = [nets.spec(t) for t in texts]
    args = tuple(torch.from_numpy(d) for d in data)
    with torch.no_grad(): y = module(*args)
    y = y if isinstance(y, (tuple, list)) else (y,)
    own = list(inspect.signature(module.forward).parameters)  # torch.export keeps them
    names = own if (kind.startswith("export") or kind in ARCHIVES) and len(own) == len(args) else [f"in{i}" for i in range(len(args))] if len(args) > 1 else ["x"]
    out_names = [f"out{i}" for i in range(len(y))] if len(y) > 1 else ["y"]
    dims = {n: {a: f"batch" for a, d in enumerate(s[0]) if d is None} for n, s in zip(names, specs)}
    options = []
    if kind == "script_time":
        timed = [(n, s) for n, s in zip(names, specs) if s[1] is not None]
        if not timed: return None
        for n, s in timed: dims[n][s[1]] = "time"
        options = ["--time", str(timed[0][1][0][timed[0][1][1]])]
    elif kind.endswith("bare"):
        options = ["--time", str(next((s[0][s[1]] for s in specs if s[1] is not None), 1))]
    elif kind in ARCHIVES:
        options = [o for n, d in zip(names, data) for k, size in enumerate(d.shape) for o in ("--set", f"{n}.{k}={size}")]
    path = os.path.join(folder, "model.pt2" if kind.startswith("export") else "model.pt" if kind in ARCHIVES else "model.onnx")
    opened = tuple({a: torch.export.Dim.AUTO for a in dims[n]} or None for n in names) if kind.endswith("open") else None
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind in ARCHIVES:
            module = torch.jit.script(module) if kind.startswith("scripted") else torch.jit.trace(module, args)
            torch.jit.save(module, path)
        elif kind.startswith("script"):
            torch.onnx.export(module, args, path, dynamo=False, input_names=names, output_names=out_names,
                              dynamic_axes=None if kind == "script_one" else dims)
        elif kind.startswith("dynamo"):
            torch.onnx.export(module, args, path, dynamo=True, input_names=names, output_names=out_names, dynamic_shapes=opened, verbose=False)
        else:
            program = torch.export.export(module, args, dynamic_shapes=opened)
            if kind == "export_core": program = program.run_decompositions()
            if len(program.graph_signature.user_outputs) == len(y): out_names = list(map(str, program.graph_signature.user_outputs))
            torch.export.save(program, path)
    ports = [nets.port(n, t, d) for n, t, d in zip(names, texts, data)]
    # An output has the batch where a second sample changes its shape.
    twice = [torch.from_numpy(nets.data_of(t, rng, samples + 1)) for t in texts]
    with torch.no_grad(): z = module(*twice)
    z = z if isinstance(z, (tuple, list)) else (z,)
    outs = [Port(n, a.numpy(), next((i for i, (p, q) in enumerate(zip(a.shape, b.shape)) if p != q), None)) for n, a, b in zip(out_names, y, z)]
    return Case(path, ports, outs, options, name, kind in ARCHIVES)


def prepare(kind):
    for file in ("speech", "sound", "series", "cells", "words"): importlib.import_module(file)
    for name in ("torch.onnx", "torch.export", "torch._export", "onnxscript"): logging.getLogger(name).setLevel(logging.ERROR)


if __name__ == "__main__": survey(__doc__, KINDS, prepare, lambda: nets.TORCH, make)
