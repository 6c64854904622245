// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Published nets as TensorFlow.js has them, with its WebAssembly backend under Node.js, one thread: microseconds a call. It
// reads no ONNX files, so the layers are written here and in tfjs_nets.mjs, with weights that are not trained; they do not
// change the time.
//
//   npm install @tensorflow/tfjs-core @tensorflow/tfjs-layers @tensorflow/tfjs-backend-cpu @tensorflow/tfjs-backend-wasm
//   node tfjs.mjs
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { netsOf } from "./tfjs_nets.mjs";

const require = createRequire(path.join(process.cwd(), "here.js"));
const of = async (name) => import(pathToFileURL(require.resolve(`@tensorflow/${name}`)));
const tf = await of("tfjs-core"), layers = await of("tfjs-layers");
await of("tfjs-backend-cpu");
const wasm = await of("tfjs-backend-wasm");
const { setWasmPaths, setThreadsCount } = wasm.default ?? wasm;
setWasmPaths(path.join(path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm")), path.sep));
setThreadsCount(1);
await tf.setBackend("wasm");

const BLOCKS = 30, MOST_CALLS = 20, BLOCK_NS = 4e7, WARM_NS = 2e9;

const recurrent = { stateful: true, returnSequences: true, recurrentActivation: "sigmoid", recurrentInitializer: "glorotUniform" };
const lstm = (units) => layers.layers.lstm({ units, ...recurrent });
const gru = (units) => layers.layers.gru({ units, activation: "relu", ...recurrent });
const dense = (units, activation) => layers.layers.dense({ units, activation });
const input = (size) => layers.input({ batchShape: [1, 1, size] });
const model = (x, outputs) => layers.model({ inputs: x, outputs });

/** LSTMs on a spectrum, and a mask of as many numbers. */
function dtln(size) {
  const x = input(size);
  return model(x, dense(size, "sigmoid").apply(lstm(128).apply(lstm(128).apply(x))));
}

function rnnoise() {
  const x = input(42), join = (...parts) => layers.layers.concatenate().apply(parts);
  const start = dense(24, "tanh").apply(x), speech = gru(24).apply(start);
  const noise = gru(48).apply(join(start, speech, x)), last = gru(96).apply(join(speech, noise, x));
  return model(x, [dense(22, "sigmoid").apply(last), dense(1, "sigmoid").apply(speech)]);
}

/** A residual network of bottlenecks, then an LSTM in both directions along the columns; its norms are in the convolutions. */
function crnn() {
  const { layers: of } = layers, conv = (filters, kernelSize, strides = 1) => of.conv2d({ filters, kernelSize, strides, padding: "same" });
  const relu = (y) => of.reLU().apply(y), x = layers.input({ batchShape: [1, 60, 160, 3] });
  let y = relu(conv(64, 7, 2).apply(x));
  y = of.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }).apply(y);
  for (const [width, blocks, first] of [[64, 3, 1], [128, 4, 2]])
    for (let i = 0; i < blocks; i++) {
      const active = relu(y), strides = i ? 1 : first, narrow = relu(conv(width, 1).apply(active));
      const wide = conv(4 * width, 1).apply(relu(conv(width, 3, strides).apply(narrow)));
      y = of.add().apply([wide, i ? y : conv(4 * width, 1, strides).apply(active)]);
    }
  y = of.reshape({ targetShape: [20, 4096] }).apply(of.permute({ dims: [2, 1, 3] }).apply(relu(y)));
  const both = of.bidirectional({ layer: of.lstm({ units: 100, ...recurrent, stateful: false }), mergeMode: "concat" });
  return model(x, dense(37).apply(both.apply(y)));
}

function timeOf(net) {
  const shape = net.inputs[0].shape, size = shape.reduce((a, b) => a * b, 1);
  const x = tf.tensor(Float32Array.from({ length: size }, (_, i) => Math.sin(i)), shape);
  const call = () => tf.tidy(() => [net.predict(x)].flat().forEach((y) => y.dataSync()));
  const timeOfCalls = (n) => {
    const from = process.hrtime.bigint();
    for (let i = 0; i < n; i++) call();
    return Number(process.hrtime.bigint() - from) / n;
  };
  for (const from = process.hrtime.bigint(); process.hrtime.bigint() - from < WARM_NS;) call();
  const calls = Math.max(1, Math.min(MOST_CALLS, Math.round(BLOCK_NS / timeOfCalls(1))));
  const times = Array.from({ length: BLOCKS }, () => timeOfCalls(calls));
  return times.sort((a, b) => a - b)[BLOCKS >> 1];
}

const nets = { "DTLN 1": () => dtln(257), "RNNoise 0.1": rnnoise, "captcha CRNN": crnn, ...netsOf(tf) };
for (const [name, make] of Object.entries(nets)) {
  const net = make();
  console.log(`${name}: ${net.countParams().toLocaleString("en")} parameters, ${Math.round(timeOf(net) / 1000).toLocaleString("en")} µs a call`);
}
