# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Nets for text and for lists of things: language models, tags, attention, recommendations."""
import torch
import torch.nn.functional as F
from torch import nn
from nets import net


@net("b 16t :40")
def char_lm_tied():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn, self.out = nn.Embedding(40, 16), nn.LSTM(16, 16, 2, batch_first=True, dropout=0.1), nn.Linear(16, 40)
            self.out.weight = self.embed.weight

        def forward(self, tokens): return F.log_softmax(self.out(self.rnn(self.embed(tokens))[0]), dim=-1)
    return Net()


@net("b 1 :40", "2 b 16 ~", "2 b 16 ~")
def char_lm_step():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn, self.out = nn.Embedding(40, 12), nn.LSTM(12, 16, 2, batch_first=True), nn.Linear(16, 40)

        def forward(self, token, h, c):
            y, (h, c) = self.rnn(self.embed(token), (h, c))
            return self.out(y[:, -1]), h, c
    return Net()


@net("b 10 :50", "b 10 6 :26")
def ner_char_cnn():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.word, self.char, self.conv = nn.Embedding(50, 12, padding_idx=0), nn.Embedding(26, 6), nn.Conv1d(6, 8, 3, padding=1)
            self.rnn, self.out = nn.LSTM(20, 10, batch_first=True, bidirectional=True), nn.Linear(20, 7)

        def forward(self, words, chars):
            n, t, w = chars.shape
            c = self.char(chars.view(n * t, w)).transpose(1, 2)
            c = F.relu(self.conv(c)).max(dim=2)[0].view(n, t, 8)
            y, _ = self.rnn(torch.cat([self.word(words), c], -1))
            return self.out(y)
    return Net()


@net("b 10 6 :26")
def ner_char_lstm():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.char, self.inner = nn.Embedding(26, 6), nn.LSTM(6, 5, batch_first=True, bidirectional=True)
            self.rnn, self.out = nn.GRU(10, 10, batch_first=True, bidirectional=True), nn.Linear(20, 7)

        def forward(self, chars):
            n, t, w = chars.size()
            _, (h, _) = self.inner(self.char(chars.reshape(n * t, w)))
            words = torch.cat([h[0], h[1]], -1).reshape(n, t, 10)
            return self.out(self.rnn(words)[0])
    return Net()


@net("b 16t :40")
def text_attention():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn, self.fc = nn.Embedding(40, 12), nn.LSTM(12, 10, bidirectional=True, batch_first=True), nn.Linear(20, 3)

        def forward(self, tokens):
            y, (h, _) = self.rnn(self.embed(tokens))
            h = torch.cat([h[-2], h[-1]], 1).unsqueeze(2)
            w = torch.softmax(torch.bmm(y, h).squeeze(2), 1)
            return self.fc(torch.bmm(y.transpose(1, 2), w.unsqueeze(2)).squeeze(2))
    return Net()


@net("b 4 6 :40")
def han():
    """Attention over the words of each sentence, then over the sentences."""
    class Level(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.rnn, self.fc, self.u = nn.GRU(d, 6, bidirectional=True, batch_first=True), nn.Linear(12, 12), nn.Linear(12, 1, bias=False)

        def forward(self, x):
            y, _ = self.rnn(x)
            a = torch.softmax(self.u(torch.tanh(self.fc(y))).squeeze(-1), dim=1)
            return (y * a.unsqueeze(-1)).sum(dim=1)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.words, self.sentences, self.out = nn.Embedding(40, 8), Level(8), Level(12), nn.Linear(12, 3)

        def forward(self, x):
            n, s, w = x.shape
            v = self.words(self.embed(x.view(n * s, w))).view(n, s, 12)
            return self.out(self.sentences(v))
    return Net()


@net("b 16t :40")
def ulmfit_pooling():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.r1, self.r2 = nn.Embedding(40, 12), nn.LSTM(12, 16, batch_first=True), nn.LSTM(16, 12, batch_first=True)
            self.head = nn.Sequential(nn.BatchNorm1d(36), nn.Dropout(0.2), nn.Linear(36, 10), nn.ReLU(inplace=True), nn.BatchNorm1d(10), nn.Linear(10, 2))

        def forward(self, x):
            y, _ = self.r2(self.r1(self.embed(x))[0])
            avg = F.adaptive_avg_pool1d(y.permute(0, 2, 1), 1).squeeze(2)
            top = F.adaptive_max_pool1d(y.permute(0, 2, 1), 1).squeeze(2)
            return self.head(torch.cat([y[:, -1], top, avg], 1))
    return Net()


@net("b 16t :40")
def awd_lstm():
    """Weight drop as a module around the LSTM, which copies its raw weights before each call."""
    class Drop(nn.Module):
        def __init__(self, rnn):
            super().__init__()
            self.rnn = rnn
            self.raw = nn.Parameter(rnn.weight_hh_l0.detach().clone())
            del rnn._parameters["weight_hh_l0"]
            rnn.weight_hh_l0 = F.dropout(self.raw, 0.5, training=False)

        def forward(self, x):
            w = F.dropout(self.raw, p=0.5, training=self.training)
            gates_b = self.rnn.bias_ih_l0 + self.rnn.bias_hh_l0
            h = c = torch.zeros(x.shape[0], 12)
            ys = []
            for t in range(16):
                i, f, g, o = (x[:, t] @ self.rnn.weight_ih_l0.T + h @ w.T + gates_b).chunk(4, 1)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(c)
                ys.append(h)
            return torch.stack(ys, 1)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn, self.out = nn.Embedding(40, 12), Drop(nn.LSTM(12, 12, batch_first=True)), nn.Linear(12, 40)

        def forward(self, x): return self.out(self.rnn(self.embed(x)))
    return Net()


@net("b 8 :30", "b 5 :30")
def bahdanau():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.e1, self.enc, self.bridge = nn.Embedding(30, 8), nn.GRU(8, 8, batch_first=True, bidirectional=True), nn.Linear(16, 10)
            self.e2, self.dec, self.out = nn.Embedding(30, 8), nn.GRUCell(24, 10), nn.Linear(34, 30)
            self.W, self.U, self.v = nn.Linear(10, 12), nn.Linear(16, 12), nn.Linear(12, 1, bias=False)

        def forward(self, source, target):
            keys, h = self.enc(self.e1(source))
            h = torch.tanh(self.bridge(torch.cat([h[0], h[1]], 1)))
            e, proj, ys = self.e2(target), self.U(keys), []
            for t in range(target.shape[1]):
                s = self.v(torch.tanh(self.W(h).unsqueeze(1) + proj)).squeeze(2)
                context = torch.bmm(torch.softmax(s, 1).unsqueeze(1), keys).squeeze(1)
                h = self.dec(torch.cat([e[:, t], context], 1), h)
                ys.append(self.out(torch.cat([h, context, e[:, t]], 1)))
            return torch.stack(ys, 1)
    return Net()


@net("b 8 :30", "b 5 :30")
def luong_general():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.e1, self.enc, self.e2, self.dec = nn.Embedding(30, 8), nn.LSTM(8, 12, batch_first=True), nn.Embedding(30, 8), nn.LSTM(8, 12, batch_first=True)
            self.W, self.mix, self.out = nn.Linear(12, 12, bias=False), nn.Linear(24, 12), nn.Linear(12, 30)

        def forward(self, source, target):
            keys, state = self.enc(self.e1(source))
            q, _ = self.dec(self.e2(target), state)
            w = F.softmax(torch.bmm(q, self.W(keys).transpose(1, 2)), dim=-1)
            c = torch.bmm(w, keys)
            return self.out(torch.tanh(self.mix(torch.cat((q, c), dim=2))))
    return Net()


@net("b 8 12", "b 12 ~", "b 8")
def attention_step():
    """A step of a decoder: encoder states, its own state, what it wrote last."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.query, self.memory, self.v = nn.GRUCell(20, 12), nn.Linear(12, 10, bias=False), nn.Linear(12, 10, bias=False), nn.Linear(10, 1, bias=False)
            self.out = nn.Linear(24, 9)

        def forward(self, memory, h, last):
            e = self.v(torch.tanh(self.query(h)[:, None, :] + self.memory(memory)))
            a = F.softmax(e, dim=1)
            context = torch.sum(a * memory, dim=1)
            h = self.cell(torch.cat([last, context], -1), h)
            return self.out(torch.cat([h, context], -1)), h, a.squeeze(-1)
    return Net()


@net("b 12t :60")
def gru4rec():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn, self.dense = nn.Embedding(61, 12, padding_idx=0), nn.GRU(12, 16, num_layers=1, bias=False, batch_first=True), nn.Linear(16, 12)
            nn.init.xavier_normal_(self.embed.weight)

        def forward(self, items):
            y = self.dense(self.rnn(self.embed(items))[0])[:, -1]
            return torch.matmul(y, self.embed.weight.transpose(0, 1))
    return Net()


@net("b 12 :60", "b :60")
def narm_score():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn = nn.Embedding(60, 8), nn.GRU(8, 10, batch_first=True)
            self.a1, self.a2, self.vt, self.b = nn.Linear(10, 10, bias=False), nn.Linear(10, 10, bias=False), nn.Linear(10, 1, bias=False), nn.Linear(8, 20, bias=False)

        def forward(self, items, candidate):
            y, h = self.rnn(self.embed(items))
            h = h[-1]
            alpha = self.vt(torch.sigmoid(self.a1(y) + self.a2(h).unsqueeze(1)))
            local = torch.sum(alpha * y, 1)
            return (torch.cat([local, h], 1) * self.b(self.embed(candidate))).sum(-1, keepdim=True)
    return Net()


@net("b 10t 3")
def dkt_sketch_mdn():
    """Mixtures of Gaussians after an LSTM (handwriting)."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.LSTM(3, 16, batch_first=True), nn.Linear(16, 6 * 4 + 1)

        def forward(self, x):
            y = self.out(self.rnn(x)[0])
            end, params = y[..., :1], y[..., 1:]
            pi, mx, my, sx, sy, rho = torch.split(params, 4, dim=-1)
            return torch.sigmoid(end), torch.softmax(pi, -1), mx, my, torch.exp(sx), torch.exp(sy), torch.tanh(rho)
    return Net()


@net("b 3 16 32")
def crnn_ocr():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cnn = nn.Sequential(nn.Conv2d(3, 6, 3, 1, 1), nn.ReLU(True), nn.MaxPool2d(2, 2), nn.Conv2d(6, 8, 3, 1, 1), nn.ReLU(True), nn.MaxPool2d((2, 2), (2, 1), (0, 1)),
                                     nn.Conv2d(8, 10, 3, 1, 1), nn.BatchNorm2d(10), nn.ReLU(True), nn.MaxPool2d((2, 2), (2, 1), (0, 1)), nn.Conv2d(10, 10, 2, 1, 0), nn.ReLU(True))
            self.rnn, self.fc = nn.LSTM(10, 8, bidirectional=True), nn.Linear(16, 11)

        def forward(self, x):
            c = self.cnn(x)
            b, d, h, w = c.size()
            y, _ = self.rnn(c.squeeze(2).permute(2, 0, 1))
            t, n, k = y.size()
            return self.fc(y.view(t * n, k)).view(t, n, -1).log_softmax(2).permute(1, 0, 2)
    return Net()


@net("b 10t :30", "b :30")
def conditioned_film_gru():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.style, self.film = nn.Embedding(30, 8), nn.Embedding(30, 6), nn.Linear(6, 24)
            self.rnn, self.out = nn.GRU(8, 12, batch_first=True), nn.Linear(12, 30)

        def forward(self, notes, style):
            y, _ = self.rnn(self.embed(notes))
            gamma, beta = self.film(self.style(style)).chunk(2, dim=-1)
            return self.out((1 + gamma).unsqueeze(1) * y + beta.unsqueeze(1))
    return Net()


@net("b 6 12")
def policy_lstm_step():
    """A policy of reinforcement learning: layers, an LSTM over six observations, two heads."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.base, self.rnn = nn.Sequential(nn.Linear(12, 16), nn.ELU(), nn.Linear(16, 16), nn.ELU()), nn.LSTM(16, 16)
            self.mu, self.value, self.log_std = nn.Linear(16, 4), nn.Linear(16, 1), nn.Parameter(torch.zeros(4) - 0.5)
            self.register_buffer("mean", torch.randn(12))
            self.register_buffer("var", torch.rand(12) + 0.5)

        def forward(self, obs):
            x = torch.clamp((obs - self.mean) / torch.sqrt(self.var + 1e-5), -5.0, 5.0)
            y, _ = self.rnn(self.base(x).transpose(0, 1))
            y = y.transpose(0, 1)
            mu = torch.tanh(self.mu(y))
            return mu, self.log_std.exp().expand_as(mu), self.value(y)
    return Net()
