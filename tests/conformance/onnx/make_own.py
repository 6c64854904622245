# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/own/: cells that are no LSTM, GRU or RNN, as PyTorch exports them, and what PyTorch computes.

    python make_own.py            (torch, onnx, numpy)

CELL_open_loop.onnx   scripted, so that the steps are a Loop; the length is open
CELL_written.onnx     traced, so that the steps are written out
CELL.pt2              torch.export, which writes them out too
buffers.pt2           one step of a stream, whose state is in buffers that it changes
"""
import os
import warnings
from typing import List

import numpy as np
import torch
from torch import nn

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "own")
STEPS, WIDTH, UNITS = 6, 3, 4
warnings.filterwarnings("ignore")
torch.manual_seed(31)


class MultiplicativeLstm(nn.Module):
    """Krause et al. 2016: the recurrent product of the gates reads m = (W x) * (R h)."""

    def __init__(self):
        super().__init__()
        self.mx, self.mh = nn.Linear(WIDTH, UNITS, bias=False), nn.Linear(UNITS, UNITS, bias=False)
        self.x, self.m = nn.Linear(WIDTH, 4 * UNITS), nn.Linear(UNITS, 4 * UNITS, bias=False)
        self.units = UNITS

    def forward(self, x):
        h, c = torch.zeros(x.shape[0], self.units), torch.zeros(x.shape[0], self.units)
        rows: List[torch.Tensor] = []
        for t in range(x.shape[1]):
            m = self.mx(x[:, t]) * self.mh(h)
            i, f, o, g = (self.x(x[:, t]) + self.m(m)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            rows.append(h)
        return torch.stack(rows, 1)


class MinimalGatedUnit(nn.Module):
    """Zhou et al. 2016: one gate. The state begins with numbers that were trained."""

    def __init__(self):
        super().__init__()
        self.fx, self.fh = nn.Linear(WIDTH, UNITS), nn.Linear(UNITS, UNITS, bias=False)
        self.nx, self.nh = nn.Linear(WIDTH, UNITS), nn.Linear(UNITS, UNITS, bias=False)
        self.start = nn.Parameter(torch.randn(1, UNITS))
        self.units = UNITS

    def forward(self, x):
        h = self.start.expand(x.shape[0], self.units)
        rows: List[torch.Tensor] = []
        for t in range(x.shape[1]):
            f = torch.sigmoid(self.fx(x[:, t]) + self.fh(h))
            h = (1 - f) * h + f * torch.tanh(self.nx(x[:, t]) + self.nh(f * h))
            rows.append(h)
        return torch.stack(rows, 1)


class SimpleRecurrentUnit(nn.Module):
    """Lei et al. 2018: gates see the state element by element; what goes out is not the state."""

    def __init__(self):
        super().__init__()
        self.w = nn.Linear(WIDTH, 3 * WIDTH)
        self.f, self.r = nn.Parameter(torch.randn(WIDTH)), nn.Parameter(torch.randn(WIDTH))
        self.units = WIDTH

    def forward(self, x):
        z, fx, rx = self.w(x).chunk(3, 2)
        c = torch.zeros(x.shape[0], self.units)
        rows: List[torch.Tensor] = []
        for t in range(x.shape[1]):
            f, r = torch.sigmoid(fx[:, t] + self.f * c), torch.sigmoid(rx[:, t] + self.r * c)
            c = f * c + (1 - f) * z[:, t]
            rows.append(r * c + (1 - r) * x[:, t])
        return torch.stack(rows, 1)


class NormalisedLstm(nn.Module):
    """Ba et al. 2016: layer norms inside the cell."""

    def __init__(self):
        super().__init__()
        self.x, self.h = nn.Linear(WIDTH, 4 * UNITS), nn.Linear(UNITS, 4 * UNITS, bias=False)
        self.nx, self.nh, self.nc = nn.LayerNorm(4 * UNITS), nn.LayerNorm(4 * UNITS), nn.LayerNorm(UNITS)
        self.units = UNITS

    def forward(self, x):
        h, c = torch.zeros(x.shape[0], self.units), torch.zeros(x.shape[0], self.units)
        rows: List[torch.Tensor] = []
        for t in range(x.shape[1]):
            i, f, o, g = (self.nx(self.x(x[:, t])) + self.nh(self.h(h))).chunk(4, 1)
            c = self.nc(torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g))
            h = torch.sigmoid(o) * torch.tanh(c)
            rows.append(h)
        return torch.stack(rows, 1)


class BothWays(nn.Module):
    """A leaky cell forward and another backward, whose states start from the mean of the sequence."""

    def __init__(self):
        super().__init__()
        self.start, self.units = nn.Linear(WIDTH, UNITS), UNITS
        self.a, self.b = nn.Linear(WIDTH + UNITS, UNITS), nn.Linear(WIDTH + UNITS, UNITS)

    def forward(self, x):
        steps = x.shape[1]
        h = g = self.start(x.mean(1))
        rows: List[torch.Tensor] = []
        back: List[torch.Tensor] = []
        for t in range(steps):
            h = 0.6 * h + 0.4 * nn.functional.leaky_relu(self.a(torch.cat([x[:, t], h], 1)))
            rows.append(h)
        for t in range(steps):
            g = 0.3 * g + 0.7 * nn.functional.silu(self.b(torch.cat([x[:, steps - 1 - t], g], 1)))
            back.append(g)
        return torch.cat([torch.stack(rows, 1), torch.stack(back, 1).flip(1)], 2)


class Buffers(nn.Module):
    """The state of a cell of its own, an LSTM's and the rows of a convolution are buffers that the program changes."""

    def __init__(self):
        super().__init__()
        self.cell, self.conv = nn.LSTMCell(WIDTH, UNITS), nn.Conv1d(WIDTH, UNITS, 3)
        for name, shape in {"mean": (1, WIDTH), "h": (1, UNITS), "c": (1, UNITS), "rows": (1, WIDTH, 2)}.items():
            self.register_buffer(name, torch.zeros(shape))

    def forward(self, x):
        self.mean.mul_(0.75).add_(x * 0.25)
        rows = torch.cat([self.rows, (x - self.mean).unsqueeze(2)], 2)
        h, c = self.cell(x - self.mean, (self.h, self.c))
        self.h.copy_(h)
        self.c.copy_(c)
        self.rows.copy_(rows[:, :, 1:])
        return h + self.conv(rows)[:, :, 0]


def stream(name, net, exported):
    """calls of one step, each after the one before"""
    x = torch.randn(STEPS, WIDTH)
    y = torch.cat([net(x[t : t + 1]).detach().clone() for t in range(STEPS)])
    record(name, x, y, exported.graph_signature.user_outputs[0])


def record(name, x, y, output="y"):
    np.savez(os.path.join(FOLDER, name + ".npz"), in_x=x.numpy(), **{f"out_{output}": y.detach().numpy()})


def main():
    os.makedirs(FOLDER, exist_ok=True)
    cells = {"mlstm": MultiplicativeLstm, "mgu": MinimalGatedUnit, "sru": SimpleRecurrentUnit,
             "normalised": NormalisedLstm, "both": BothWays}
    for name, cell in cells.items():
        net, x, longer = cell().eval(), torch.randn(1, STEPS, WIDTH), torch.randn(1, STEPS + 5, WIDTH)
        names = {"input_names": ["x"], "output_names": ["y"], "opset_version": 17, "dynamo": False}
        torch.onnx.export(torch.jit.script(net), (x,), os.path.join(FOLDER, f"{name}_open_loop.onnx"),
                          dynamic_axes={"x": {1: "time"}}, **names)
        torch.onnx.export(net, (x,), os.path.join(FOLDER, f"{name}_written.onnx"), **names)
        exported = torch.export.export(net, (x,))
        torch.export.save(exported, os.path.join(FOLDER, f"{name}.pt2"))
        record(f"{name}_open_loop", longer, net(longer))
        record(f"{name}_written", x, net(x))
        record(name, x, net(x), exported.graph_signature.user_outputs[0])


    buffers = Buffers().eval()
    exported = torch.export.export(buffers, (torch.randn(1, WIDTH),))
    torch.export.save(exported, os.path.join(FOLDER, "buffers.pt2"))
    stream("buffers", buffers, exported)


if __name__ == "__main__":
    main()
