// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// npm.mjs PACKAGE GRUS ROOT: the npm package as its user has it: what its compiler writes is what the native one
// writes, byte for byte, for each example; models run; mistakes are told.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [pack, grus, root] = process.argv.slice(2).map((path) => resolve(path));
const { build, check, compile, Files, importModel, load } = await import(pathToFileURL(join(pack, "index.js")));
const dir = mkdtempSync(join(tmpdir(), "grus-npm-"));
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));

const examples = ["language/activity", "language/failure", "language/kws", "language/kws8", "language/sentiment", "language/tagger", "language/tracker", "language/denoise", "amp/amp"];
for (const name of examples) {
  const source = readFileSync(join(root, "examples", `${name}.grus`), "utf8"), args = ["--weights", "random:5"];
  writeFileSync(join(dir, "model.grus"), source);
  for (const [emit, file] of [["header", "model.h"], ["wasm", "model.wasm"]]) {
    execFileSync(grus, ["build", "model.grus", `--emit=${emit}`, "-o", file, "-q", ...args], { cwd: dir });
    const made = await build(source, { emit, weights: "random:5" });
    assert.ok(Buffer.compare(readFileSync(join(dir, file)), Buffer.from(made[file])) === 0, `${name}: ${file} differs from the native compiler's`);
  }
}
console.log(`${examples.length} examples: the bytes of the native compiler`);

const wrong = "grus 1\nmodel m {\n  in x : f32[4]\n  out y : f32[4] = x |> Dense(3)\n}\n", right = wrong.replace("Dense(3)", "Dense(4)");
assert.deepEqual((await check(wrong)).map((one) => one.code), ["E302"]);
assert.deepEqual(await check(right), []);
await assert.rejects(build(wrong, { weights: "random:1" }), (error) => error.name === "GrusError" && error.diagnostics[0].code === "E302");
await assert.rejects(build(right), (error) => error.message.includes("E604"));
await assert.rejects(build(right, { emit: "obj" }), (error) => error.message.includes('"wasm"'));
const model = await compile(right, { weights: "random:1" });
assert.equal(model.run({ x: [1, 2, 3, 4] }).y.length, 4);

// Weights beside the text, and a model of another framework.
const gesture = join(root, "examples/gesture");
const trained = await compile(readFileSync(join(gesture, "gesture.grus"), "utf8"), { files: { "gesture.safetensors": readFileSync(join(gesture, "gesture.safetensors")) } });
const { activity } = trained.run({ imu: new Float32Array(600) });
assert.ok(Math.abs(activity.reduce((a, b) => a + b, 0) - 1) < 1e-5);
const imported = await importModel("nam_wavenet.nam", readFileSync(join(root, "tests/conformance/audio/fixtures/nam_wavenet.nam")));
assert.match(imported.source, /^grus 1/);
assert.deepEqual(await check(imported.source, { files: imported.files }), []);
await assert.rejects(importModel("broken.onnx", new Uint8Array([1, 2, 3])), (error) => error.name === "GrusError" && error.message.includes("broken.onnx"));

// Keras files, whose weights are HDF5: text and weights as the native compiler writes them; damaged ones are told.
for (const name of ["lstm.keras", "gru.h5", "two_way_sum_lstm.h5", "conv.keras"]) {
  const bytes = readFileSync(join(root, "tests/conformance/keras/fixtures", name));
  writeFileSync(join(dir, name), bytes);
  execFileSync(grus, ["import", name, "-o", "imported.grus", "-q"], { cwd: dir });
  const { source, files } = await importModel(name, bytes);
  assert.equal(source, readFileSync(join(dir, "imported.grus"), "utf8"), name);
  for (const [file, data] of Object.entries(files)) assert.ok(Buffer.compare(readFileSync(join(dir, file)), Buffer.from(data)) === 0, `${name}: ${file}`);
  const half = bytes.subarray(0, bytes.length >> 1);
  await assert.rejects(importModel(name, half), (error) => error.name === "GrusError" && error.message.includes(name));
  await assert.rejects(importModel(name, Buffer.from(bytes).fill(0x55, bytes.length >> 1)), (error) => error.name === "GrusError" && (error.message.includes(name) || error.message.includes("damaged")));
}
console.log("Keras files: the bytes of the native compiler");

// A command that needs what a page has not says so, and nothing else breaks.
const compiler = await load(), files = new Files({ "m.grus": right });
const run = await compiler.run(["run", "m.grus", "--weights", "random:1", "x=1,2,3,4"], files);
assert.notEqual(run.code, 0);
assert.match(run.stderr, /^grus: error: /);
assert.equal((await compiler.run(["check", "m.grus"], files)).code, 0);

// The command line of the package.
cpSync(join(gesture, "gesture.safetensors"), join(dir, "gesture.safetensors"));
cpSync(join(gesture, "gesture.grus"), join(dir, "gesture.grus"));
const cli = (...args) => spawnSync(process.execPath, [join(pack, "cli.js"), ...args], { cwd: dir, encoding: "utf8" });
assert.equal(cli("build", "gesture.grus", "-o", "by_node.h", "-q").stderr, "");
execFileSync(grus, ["build", "gesture.grus", "-o", "by_grus.h", "-q"], { cwd: dir });
const text = (name) => readFileSync(join(dir, name), "utf8");
assert.equal(text("by_node.h"), text("by_grus.h"));
writeFileSync(join(dir, "wrong.grus"), wrong);
const failed = cli("check", "wrong.grus");
assert.equal(failed.status, 1);
assert.match(failed.stderr, /error\[E302\]/);
console.log("ok");
