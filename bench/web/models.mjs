// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Published ONNX files in WebAssembly under Node.js: a module of `grus build --emit=wasm` beside onnxruntime-web on the
// same file, in turn, in one process, one thread each. Prints a row for each; bench/compare --all makes the modules.
//
//   npm install onnxruntime-web
//   grus import model_1.onnx --stream -o model_1.grus && grus build model_1.grus --emit=wasm -o model_1.wasm
//   node models.mjs model_1.wasm=model_1.onnx=NAME ...
//
// Both get the same inputs at each call; grus keeps its states, onnxruntime-web gets zeros. A call of several steps
// is shared among them. The difference is that of the first call, relative to the largest output, at least 1. Both are
// called for WARM_NS first, until V8 has compiled both with its optimising compiler; it does that in the background, so do
// not bind the process to one core. With floor.wasm (floor.c) beside the modules, "products alone" is what the
// multiply-adds take from registers.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const ROUNDS = 30, BLOCK_NS = 5e6, WARM_NS = 2e9;
const require = createRequire(path.join(process.cwd(), "here.js"));
const ort = await import(pathToFileURL(require.resolve("onnxruntime-web")));
ort.env.wasm.numThreads = 1;

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
const folded = (name) => name.replace(/\W/g, "_").toLowerCase();
const product = (dims) => dims.reduce((a, b) => a * b, 1);

async function time(call, calls) {
  const from = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) await call();
  return Number(process.hrtime.bigint() - from) / calls;
}

const FLOOR_WARM_NS = 3e8, FLOOR_TRIES = 40, MOST_READ = 1 << 25; // as floor.c

/** The least time of a call, in ns, after as many as it takes V8 to compile it for good. */
function leastOf(call) {
  let best = Infinity;
  for (const from = process.hrtime.bigint(); process.hrtime.bigint() - from < FLOOR_WARM_NS;) call();
  for (let i = 0; i < FLOOR_TRIES; i++) {
    const from = process.hrtime.bigint();
    call();
    best = Math.min(best, Number(process.hrtime.bigint() - from));
  }
  return best;
}

/** What floor.wasm measures, if it is there: ns of so many multiply-adds from registers, and ns to read so many bytes. */
function floorsOf(file) {
  if (!fs.existsSync(file)) return null;
  const { spin, read } = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(file))).exports;
  const rounds = 100000, times = 4, each = leastOf(() => spin(rounds, 0.5)) / (56 * rounds);
  return {
    products: (macs) => macs * each,
    reading: (bytes) => (bytes > MOST_READ ? NaN : leastOf(() => read(bytes, times)) / times),
  };
}

async function warm(call) {
  for (const from = process.hrtime.bigint(); process.hrtime.bigint() - from < WARM_NS;) await call();
}

/** As many calls as take a block. */
async function callsOf(call) {
  for (let calls = 1; ; calls *= 2) {
    const ns = await time(call, calls) * calls;
    if (ns >= BLOCK_NS / 2) return Math.max(1, Math.round(calls * BLOCK_NS / ns));
  }
}

/** The axes of an input of the file; those that are open share what `count` leaves, the last one first. */
function dimsOf(shape, count) {
  const dims = shape.map((d) => (Number.isInteger(d) && d > 0 && d < 1e9 ? d : 0));
  let rest = Math.floor(count / product(dims.filter((d) => d)));
  for (let i = dims.length - 1; i >= 0; i--) {
    if (dims[i]) continue;
    dims[i] = Math.max(1, rest);
    rest = 1;
  }
  return dims;
}

/** A sound for what both read, zeros for states, 16000 for a rate: [inputs of grus, inputs of the file]. */
function feedsOf(model, session) {
  const ports = model.description.ports.filter((port) => port.role === "in"), given = {}, feeds = {};
  for (const { name, shape, type } of session.inputMetadata) {
    const port = ports.find((one) => folded(one.name) === folded(name));
    if (type === "int64") {
      feeds[name] = new ort.Tensor("int64", BigInt64Array.of(16000n), shape);
      continue;
    }
    const dims = dimsOf(shape, port ? port.count : 1), data = new Float32Array(product(dims));
    for (let i = 0; i < data.length && port; i++) data[i] = Math.sin(i * 0.37) / 2;
    if (port) given[port.name] = data;
    feeds[name] = new ort.Tensor("float32", data, dims);
  }
  const missing = ports.filter((port) => !given[port.name]);
  if (missing.length === 1 && ports.length === 1) { // a name that is no name in grus
    const { name, shape } = session.inputMetadata[0], data = new Float32Array(missing[0].count);
    for (let i = 0; i < data.length; i++) data[i] = Math.sin(i * 0.37) / 2;
    given[missing[0].name] = data;
    feeds[name] = new ort.Tensor("float32", data, dimsOf(shape, data.length));
  } else if (missing.length) throw new Error(`inputs that the file does not have: ${missing.map((port) => port.name)}`);
  return [given, feeds];
}

/** The largest difference between outputs of equal name, or of the only one. */
function differenceOf(ours, theirs, names) {
  let far = 0, compared = 0;
  for (const [name, y] of Object.entries(ours)) {
    const same = names.find((one) => folded(one) === folded(name)) ?? (Object.keys(ours).length === 1 ? names[0] : undefined);
    if (same === undefined || theirs[same].data.length !== y.length) continue;
    const scale = theirs[same].data.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
    y.forEach((v, i) => (far = Math.max(far, Math.abs(v - theirs[same].data[i]) / scale)));
    compared++;
  }
  if (!compared) throw new Error("no output of the file is one of the module");
  return far;
}

const floors = floorsOf("floor.wasm");

async function row(wasm, onnx, title) {
  const module = path.resolve(wasm);
  const { load } = await import(pathToFileURL(module.replace(/[.]wasm$/, ".js")));
  const model = await load(fs.readFileSync(module));
  const session = await ort.InferenceSession.create(onnx, { executionProviders: ["wasm"] });
  const [given, feeds] = feedsOf(model, session);
  const streams = model.description.kind === "stream", stream = streams ? model.stream() : null;
  const call = streams ? () => stream.step(given) : () => model.run(given), other = () => session.run(feeds);
  const timed = model.description.ports.find((port) => port.role === "in" && port.timeAxis === 0);
  const steps = timed ? timed.shape[timed.timeAxis] : 1, whole = streams ? "one step" : "all of it";
  const far = differenceOf(call(), await other(), session.outputNames);
  await warm(call);
  await warm(other);
  const a = [], b = [], calls = [await callsOf(call), await callsOf(other)];
  for (let i = 0; i < ROUNDS; i++) {
    a.push(await time(call, calls[0]));
    b.push(await time(other, calls[1]));
  }
  const [ours, theirs] = [median(a) / steps, median(b) / steps];
  const number = (ns) => Number.isNaN(ns) ? "" : Math.round(ns).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  const { macs, params } = model.description;
  const alone = floors ? [floors.products(macs), floors.reading(4 * params)].map((ns) => number(ns / steps)) : ["", ""];
  const cells = [title ?? path.basename(onnx), steps > 1 ? `${steps} steps` : whole, `**${number(ours)}**`, ...alone, number(theirs),
    `**${(theirs / ours).toFixed(2)}**`, far.toExponential(0)];
  console.log(`| ${cells.join(" | ")} |`);
}

const HEAD = ["in WebAssembly", "a call", "grus", "products alone", "weights alone", "onnxruntime-web", "onnxruntime-web ÷ grus",
  "difference"];
console.log(`| ${HEAD.join(" | ")} |\n| --- | --- |${" ---: |".repeat(HEAD.length - 2)}`);
for (const pair of process.argv.slice(2)) await row(...pair.split("="));
