# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the fixtures beside it: state dicts of PyTorch as .safetensors or .npz, the layers that a person writes for
them in NAME.grus, and NAME.io.npz with inputs x0, x1 ... and outputs y0, y1 ... of PyTorch (three samples).

    python -m venv env && env/bin/pip install torch==2.13.0 safetensors numpy
    env/bin/python make_torch.py"""
import os

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
TIME, WIDTH, UNITS = 5, 3, 4
torch.manual_seed(20)


def randomise(module):
    with torch.no_grad():
        for name, p in list(module.named_parameters()) + list(module.named_buffers()):
            if p.dtype.is_floating_point:
                p.copy_(torch.rand(p.shape) + 0.3 if "running_var" in name else torch.randn(p.shape) * 0.5)
    module.eval()


def write(name, text, module, inputs, outputs, suffix, rename=lambda n: n):
    state = {rename(n): t.contiguous() for n, t in module.state_dict().items()}
    path = os.path.join(FOLDER, f"{name}.{suffix}")
    if suffix == "safetensors":
        save_file(state, path)
    else:
        np.savez(path, **{n: t.numpy() for n, t in state.items()})
    with open(os.path.join(FOLDER, f"{name}.grus"), "w") as file:
        file.write(text)
    arrays = {f"x{i}": x.numpy() for i, x in enumerate(inputs)}
    arrays.update({f"y{i}": y.detach().numpy() for i, y in enumerate(outputs)})
    np.savez(os.path.join(FOLDER, f"{name}.io.npz"), **arrays)


def model(name, suffix, about, ins, outs, allow=""):
    lines = [f"## {about}", f"model {name} {{", f'  weights torch "{name}.{suffix}"']
    lines += [f"  in  {n} : {t}" for n, t in ins] + [f"  out {n} : {t} = {e}" for n, t, e in outs]
    return "grus 1\n\n" + "\n".join(lines + ([f"  allow {allow}"] if allow else [])) + "\n}\n"


def stacks(name, make, stage, suffix):
    """1 to 3 layers, one direction and both, with biases and without: the sequence of each."""
    nets, outs, results = nn.ModuleDict(), [], []
    x = torch.randn(3, TIME, WIDTH)
    for layers in (1, 2, 3):
        for both in (False, True):
            for bias in (True, False):
                key = f"l{layers}{'_both' if both else ''}{'' if bias else '_free'}"
                net = make(WIDTH, UNITS, layers, bidirectional=both, bias=bias, batch_first=True)
                randomise(net)
                nets[key] = net
                options = f"{', direction=both' if both else ''}{'' if bias else ', bias=false'}"
                chain = " |> ".join(f'{stage}{options}, from="{key}{f"[{k}]" if k else ""}")' for k in range(layers))
                outs.append((key, f"f32[time {TIME}, {UNITS * (2 if both else 1)}]", f"x |> {chain}"))
                results.append(net(x)[0])
    text = model(name, suffix, f"{name}: stacks of PyTorch's layers.", [("x", f"f32[time {TIME}, {WIDTH}]")], outs,
                 "odd_weights")
    write(name, text, nets, [x], results, suffix)


def cells():
    """One step at a time, as a loop in Python runs them."""
    nets = nn.ModuleDict({"lstm": nn.LSTMCell(WIDTH, UNITS), "gru": nn.GRUCell(WIDTH, UNITS), "rnn": nn.RNNCell(WIDTH, UNITS),
                          "relu": nn.RNNCell(WIDTH, UNITS, nonlinearity="relu"), "free": nn.LSTMCell(WIDTH, UNITS, bias=False),
                          "free_gru": nn.GRUCell(WIDTH, UNITS, bias=False)})
    randomise(nets)
    x = torch.randn(3, TIME, WIDTH)
    stages = {"lstm": f"LSTM({UNITS}", "gru": f"GRU({UNITS}", "rnn": f"RNN({UNITS}", "relu": f"RNN({UNITS}, activation=relu", "free": f"LSTM({UNITS}, bias=false",
              "free_gru": f"GRU({UNITS}, bias=false"}
    outs, results = [], []
    for key, net in nets.items():
        state, steps = None, []
        for t in range(TIME):
            state = net(x[:, t], state)
            steps.append(state[0] if isinstance(state, tuple) else state)
        outs.append((f"{key}_all", f"f32[time {TIME}, {UNITS}]", f'x |> {stages[key]}, from="{key}")'))
        results.append(torch.stack(steps, 1))
    write("cells", model("cells", "safetensors", "Cells of PyTorch.", [("x", f"f32[time {TIME}, {WIDTH}]")], outs), nets, [x], results, "safetensors")


def layers():
    """Layers without a state, with and without what they may have."""
    nets = nn.ModuleDict({
        "linear": nn.Linear(WIDTH, 2), "linear_free": nn.Linear(WIDTH, 2, bias=False), "conv": nn.Conv1d(WIDTH, 4, 2, stride=2),
        "conv_free": nn.Conv1d(WIDTH, 4, 2, dilation=2, bias=False), "groups": nn.Conv1d(4, 6, 2, groups=2), "same": nn.Conv1d(WIDTH, 2, 3, padding="same"),
        "norm": nn.BatchNorm1d(WIDTH, eps=1e-3), "norm_plain": nn.BatchNorm1d(WIDTH, affine=False), "layer": nn.LayerNorm(WIDTH),
        "layer_plain": nn.LayerNorm(WIDTH, eps=1e-2, elementwise_affine=False), "layer_free": nn.LayerNorm(WIDTH, bias=False),
        "prelu": nn.PReLU(WIDTH), "prelu_one": nn.PReLU()})
    randomise(nets)
    x, wide = torch.randn(3, TIME, WIDTH), torch.randn(3, TIME, 4)

    def over(key, value):  # PyTorch has features before time
        return nets[key](value.transpose(1, 2)).transpose(1, 2)

    rows = [("linear", 2, "Dense(2, from=\"linear\")", nets["linear"](x)), ("linear_free", 2, "Dense(2, bias=false, from=\"linear_free\")", nets["linear_free"](x)),
            ("conv", 4, "Conv1D(4, 2, stride=2, from=\"conv\")", over("conv", x)),
            ("conv_free", 4, "Conv1D(4, 2, dilation=2, bias=false, from=\"conv_free\")", over("conv_free", x)),
            ("same", 2, "Conv1D(2, 3, padding=same, from=\"same\")", over("same", x)),
            ("norm", WIDTH, "BatchNorm(eps=0.001, from=\"norm\")", over("norm", x)),
            ("norm_plain", WIDTH, "BatchNorm(eps=0.00001, scale=false, center=false, from=\"norm_plain\")", over("norm_plain", x)),
            ("layer", WIDTH, "LayerNorm(eps=0.00001, from=\"layer\")", nets["layer"](x)),
            ("layer_plain", WIDTH, "LayerNorm(eps=0.01, scale=false, center=false)", nets["layer_plain"](x)),
            ("layer_free", WIDTH, "LayerNorm(eps=0.00001, center=false, from=\"layer_free\")", nets["layer_free"](x)),
            ("prelu_each", WIDTH, "prelu(from=\"prelu\")", over("prelu", x)), ("prelu_one", WIDTH, "prelu(from=\"prelu_one\")", nets["prelu_one"](x))]
    outs = [(f"{key}_out", f"f32[time {y.shape[1]}, {width}]", f"x |> {stage}") for key, width, stage, y in rows]
    outs.append(("groups_out", f"f32[time {TIME - 1}, 6]", "wide |> Conv1D(6, 2, groups=2, from=\"groups\")"))
    results = [y for *_, y in rows] + [over("groups", wide)]
    text = model("layers", "npz", "Layers of PyTorch without a state.", [("x", f"f32[time {TIME}, {WIDTH}]"), ("wide", f"f32[time {TIME}, 4]")], outs,
                 "unused_tensor, dropped_tail, dense_per_step")
    write("layers", text, nets, [x, wide], results, "npz")


def prefixed():
    """A whole network behind DataParallel and torch.compile: names with prefixes."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.rnn, self.fc = nn.Embedding(7, WIDTH), nn.GRU(WIDTH, UNITS, 2, batch_first=True), nn.Linear(UNITS, 2)

        def forward(self, tokens):
            return self.fc(self.rnn(self.table(tokens))[0][:, -1])

    net = Net()
    randomise(net)
    tokens = torch.randint(0, 7, (3, TIME))
    for name, prefix, suffix in (("prefixed", "module.", "safetensors"), ("compiled", "_orig_mod.net.", "npz")):
        text = model(name, suffix, "Names with a prefix.", [("tokens", f"index(7)[time {TIME}]")],
                     [("y", "f32[2]", f'tokens |> Embedding({WIDTH}, from="{prefix}table") |> GRU({UNITS}, from="{prefix}rnn") '
                       f'|> GRU({UNITS}, from="{prefix}rnn[1]") |> last |> Dense(2, from="{prefix}fc")')])
        write(name, text, net, [tokens], [net(tokens)], suffix, lambda n, p=prefix: p + n)


def refused():
    """NAME_CODE.grus: what the layers say is not what the tensors are."""
    x = torch.randn(3, TIME, WIDTH)
    cases = {
        "projection_E603": (nn.LSTM(WIDTH, UNITS, proj_size=2), f'LSTM({UNITS}, from="rnn")', UNITS),
        "cell_kind_E603": (nn.LSTM(WIDTH, UNITS), f'GRU({UNITS}, from="rnn")', UNITS),
        "units_E603": (nn.GRU(WIDTH, UNITS), f'GRU({UNITS + 1}, from="rnn")', UNITS + 1),
        "no_bias_E602": (nn.GRU(WIDTH, UNITS, bias=False), f'GRU({UNITS}, from="rnn")', UNITS),
        "one_direction_E602": (nn.GRU(WIDTH, UNITS), f'GRU({UNITS}, direction=both, from="rnn")', 2 * UNITS),
        "one_layer_E602": (nn.GRU(WIDTH, UNITS), f'GRU({UNITS}, from="rnn[1]")', UNITS),
        "inputs_E601": (nn.GRU(WIDTH + 1, UNITS), f'GRU({UNITS}, from="rnn")', UNITS)}
    for name, (net, stage, width) in cases.items():
        text = model(name, "npz", "Refused.", [("x", f"f32[time {TIME}, {WIDTH}]")], [("y", f"f32[time {TIME}, {width}]", f"x |> {stage}")], "unused_tensor")
        write(f"refused/{name}", text, nn.ModuleDict({"rnn": net}), [x], [], "npz")
        os.remove(os.path.join(FOLDER, f"refused/{name}.io.npz"))


if __name__ == "__main__":
    print("PyTorch", torch.__version__)
    os.makedirs(os.path.join(FOLDER, "refused"), exist_ok=True)
    stacks("lstm", nn.LSTM, f"LSTM({UNITS}", "safetensors")
    stacks("gru", nn.GRU, f"GRU({UNITS}", "npz")
    stacks("rnn_tanh", nn.RNN, f"RNN({UNITS}", "safetensors")
    stacks("rnn_relu", lambda *a, **k: nn.RNN(*a, nonlinearity="relu", **k), f"RNN({UNITS}, activation=relu", "npz")
    cells()
    layers()
    prefixed()
    refused()
