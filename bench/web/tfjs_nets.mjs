// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Published nets in the operators of TensorFlow.js, for those whose layers it does not have: streams that keep what a
// convolution looks back on, grouped and depthwise convolutions, recurrent layers along frequency. Tensors are [1, steps,
// places, channels], weights have the published shapes and are not trained. Each net is called as a model of its layers is.
export function netsOf(tf) {
  // The core alone has these as functions.
  for (const name of ["add", "sub", "mul", "square", "rsqrt", "mean", "sum", "reshape", "slice", "transpose"])
    tf.Tensor.prototype[name] ??= function (...of) { return tf[name](this, ...of); };

  class Net {
    constructor(shape) {
      this.inputs = [{ shape }];
      this.states = [];
      this.parameters = 0;
    }
    countParams() { return this.parameters; }
    predict(x) { return this.run(x); }

    weight(...shape) {
      const n = shape.reduce((a, b) => a * b, 1);
      this.parameters += n;
      return tf.keep(tf.tensor(Float32Array.from({ length: n }, (_, i) => Math.sin(i) / Math.sqrt(n)), shape));
    }

    /** A function that gives the last value and keeps the one it is handed for the next call. */
    state(...shape) {
      const at = this.states.push(tf.keep(tf.zeros(shape))) - 1;
      return {
        get: () => this.states[at],
        set: (next) => { const last = this.states[at]; this.states[at] = tf.keep(next); last.dispose(); },
      };
    }

    dense(from, to) {
      const w = this.weight(from, to), b = this.weight(to);
      return (x) => tf.add(tf.matMul(x.reshape([-1, from]), w), b).reshape([...x.shape.slice(0, -1), to]);
    }

    /** groups equal products of their own: [.., groups * from] to [.., groups * to] */
    grouped(groups, from, to) {
      const w = this.weight(groups, from, to);
      return (x) => tf.matMul(x.reshape([-1, groups, from]).transpose([1, 0, 2]), w).transpose([1, 0, 2]).reshape([1, -1, 1, groups * to]);
    }

    norm(...shape) {
      const scale = this.weight(...shape), offset = this.weight(...shape), axes = shape.map((_, i) => -1 - i);
      return (x) => {
        const { mean, variance } = tf.moments(x, axes, true);
        return x.sub(mean).mul(variance.add(1e-5).rsqrt()).mul(scale).add(offset);
      };
    }

    prelu(n) {
      const slope = this.weight(n);
      return (x) => tf.prelu(x, slope);
    }

    /** kernel [steps, places]; places are padded alike on both sides, steps are not padded. */
    conv(from, to, kernel, { groups = 1, stride = 1, dilation = 1 } = {}) {
      const beside = (kernel[1] - 1) / 2, b = this.weight(to), depthwise = groups === from && to === from;
      const w = depthwise ? [this.weight(...kernel, from, 1)] : Array.from({ length: groups }, () => this.weight(...kernel, from / groups, to / groups));
      return (x) => {
        const y = beside ? tf.pad(x, [[0, 0], [0, 0], [beside, beside], [0, 0]]) : x, dilations = [dilation, 1], strides = [1, stride];
        if (depthwise) return tf.depthwiseConv2d(y, w[0], stride > 1 ? [stride, stride] : 1, "valid", "NHWC", dilation > 1 ? dilations : 1).add(b);
        const parts = groups > 1 ? tf.split(y, groups, 3) : [y];
        return tf.concat(parts.map((part, g) => tf.conv2d(part, w[g], strides, "valid", "NHWC", dilations)), 3).add(b);
      };
    }

    /** Twice as many places: zeros between them, then a convolution. */
    up(from, to, kernel, options) {
      const conv = this.conv(from, to, kernel, options);
      return (x) => {
        const [n, steps, places, channels] = x.shape, y = x.reshape([n, steps, places, 1, channels]);
        return conv(tf.concat([y, tf.zerosLike(y)], 3).reshape([n, steps, 2 * places, channels]));
      };
    }

    /** The steps before those at hand, of a convolution that looks back. */
    past(steps, places, channels) {
      const state = this.state(1, steps, places, channels);
      return (x) => {
        const all = tf.concat([state.get(), x], 1);
        state.set(all.slice([0, all.shape[1] - steps, 0, 0], [1, steps, places, channels]));
        return all;
      };
    }

    /** [steps, samples, from] to [steps, samples, units]; without a state each call begins at zero. */
    gru(from, units, samples = 1, keeps = true) {
      const w = this.weight(from, 3 * units), u = this.weight(units, 3 * units), b = this.weight(3 * units), rb = this.weight(3 * units);
      const state = keeps ? this.state(samples, units) : null;
      return (x) => {
        const steps = x.shape[0], all = tf.add(tf.matMul(x.reshape([-1, from]), w), b).reshape([steps, samples, 3 * units]), out = [];
        let h = state ? state.get() : tf.zeros([samples, units]);
        for (let t = 0; t < steps; t++) {
          const [xz, xr, xn] = tf.split(all.slice([t, 0, 0], [1, samples, 3 * units]).reshape([samples, 3 * units]), 3, 1);
          const [hz, hr, hn] = tf.split(tf.add(tf.matMul(h, u), rb), 3, 1), z = tf.sigmoid(xz.add(hz));
          const n = tf.tanh(xn.add(tf.sigmoid(xr.add(hr)).mul(hn)));
          h = n.add(z.mul(h.sub(n)));
          out.push(h);
        }
        if (state) state.set(h.clone());
        return tf.stack(out);
      };
    }

    lstm(from, units) {
      const w = this.weight(from + units, 4 * units), b = this.weight(4 * units), h = this.state(1, units), c = this.state(1, units);
      return (x) => {
        const [i, f, g, o] = tf.split(tf.add(tf.matMul(tf.concat([x, h.get()], 1), w), b), 4, 1);
        const next = tf.sigmoid(f).mul(c.get()).add(tf.sigmoid(i).mul(tf.tanh(g))), y = tf.sigmoid(o).mul(tf.tanh(next));
        c.set(next), h.set(y.clone());
        return y;
      };
    }
  }

  /** A frame of 512 samples, its features, two LSTMs, a mask of the features. */
  function dtln2() {
    const net = new Net([1, 512]), analysis = net.dense(512, 256), norm = net.norm(256), first = net.lstm(256, 128);
    const second = net.lstm(128, 128), mask = net.dense(128, 256), synthesis = net.dense(256, 512);
    net.run = (x) => { const y = analysis(x); return synthesis(y.mul(tf.sigmoid(mask(second(first(norm(y))))))); };
    return net;
  }

  /** 576 samples, padded to 640: four spectra, four convolutions along time, an LSTM. */
  function silero() {
    const net = new Net([1, 640]), spectrum = net.weight(256, 1, 258), lstm = net.lstm(128, 128), last = net.dense(128, 1);
    const convs = [[129, 128, 1], [128, 64, 2], [64, 64, 2], [64, 128, 1]].map(([from, to, stride]) => [net.weight(3, from, to), net.weight(to), stride]);
    net.run = (x) => {
      const parts = tf.conv1d(x.reshape([1, 640, 1]), spectrum, 128, "valid"), [re, im] = tf.split(parts, 2, 2);
      let y = tf.sqrt(re.square().add(im.square()));
      for (const [w, b, stride] of convs) y = tf.relu(tf.conv1d(tf.pad(y, [[0, 0], [1, 1], [0, 0]]), w, stride, "valid").add(b));
      return tf.sigmoid(last(tf.relu(lstm(y.slice([0, 0, 0], [1, 1, 128]).reshape([1, 128])))));
    };
    return net;
  }

  function flashvad() {
    const net = new Net([1, 1, 1, 43]), norm = net.norm(43), start = net.dense(43, 64), gru = net.gru(64, 64), end = net.norm(64), last = net.dense(64, 1);
    const swish = (y) => y.mul(tf.sigmoid(y));
    const blocks = [1, 2, 4, 8].map((dilation) => ({
      past: net.past(2 * dilation, 1, 64), norm: net.norm(64),
      along: net.conv(64, 64, [3, 1], { groups: 64, dilation }), mix: net.conv(64, 64, [1, 1]),
    }));
    net.run = (x) => {
      let y = swish(start(norm(x)));
      for (const b of blocks) y = y.add(swish(b.norm(b.mix(b.along(b.past(y))))));
      return last(end(gru(y.reshape([1, 1, 64]))));
    };
    return net;
  }

  /** The standard WaveNet of version A1: two arrays of ten layers, blocks of 64 samples. */
  function nam() {
    const net = new Net([1, 64, 1, 1]), dilations = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
    const array = (from, channels, head) => ({
      start: net.conv(from, channels, [1, 1]), head: net.conv(channels, head, [1, 1]),
      layers: dilations.map((dilation) => ({
        past: net.past(2 * dilation, 1, channels), along: net.conv(channels, channels, [3, 1], { dilation }),
        input: net.conv(1, channels, [1, 1]), mix: net.conv(channels, channels, [1, 1]),
      })),
    });
    const arrays = [array(1, 16, 8), array(16, 8, 1)];
    net.run = (x) => {
      let y = x, head = null;
      for (const a of arrays) {
        y = a.start(y);
        for (const l of a.layers) {
          const z = tf.tanh(l.along(l.past(y)).add(l.input(x)));
          head = head ? head.add(z) : z;
          y = y.add(l.mix(z));
        }
        head = a.head(head);
      }
      return head;
    };
    return net;
  }

  const STEPS = 100; // of DeepFilterNet3 in one call
  // TensorFlow.js has no depthwise convolution with another stride along places than along steps.
  const half = ([, steps, places, channels]) => (y) =>
    y.reshape([1, steps, places / 2, 2, channels]).slice([0, 0, 0, 0, 0], [1, steps, places / 2, 1, channels]).reshape([1, steps, places / 2, channels]);
  const separable = (net, kernel, stride) => {
    const along = net.conv(64, 64, kernel, { groups: 64 }), mix = net.conv(64, 64, [1, 1]);
    return (x) => tf.relu(mix(stride > 1 ? half(x.shape)(along(x)) : along(x)));
  };
  const causal = (x, steps) => tf.pad(x, [[0, 0], [steps, 0], [0, 0], [0, 0]]);
  const along = (gru, x) => gru(x.reshape([STEPS, 1, -1])).reshape([1, STEPS, 1, -1]);

  function deepFilterEncoder() {
    const net = new Net([1, STEPS, 224, 1]), e0 = net.conv(1, 64, [3, 3]), c0 = [net.conv(1, 32, [3, 3]), net.conv(1, 32, [3, 3])], mix = net.conv(64, 64, [1, 1]);
    const e1 = separable(net, [1, 3], 2), e2 = separable(net, [1, 3], 2), e3 = separable(net, [1, 3], 1), c1 = separable(net, [1, 3], 2);
    const join = net.grouped(32, 96, 16), start = net.grouped(16, 32, 16), gru = net.gru(256, 256), end = net.grouped(16, 16, 32), snr = net.dense(512, 1);
    net.run = (x) => {
      const bands = x.slice([0, 0, 0, 0], [1, STEPS, 32, 1]), spectrum = x.slice([0, 0, 32, 0], [1, STEPS, 192, 1]);
      const narrow = e3(e2(e1(tf.relu(e0(causal(bands, 2)))))), parts = tf.split(spectrum, 2, 2);
      const wide = c1(tf.relu(mix(tf.concat(parts.map((p, i) => c0[i](causal(p, 2))), 3))));
      const all = narrow.reshape([1, STEPS, 1, 512]).add(tf.relu(join(wide.reshape([1, STEPS, 1, 3072])))), y = tf.relu(end(along(gru, tf.relu(start(all)))));
      return [y, tf.sigmoid(snr(y))];
    };
    return net;
  }

  function deepFilterGains() {
    const net = new Net([1, STEPS, 1, 512]), start = net.grouped(16, 32, 16), grus = [net.gru(256, 256), net.gru(256, 256)], end = net.grouped(16, 16, 32);
    const beside = [8, 8, 16, 32].map((places) => ({ from: tf.keep(tf.ones([1, STEPS, places, 64])), conv: net.conv(64, 64, [1, 1], { groups: 64 }) }));
    const same = separable(net, [1, 3], 1), last = net.conv(64, 1, [1, 3]);
    const wider = [0, 1].map(() => [net.up(64, 64, [1, 3], { groups: 64 }), net.conv(64, 64, [1, 1])]);
    net.run = (x) => {
      const y = tf.relu(end(along(grus[1], along(grus[0], tf.relu(start(x)))))), path = (i) => tf.relu(beside[i].conv(beside[i].from));
      let z = same(y.reshape([1, STEPS, 8, 64]).add(path(0)));
      wider.forEach(([up, mix], i) => { z = tf.relu(mix(up(z.add(path(i + 1))))); });
      return tf.sigmoid(last(z.add(path(3))));
    };
    return net;
  }

  function deepFilterFilters() {
    const net = new Net([1, STEPS, 1, 512]), start = net.grouped(8, 64, 32), grus = [net.gru(256, 256), net.gru(256, 256)], skip = net.grouped(16, 32, 16);
    const spectrum = tf.keep(tf.ones([1, STEPS, 96, 64])), alongTime = net.conv(64, 10, [5, 1], { groups: 2 }), mix = net.conv(10, 10, [1, 1]);
    const share = net.dense(256, 1), end = net.grouped(16, 16, 60);
    net.run = (x) => {
      const y = along(grus[1], along(grus[0], tf.relu(start(x)))).add(skip(x)), beside = tf.relu(mix(alongTime(causal(spectrum, 4))));
      return [tf.tanh(end(y)).reshape([1, STEPS, 96, 10]).add(beside), tf.sigmoid(share(y))];
    };
    return net;
  }

  /** A frame of a spectrum: encoder, two layers along frequency and time, decoder, mask. */
  function gtcrn() {
    const net = new Net([1, 1, 257, 2]), bands = net.dense(192, 64), back = net.dense(64, 192);
    const neighbours = (y) => {
      const [, , places, channels] = y.shape, wide = tf.pad(y, [[0, 0], [0, 0], [1, 1], [0, 0]]);
      return tf.concat([0, 1, 2].map((at) => wide.slice([0, 0, at, 0], [1, 1, places, channels])), 3);
    };
    const block = (dilation) => {
      const wide = net.conv(24, 16, [1, 1]), p1 = net.prelu(16), past = net.past(2 * dilation, 33, 16);
      const look = net.conv(16, 16, [3, 3], { groups: 16, dilation }), p2 = net.prelu(16), narrow = net.conv(16, 8, [1, 1]);
      const gru = net.gru(8, 16), gate = net.dense(16, 8);
      return (x) => {
        const [a, b] = tf.split(x, 2, 3), y = narrow(p2(look(past(p1(wide(neighbours(a)))))));
        const g = tf.sigmoid(gate(gru(y.square().mean(2).reshape([1, 1, 8])))).reshape([1, 1, 1, 8]), z = y.mul(g);
        return tf.stack([z, b], 4).reshape([1, 1, 33, 16]);
      };
    };
    const pair = () => {
      const both = [0, 1].map(() => [net.gru(8, 4, 1, false), net.gru(8, 4, 1, false)]), mixed = net.dense(16, 16), norm = net.norm(33, 16);
      const later = [net.gru(8, 8, 33), net.gru(8, 8, 33)], mixedLater = net.dense(16, 16), normLater = net.norm(33, 16);
      return (x) => {
        const halves = tf.split(x.reshape([33, 1, 16]), 2, 2);
        const rows = tf.concat(halves.map((h, i) => tf.concat([both[i][0](h), tf.reverse(both[i][1](tf.reverse(h, 0)), 0)], 2)), 2);
        const y = x.add(norm(mixed(rows.reshape([1, 1, 33, 16]))));
        const steps = tf.concat(tf.split(y.reshape([1, 33, 16]), 2, 2).map((h, i) => later[i](h)), 2);
        return y.add(normLater(mixedLater(steps.reshape([1, 1, 33, 16]))));
      };
    };
    const first = net.conv(9, 16, [1, 5], { stride: 2 }), second = [net.conv(8, 8, [1, 5], { stride: 2 }), net.conv(8, 8, [1, 5], { stride: 2 })], p = [net.prelu(16), net.prelu(16), net.prelu(16)];
    const down = [1, 2, 5].map(block), pairs = [pair(), pair()], up = [5, 2, 1].map(block);
    const last = [net.weight(1, 5, 8, 8), net.weight(1, 5, 8, 8), net.weight(1, 5, 2, 16)];
    net.run = (x) => {
      const size = tf.sqrt(x.square().sum(3, true)), parts = tf.concat([size, x], 3);
      const low = parts.slice([0, 0, 0, 0], [1, 1, 65, 3]), high = bands(parts.slice([0, 0, 65, 0], [1, 1, 192, 3]).transpose([0, 1, 3, 2])).transpose([0, 1, 3, 2]);
      const e0 = p[0](first(neighbours(tf.concat([low, high], 2)))), e1 = p[1](tf.concat(tf.split(e0, 2, 3).map((h, i) => second[i](h)), 3));
      const before = [];
      let y = e1;
      for (const d of down) before.unshift(y = d(y));
      for (const d of pairs) y = d(y);
      up.forEach((u, i) => { y = u(y.add(before[i])); });
      y = tf.concat(tf.split(y.add(e1), 2, 3).map((h, i) => tf.conv2dTranspose(h, last[i], [1, 1, 65, 8], [1, 2], "same")), 3);
      const mask = tf.tanh(tf.conv2dTranspose(p[2](y).add(e0), last[2], [1, 1, 129, 2], [1, 2], "same"));
      const whole = tf.concat([mask.slice([0, 0, 0, 0], [1, 1, 65, 2]), back(mask.slice([0, 0, 65, 0], [1, 1, 64, 2]).transpose([0, 1, 3, 2])).transpose([0, 1, 3, 2])], 2);
      const [mr, mi] = tf.split(whole, 2, 3), [re, im] = tf.split(x, 2, 3);
      return tf.concat([re.mul(mr).sub(im.mul(mi)), im.mul(mr).add(re.mul(mi))], 3);
    };
    return net;
  }

  return {
    "DTLN 2": dtln2, "Silero VAD, 16 kHz": silero, FlashVAD: flashvad, GTCRN: gtcrn, "NAM WaveNet, A1 standard": nam,
    "DeepFilterNet3, encoder": deepFilterEncoder, "DeepFilterNet3, gains": deepFilterGains, "DeepFilterNet3, filters": deepFilterFilters,
  };
}
