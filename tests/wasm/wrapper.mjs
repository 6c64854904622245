// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// wrapper.mjs DIR: what `grus build --emit=wasm` wrote into DIR, used as a program would: arrays in, arrays
// out, states of their own, and an answer to every mistake.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const dir = resolve(process.argv[2]);
const load = async (name, ...rest) => (await import(pathToFileURL(join(dir, `${name}.js`)))).load(...rest);
const refuses = (act, words) => assert.throws(act, (error) => error.name === "GrusModelError" && error.message.includes(words) ? true : assert.fail(error.message));
const refusesLater = (act, words) => assert.rejects(act, (error) => error.name === "GrusModelError" && error.message.includes(words) ? true : assert.fail(error.message));

// A whole sequence, as long as the array says.
const whole = await load("whole");
assert.equal(whole.description.name, "whole");
const x = Float32Array.from({ length: 20 }, (_, i) => Math.sin(i));
const { y, last } = whole.run({ x });
assert.equal(y.length, 5 * 3);
assert.deepEqual(last, y.slice(-3));
assert.deepEqual(whole.run({ x: x.slice(0, 8) }).y, y.slice(0, 6)); // a shorter one is its beginning
refuses(() => whole.run({}), "input `x` is missing: f32[time 9, 4]");
refuses(() => whole.run({ x: x.slice(0, 7) }), "7 numbers, which are no whole steps of 4");
refuses(() => whole.run({ x: new Float32Array(40) }), "`n` is 10, and its bound is 9");
refuses(() => whole.run({ x: new Float32Array(0) }), "a length is out of range");
refuses(() => whole.stream(), "`whole` is no stream: call run");

// Two streams of one model do not disturb each other, and go on from what was saved.
const model = await load("steps");
const a = model.stream(), b = model.stream(), seen = [];
for (let i = 0; i < 6; i++) {
  seen.push(a.step({ x: [i] }).y[0]);
  b.step({ x: [-i] });
}
const c = model.stream();
for (let i = 0; i < 3; i++) assert.equal(c.step({ x: i }).y[0], seen[i]);
const saved = c.save();
assert.equal(c.step({ x: 3 }).y[0], seen[3]);
c.restore(saved);
assert.equal(c.step({ x: 3 }).y[0], seen[3]);
c.reset();
assert.equal(c.step({ x: 0 }).y[0], seen[0]);
assert.equal(c.state(model.description.state[0].name).length, 4);
refuses(() => c.state("h_none"), "there is no state `h_none`");
refuses(() => c.restore(new Uint8Array(3)), "bytes, not 3");
refuses(() => c.step({ x: [1, 2] }), "input `x` has 2 numbers, and needs 1");
c.reset();
model.port("x")[0] = 0;
assert.ok(c.go());
assert.equal(model.port("y")[0], seen[0]);
refuses(() => model.port("z"), "there is no port `z`: there is x, y");
c.close();
refuses(() => c.step({ x: 0 }), "this state was closed");
for (let i = 0; i < 10000; i++) model.stream().close(); // memory is used again
assert.ok(model.memory.buffer.byteLength < 1 << 20);

// Categories.
const words = await load("words");
assert.equal(words.run({ id: 2 }).y.length, 3);
refuses(() => words.run({ id: 5 }), "a category is out of range");

// Weights at run time: the block of this model, whole.
const block = readFileSync(join(dir, "words.bin"));
const outside = await load("outside", undefined, block);
assert.deepEqual(outside.run({ id: 2 }), words.run({ id: 2 }));
await refusesLater(() => load("outside"), "leaves its weights to run time");
await refusesLater(() => load("outside", undefined, block.subarray(0, 100)), "these are not the weights");
const damaged = Buffer.from(block);
damaged[block.length - 1] ^= 1;
await refusesLater(() => load("outside", undefined, damaged), "are damaged");

// Files that are something else.
await refusesLater(() => load("whole", new Uint8Array([1, 2, 3])), "no WebAssembly");
await refusesLater(() => load("whole", new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])), "was not made by");
const half = readFileSync(join(dir, "whole.wasm"));
await refusesLater(() => load("whole", half.subarray(0, half.length >> 1)), "no WebAssembly");
console.log("ok");
