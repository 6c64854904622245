// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sound through a model that is a stream of samples: a file at once, or a microphone in an audio worklet.

/** Whether a model takes one channel of sound and gives one. */
export function soundPorts(description) {
  const ins = description.ports.filter((p) => p.role === "in"), outs = description.ports.filter((p) => p.role === "out");
  const isSound = (p) => p.elem === "f32" && p.time === "stream" && p.count === description.steps / (p.period ?? 1);
  if (description.kind !== "stream" || ins.length !== 1 || outs.length !== 1 || !isSound(ins[0]) || !isSound(outs[0]) || ins[0].count !== outs[0].count) return null;
  const [n, d] = ins[0].rate ?? [0, 1];
  return n / d >= 4000 ? { input: ins[0], output: outs[0], rate: n / d, block: ins[0].count } : null;
}

/** All of a sound through the model; what it holds back at its end is not waited for. */
export function process(model, ports, samples) {
  const state = model.stream({}), out = new Float32Array(Math.floor(samples.length / ports.block) * ports.block);
  const x = model.port(ports.input.name), y = model.port(ports.output.name);
  let lost = 0;
  for (let at = 0; at + ports.block <= samples.length; at += ports.block) {
    x.set(samples.subarray(at, at + ports.block));
    if (state.go()) out.set(y, at);
    else lost += ports.block;
  }
  state.close();
  return { samples: out, lost };
}

/** 16-bit or float PCM of a .wav, its first channel. */
export function readWav(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), word = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 44 || word(0) !== "RIFF" || word(8) !== "WAVE") throw new Error("this is no .wav file: it does not begin with RIFF and WAVE");
  let rate = 0, channels = 1, format = 1, bits = 16;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true), body = at + 8;
    if (word(at) === "fmt ") (format = view.getUint16(body, true)), (channels = view.getUint16(body + 2, true)), (rate = view.getUint32(body + 4, true)), (bits = view.getUint16(body + 14, true));
    if (word(at) === "data") {
      if (!((format === 1 && bits === 16) || (format === 3 && bits === 32))) throw new Error(`a .wav with ${bits} bits in format ${format} is not read: 16-bit integers or 32-bit floats are`);
      const width = bits / 8, n = Math.floor(Math.min(size, bytes.length - body) / (width * channels)), samples = new Float32Array(n);
      for (let i = 0; i < n; i++) samples[i] = bits === 16 ? view.getInt16(body + i * width * channels, true) / 32768 : view.getFloat32(body + i * width * channels, true);
      return { rate, samples };
    }
    at = body + size + (size & 1);
  }
  throw new Error("this .wav has no samples");
}

/** Signal to noise in dB of `got`, which is `delay` samples late, against `clean`. */
export function snr(clean, got, delay = 0) {
  let signal = 0, noise = 0;
  for (let i = 0; i + delay < got.length && i < clean.length; i++) {
    signal += clean[i] ** 2;
    noise += (got[i + delay] - clean[i]) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

export function play(samples, rate) {
  const context = new AudioContext({ sampleRate: rate });
  const buffer = context.createBuffer(1, samples.length, rate);
  buffer.copyToChannel(samples, 0);
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  source.start();
  source.onended = () => context.close();
  return () => context.close();
}

/** Microphone -> model -> loudspeaker. Returns how to stop it. */
export async function live(module, ports, workletUrl) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  const context = new AudioContext({ sampleRate: ports.rate });
  await context.audioWorklet.addModule(workletUrl);
  const node = new AudioWorkletNode(context, "grus-model", { outputChannelCount: [1], processorOptions: { module, ports } });
  context.createMediaStreamSource(stream).connect(node).connect(context.destination);
  return {
    node,
    stop() {
      stream.getTracks().forEach((track) => track.stop());
      return context.close();
    },
  };
}
