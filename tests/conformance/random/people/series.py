# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Nets for series of measurements: power, heart, brain, prices, gestures, forecasts."""
import torch
import torch.nn.functional as F
from torch import nn
from nets import net


@net("b 99")
def nilm_seq2point():
    return nn.Sequential(nn.Unflatten(1, (1, 99)), nn.Conv1d(1, 8, 10), nn.ReLU(), nn.Conv1d(8, 8, 8), nn.ReLU(), nn.Conv1d(8, 10, 6), nn.ReLU(),
                         nn.Conv1d(10, 12, 5), nn.ReLU(), nn.Flatten(), nn.Linear(12 * 74, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 1))


@net("b 1 60")
def nilm_bilstm():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.l1, self.l2 = nn.Conv1d(1, 8, 4, padding="same"), nn.LSTM(8, 8, batch_first=True, bidirectional=True), nn.LSTM(16, 12, batch_first=True, bidirectional=True)
            self.fc = nn.Sequential(nn.Linear(24, 16), nn.Tanh(), nn.Linear(16, 1))

        def forward(self, x):
            y = self.conv(x).permute(0, 2, 1)
            y = self.l2(self.l1(y)[0])[0]
            return self.fc(y[:, -1])
    return Net()


@net("b 1 8 64")
def eegnet_lstm():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.temporal, self.bn1 = nn.Conv2d(1, 4, (1, 16), padding="same", bias=False), nn.BatchNorm2d(4)
            self.spatial, self.bn2 = nn.Conv2d(4, 8, (8, 1), groups=4, bias=False), nn.BatchNorm2d(8)
            self.sep, self.point, self.bn3 = nn.Conv2d(8, 8, (1, 8), padding="same", groups=8, bias=False), nn.Conv2d(8, 8, 1, bias=False), nn.BatchNorm2d(8)
            self.rnn, self.fc = nn.LSTM(8, 12, batch_first=True), nn.Linear(12, 4)

        def forward(self, x):
            x = self.bn1(self.temporal(x))
            x = F.avg_pool2d(F.elu(self.bn2(self.spatial(x))), (1, 4))
            x = F.avg_pool2d(F.elu(self.bn3(self.point(self.sep(x)))), (1, 2))
            x = x.squeeze(2).permute(0, 2, 1)
            return self.fc(self.rnn(x)[1][0][-1])
    return Net()


@net("b 12 64")
def ecg_se_bilstm():
    class Block(nn.Module):
        def __init__(self, c, m, stride):
            super().__init__()
            self.c1, self.b1 = nn.Conv1d(c, m, 7, stride, 3, bias=False), nn.BatchNorm1d(m)
            self.c2, self.b2 = nn.Conv1d(m, m, 7, 1, 3, bias=False), nn.BatchNorm1d(m)
            self.se = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(m, 4), nn.ReLU(), nn.Linear(4, m), nn.Sigmoid())
            self.down = nn.Sequential(nn.Conv1d(c, m, 1, stride, bias=False), nn.BatchNorm1d(m))

        def forward(self, x):
            y = self.b2(self.c2(F.relu(self.b1(self.c1(x)))))
            return F.relu(y * self.se(y).unsqueeze(-1) + self.down(x))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.Sequential(Block(12, 8, 2), Block(8, 12, 2))
            self.rnn = nn.LSTM(12, 8, 2, batch_first=True, bidirectional=True, dropout=0.2)
            self.att, self.fc = nn.Linear(16, 1), nn.Linear(16, 5)

        def forward(self, x):
            y, _ = self.rnn(self.blocks(x).transpose(1, 2))
            w = torch.softmax(self.att(torch.tanh(y)), dim=1)
            return torch.sigmoid(self.fc((y * w).sum(1)))
    return Net()


@net("b 16 4")
def lstm_autoencoder():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.e1, self.e2 = nn.LSTM(4, 16, batch_first=True), nn.LSTM(16, 8, batch_first=True)
            self.d1, self.d2, self.out = nn.LSTM(8, 8, batch_first=True), nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 4)

        def forward(self, x):
            x, _ = self.e1(x)
            _, (h, _) = self.e2(x)
            h = h.reshape((-1, 1, 8)).repeat(1, 16, 1)
            y, _ = self.d2(self.d1(h)[0])
            return self.out(y)
    return Net()


@net("b 14 3")
def recurrent_vae():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.mu, self.var = nn.GRU(3, 12, batch_first=True, bidirectional=True), nn.Linear(24, 5), nn.Linear(24, 5)
            self.start, self.dec, self.out = nn.Linear(5, 12), nn.GRU(5, 12, batch_first=True), nn.Linear(12, 3)

        def forward(self, x):
            _, h = self.enc(x)
            h = torch.cat((h[0], h[1]), dim=-1)
            mu, logvar = self.mu(h), self.var(h)
            z = mu
            y, _ = self.dec(z.unsqueeze(1).expand(-1, x.size(1), -1), torch.tanh(self.start(z)).unsqueeze(0).contiguous())
            return self.out(y), mu, torch.exp(0.5 * logvar)
    return Net()


@net("b 24 5")
def deepar():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.mu, self.sigma = nn.LSTM(5, 16, 3), nn.Linear(48, 1), nn.Sequential(nn.Linear(48, 1), nn.Softplus())

        def forward(self, x):
            _, (h, c) = self.rnn(x.permute(1, 0, 2))
            flat = h.permute(1, 2, 0).contiguous().view(x.shape[0], -1)
            return torch.squeeze(self.mu(flat), -1), torch.squeeze(self.sigma(flat), -1)
    return Net()


@net("b 25t 5")
def deepar_steps():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.mu, self.sigma, self.nu = nn.GRU(5, 16, 2, batch_first=True), nn.Linear(16, 1), nn.Linear(16, 1), nn.Linear(16, 1)

        def forward(self, x):
            y, _ = self.rnn(x)
            return self.mu(y).squeeze(-1), F.softplus(self.sigma(y)).squeeze(-1) + 1e-6, 2 + F.softplus(self.nu(y)).squeeze(-1)
    return Net()


@net("b 24 6")
def lstnet():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.gru, self.skip = nn.Conv2d(1, 8, (5, 6)), nn.GRU(8, 10), nn.GRU(8, 4)
            self.fc, self.high = nn.Linear(10 + 5 * 4, 6), nn.Linear(8, 1)
            self.drop = nn.Dropout(0.2)

        def forward(self, x):
            n = x.size(0)
            c = self.drop(F.relu(self.conv(x.view(-1, 1, 24, 6)))).squeeze(3)
            r = c.permute(2, 0, 1).contiguous()
            r = torch.squeeze(self.gru(r)[1], 0)
            s = c[:, :, -20:].contiguous().view(n, 8, 4, 5).permute(2, 0, 3, 1).contiguous().view(4, n * 5, 8)
            s = self.skip(s)[1].view(n, 5 * 4)
            y = self.fc(torch.cat((r, s), 1))
            z = x[:, -8:, :].permute(0, 2, 1).contiguous().view(-1, 8)
            return y + self.high(z).view(-1, 6)
    return Net()


@net("b 8 5", "b 8")
def da_rnn():
    """Attention over the series at each step of the encoder, over the steps at each step of the decoder."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.att = nn.LSTM(5, 6), nn.Linear(12 + 8, 1)
            self.dec, self.datt = nn.LSTM(1, 7), nn.Sequential(nn.Linear(14 + 6, 6), nn.Tanh(), nn.Linear(6, 1))
            self.fc, self.out = nn.Linear(7, 1), nn.Linear(13, 1)

        def forward(self, x, y):
            n = x.size(0)
            h, c, steps = torch.zeros(1, n, 6), torch.zeros(1, n, 6), []
            for t in range(8):
                z = torch.cat((h.repeat(5, 1, 1).permute(1, 0, 2), c.repeat(5, 1, 1).permute(1, 0, 2), x.permute(0, 2, 1)), dim=2)
                a = torch.softmax(self.att(z.reshape(-1, 20)).view(-1, 5), dim=1)
                _, (h, c) = self.enc((a * x[:, t, :]).unsqueeze(0), (h, c))
                steps.append(h[0])
            steps = torch.stack(steps, 1)
            h, c = torch.zeros(1, n, 7), torch.zeros(1, n, 7)
            context = None
            for t in range(8):
                z = torch.cat((h.repeat(8, 1, 1).permute(1, 0, 2), c.repeat(8, 1, 1).permute(1, 0, 2), steps), dim=2)
                b = torch.softmax(self.datt(z.reshape(-1, 20)).view(-1, 8), dim=1)
                context = torch.bmm(b.unsqueeze(1), steps)[:, 0, :]
                if t < 7:
                    v = self.fc(torch.cat((context, y[:, t].unsqueeze(1)), dim=1))
                    _, (h, c) = self.dec(v.unsqueeze(0), (h, c))
            return self.out(torch.cat((h[0], context), dim=1))
    return Net()


@net("b 20 1")
def nbeats_blocks():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU())
            self.b, self.f = nn.Linear(16, 4, bias=False), nn.Linear(16, 4, bias=False)
            t = torch.arange(-20, 5) / 25.0
            basis = torch.stack([t ** i for i in range(4)])
            self.register_buffer("back", basis[:, :20])
            self.register_buffer("fore", basis[:, 20:])

        def forward(self, x):
            h = self.fc(x)
            return self.b(h) @ self.back, torch.einsum("bp,pt->bt", self.f(h), self.fore)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([Block() for _ in range(3)])

        def forward(self, x):
            back, fore = x.squeeze(-1), 0
            for block in self.blocks:
                b, f = block(back)
                back, fore = back - b, fore + f
            return fore
    return Net()


@net("b 12 6", "b 4 3")
def seq2seq_forecast():
    """An encoder, and a decoder that reads its own outputs for four steps."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.dec, self.out = nn.GRU(6, 12, batch_first=True), nn.GRUCell(4, 12), nn.Linear(12, 1)

        def forward(self, past, known):
            _, h = self.enc(past)
            h, last, ys = h[0], past[:, -1, :1], []
            for t in range(4):
                h = self.dec(torch.cat([last, known[:, t]], -1), h)
                last = self.out(h)
                ys.append(last)
            return torch.stack(ys, 1)
    return Net()


@net("b 20t 1")
def time2vec_lstm():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w0, self.b0 = nn.Parameter(torch.randn(1, 1)), nn.Parameter(torch.randn(1))
            self.w, self.b = nn.Parameter(torch.randn(1, 5)), nn.Parameter(torch.randn(5))
            self.rnn, self.fc = nn.LSTM(7, 10, batch_first=True), nn.Linear(10, 1)

        def forward(self, x):
            v = torch.cat([torch.matmul(x, self.w0) + self.b0, torch.sin(torch.matmul(x, self.w) + self.b)], -1)
            return self.fc(self.rnn(torch.cat([x, v], -1))[0])
    return Net()


@net("b 12 4", "b 12 4", "b 12 4")
def gru_d():
    """Values, masks and times since the last value."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.randn(4))
            self.gx, self.gh = nn.Parameter(torch.randn(4)), nn.Linear(4, 8)
            self.z, self.r, self.n, self.out = nn.Linear(16, 8), nn.Linear(16, 8), nn.Linear(16, 8), nn.Linear(8, 2)

        def forward(self, x, m, d):
            m, d = (m > 0).float(), torch.abs(d)
            h, last = torch.zeros(x.shape[0], 8), self.mean.expand(x.shape[0], 4)
            for t in range(12):
                xt, mt, dt = x[:, t], m[:, t], d[:, t]
                gx, gh = torch.exp(-torch.relu(self.gx * dt)), torch.exp(-torch.relu(self.gh(dt)))
                last = mt * xt + (1 - mt) * last
                xt = mt * xt + (1 - mt) * (gx * last + (1 - gx) * self.mean)
                h = gh * h
                v = torch.cat([xt, h, mt], 1)
                z, r = torch.sigmoid(self.z(v)), torch.sigmoid(self.r(v))
                n = torch.tanh(self.n(torch.cat([xt, r * h, mt], 1)))
                h = (1 - z) * h + z * n
            return torch.sigmoid(self.out(h))
    return Net()


@net("b 30t 6")
def deep_conv_lstm():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.c1, self.c2 = nn.Conv2d(1, 6, (5, 1)), nn.Conv2d(6, 6, (5, 1))
            self.rnn, self.out = nn.LSTM(36, 12, 2), nn.Linear(12, 5)

        def forward(self, x):
            x = F.relu(self.c2(F.relu(self.c1(x.unsqueeze(1)))))
            x = x.permute(2, 0, 3, 1).reshape(x.shape[2], -1, 36)
            return self.out(self.rnn(x)[0][-1])
    return Net()


@net("b 40 3")
def inception_fcn_lstm():
    """LSTM-FCN: an LSTM of the series next to convolutions, squeezed and joined."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(3, 8, batch_first=True)
            self.convs = nn.Sequential(nn.Conv1d(3, 8, 8, padding="same"), nn.BatchNorm1d(8, eps=1e-3), nn.ReLU(), nn.Conv1d(8, 12, 5, padding="same"), nn.BatchNorm1d(12, eps=1e-3), nn.ReLU(),
                                       nn.Conv1d(12, 8, 3, padding="same"), nn.BatchNorm1d(8, eps=1e-3), nn.ReLU())
            self.fc = nn.Linear(16, 4)

        def forward(self, x):
            h = self.rnn(x)[0][:, -1]
            y = torch.mean(self.convs(x.transpose(2, 1)), 2)
            return F.log_softmax(self.fc(torch.cat((h, y), dim=1)), dim=1)
    return Net()


@net("b 16t 4")
def revin_lstm():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.b = nn.Parameter(torch.rand(4) + 0.5), nn.Parameter(torch.randn(4))
            self.rnn, self.fc = nn.LSTM(4, 12, batch_first=True), nn.Linear(12, 4)

        def forward(self, x):
            mean = torch.mean(x, dim=1, keepdim=True).detach()
            std = torch.sqrt(torch.var(x, dim=1, keepdim=True, unbiased=False) + 1e-5).detach()
            y = self.fc(self.rnn((x - mean) / std * self.w + self.b)[0])
            return (y - self.b) / (self.w + 1e-10) * std + mean
    return Net()


@net("b 16 5")
def grn_temporal_fusion():
    class GRN(nn.Module):
        def __init__(self, d, m):
            super().__init__()
            self.a, self.b, self.g = nn.Linear(d, m), nn.Linear(m, m), nn.Linear(m, 2 * m)
            self.skip, self.norm = nn.Linear(d, m) if d != m else nn.Identity(), nn.LayerNorm(m)

        def forward(self, x): return self.norm(self.skip(x) + F.glu(self.g(self.b(F.elu(self.a(x)))), -1))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.each = nn.ModuleList([nn.Linear(1, 8) for _ in range(5)])
            self.select, self.vars = GRN(40, 5), nn.ModuleList([GRN(8, 8) for _ in range(5)])
            self.rnn, self.gate, self.norm, self.att = nn.LSTM(8, 8, batch_first=True), nn.Linear(8, 16), nn.LayerNorm(8), nn.MultiheadAttention(8, 2, batch_first=True)
            self.out = nn.Linear(8, 3)

        def forward(self, x):
            e = [lin(x[..., i:i + 1]) for i, lin in enumerate(self.each)]
            w = torch.softmax(self.select(torch.cat(e, -1)), -1).unsqueeze(2)
            v = torch.stack([g(a) for g, a in zip(self.vars, e)], -1)
            y = (v * w).sum(-1)
            h = self.norm(F.glu(self.gate(self.rnn(y)[0]), -1) + y)
            mask = torch.triu(torch.ones(16, 16, dtype=torch.bool), 1)
            a, _ = self.att(h, h, h, attn_mask=mask)
            return self.out(h + a)
    return Net()
