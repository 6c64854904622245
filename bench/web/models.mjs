// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Published ONNX files in WebAssembly under Node.js: a module of `grus build --emit=wasm` beside onnxruntime-web on the
// same file, in turn, in one process, one thread each. Prints a row for each.
//
//   npm install onnxruntime-web
//   grus import model_1.onnx --stream -o model_1.grus && grus build model_1.grus --emit=wasm -o model_1.wasm
//   node models.mjs model_1.wasm=model_1.onnx ...
//
// Both get the same first input at each call; grus keeps its states, onnxruntime-web gets zeros. The difference is that of
// the first call.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const ROUNDS = 30, CALLS = 30;
const require = createRequire(path.join(process.cwd(), "here.js"));
const ort = await import(pathToFileURL(require.resolve("onnxruntime-web")));
ort.env.wasm.numThreads = 1;

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

async function time(call) {
  const from = process.hrtime.bigint();
  for (let i = 0; i < CALLS; i++) await call();
  return Number(process.hrtime.bigint() - from) / CALLS;
}

/** Zeros for each input; the first one is a sound. */
function feedsOf(session) {
  const feeds = {};
  for (const { name, shape } of session.inputMetadata) {
    const dims = shape.map((d) => (typeof d === "number" ? d : 1));
    feeds[name] = new ort.Tensor("float32", new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
  }
  const first = feeds[session.inputNames[0]].data;
  for (let i = 0; i < first.length; i++) first[i] = Math.sin(i * 0.37) / 2;
  return feeds;
}

async function row(wasm, onnx) {
  const module = path.resolve(wasm);
  const { load } = await import(pathToFileURL(module.replace(/[.]wasm$/, ".js")));
  const model = await load(fs.readFileSync(module));
  const stream = model.stream();
  const session = await ort.InferenceSession.create(onnx, { executionProviders: ["wasm"] });
  const feeds = feedsOf(session);
  const input = { [model.description.ports[0].name]: feeds[session.inputNames[0]].data };
  const ours = Object.values(stream.step(input))[0];
  const theirs = (await session.run(feeds))[session.outputNames[0]].data;
  const apart = ours.reduce((most, y, i) => Math.max(most, Math.abs(y - theirs[i])), 0);
  const a = [], b = [];
  for (let i = 0; i < ROUNDS; i++) {
    a.push(await time(() => stream.step(input)));
    b.push(await time(() => session.run(feeds)));
  }
  const [grus, other] = [median(a), median(b)];
  console.log(`| ${path.basename(onnx)} | ${Math.round(grus)} | ${Math.round(other)} | ${(other / grus).toFixed(2)} | ${apart.toExponential(0)} |`);
}

console.log("| file | grus, ns a call | onnxruntime-web | onnxruntime-web ÷ grus | difference |\n|---|---:|---:|---:|---:|");
for (const pair of process.argv.slice(2)) await row(...pair.split("="));
