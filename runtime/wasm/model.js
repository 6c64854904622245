// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Running a model that `grus build --emit=wasm` made: the same file for every model, for browsers,
// workers, audio worklets and Node. A module describes itself in its section "grus"; this file reads
// that and turns arrays into calls.
//
//   const model = await loadModel(bytes);
//   model.run({ mfcc })                      // whole inputs -> { probs }
//   const s = model.stream(); s.step({ x })  // streams: one state each; windows: window(), push()

const ARRAYS = { f32: Float32Array, f16: Uint16Array, bf16: Uint16Array, i8: Int8Array, i16: Int16Array,
  i32: Int32Array, u8: Uint8Array, u16: Uint16Array };
const STATUS = ["", "a category is out of range", "a length is out of range", "no output yet"];
const NO_OUTPUT = 3, PAGE = 65536, ALIGN = 64, WEIGHTS_HEADER = 24;

/** An input, a file or a call that does not fit the model; the message says what was needed. */
export class GrusModelError extends Error {
  constructor(message) {
    super(message);
    this.name = "GrusModelError";
  }
}

const fail = (message) => {
  throw new GrusModelError(message);
};

// Audio worklets have no TextDecoder.
function utf8(bytes) {
  if (typeof TextDecoder !== "undefined") return new TextDecoder().decode(bytes);
  let text = "";
  for (const byte of bytes) text += "%" + byte.toString(16).padStart(2, "0");
  return decodeURIComponent(text);
}

/** What a compiled module says of itself. */
export function describe(module) {
  const sections = WebAssembly.Module.customSections(module, "grus");
  if (sections.length === 0) fail("this WebAssembly was not made by `grus build --emit=wasm`: it has no section `grus`");
  const description = JSON.parse(utf8(new Uint8Array(sections[0])));
  if (description.grus !== 1) fail(`this module has version ${description.grus} of the description, and this file reads version 1`);
  return description;
}

/** Memory of the caller: from `end` on, in blocks that are used again. */
class Heap {
  constructor(memory, end) {
    this.memory = memory;
    this.end = end;
    this.free = new Map(); // by size: addresses
  }
  take(bytes) {
    const size = Math.ceil(Math.max(bytes, 1) / ALIGN) * ALIGN;
    const old = this.free.get(size);
    if (old && old.length) return old.pop();
    const at = this.end;
    this.end += size;
    const missing = this.end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
    return at;
  }
  give(at, bytes) {
    const size = Math.ceil(Math.max(bytes, 1) / ALIGN) * ALIGN;
    if (!this.free.has(size)) this.free.set(size, []);
    this.free.get(size).push(at);
  }
}

/** Numbers into memory, after looking at how many there are. Where the time is not the outermost axis and
 * is shorter than its bound, its rows lie apart. */
function write(model, port, value, count) {
  if (typeof value === "number") value = [value];
  if (value === undefined || value === null || typeof value.length !== "number") fail(`input \`${port.name}\` is missing: ${shapeOf(port)}`);
  if (value.length !== count) fail(`input \`${port.name}\` has ${value.length} numbers, and needs ${count}: ${shapeOf(port)}`);
  const view = model.view(port.elem, model.address[port.index], port.count), rows = rowsOf(port, count);
  for (let row = 0, from = 0; row < rows.n; row++, from += rows.used)
    view.set(rows.n === 1 ? value : Array.prototype.slice.call(value, from, from + rows.used), row * rows.apart);
}

/** Numbers out of memory, close together. */
function read(model, port, count) {
  const view = model.view(port.elem, model.address[port.index], port.count), rows = rowsOf(port, count);
  const result = new ARRAYS[port.elem](count);
  for (let row = 0; row < rows.n; row++) result.set(view.subarray(row * rows.apart, row * rows.apart + rows.used), row * rows.used);
  return result;
}

/** How `count` numbers of a port lie: n rows with `used` numbers each, `apart` from start to start. */
function rowsOf(port, count) {
  const n = count === port.count || port.timeAxis < 0 ? 1 : port.shape.slice(0, port.timeAxis).reduce((a, b) => a * b, 1);
  return { n, used: count / n, apart: port.count / n };
}

function shapeOf(port) {
  const axes = port.shape.map((n, i) => (port.labels[i] ? `${port.labels[i]} ${n}` : `${n}`));
  return `${port.elem}[${axes.join(", ")}]`;
}

/** Numbers of one step, and steps, of a sequence. */
function stepSize(port) {
  return port.shape.reduce((n, size, axis) => (axis === port.timeAxis ? n : n * size), 1);
}

class Model {
  constructor(description, instance, weights) {
    this.description = description;
    this.exports = instance.exports;
    this.memory = instance.exports.memory;
    this.heap = new Heap(this.memory, description.end);
    this.ports = description.ports.map((port, index) => ({ ...port, index }));
    this.address = this.ports.map((port) => this.heap.take(port.count * ARRAYS[port.elem].BYTES_PER_ELEMENT));
    this.lengthAddress = description.lengths.map(() => this.heap.take(4 * description.batch));
    this.weights = weights ? this.place(weights) : 0;
    if (description.kind !== "whole") delete this.run;
  }

  place(bytes) {
    const at = this.heap.take(bytes.length);
    new Uint8Array(this.memory.buffer, at, bytes.length).set(bytes);
    return at;
  }

  view(elem, at, count) {
    return new ARRAYS[elem](this.memory.buffer, at, count);
  }

  /** The memory of an input or output itself, for calls that copy nothing; good until memory grows. */
  port(name) {
    const port = this.ports.find((one) => one.name === name);
    if (!port) fail(`there is no port \`${name}\`: there is ${this.ports.map((one) => one.name).join(", ")}`);
    return this.view(port.elem, this.address[port.index], port.count);
  }

  ports_of(role) {
    return this.ports.filter((port) => port.role === role);
  }

  call(name, state, lengths) {
    const entry = this.description.entries[name];
    const values = entry.state ? [state] : [];
    for (const p of entry.params) {
      if (p.length !== undefined) values.push(p.value ? lengths[p.length] : this.lengthAddress[p.length]);
      else if (p.value) values.push(this.view(this.ports[p.port].elem, this.address[p.port], 1)[0]);
      else values.push(this.address[p.port]);
    }
    if (entry.weights) values.push(this.weights);
    const status = this.exports[name](...values);
    if (entry.status && status !== 0 && status !== NO_OUTPUT) fail(`${this.description.name}: ${STATUS[status]}`);
    return entry.status ? status : 0;
  }

  results(steps) {
    const outputs = {};
    for (const port of this.ports_of("out")) {
      const count = steps ? steps(port) : port.count;
      outputs[port.name] = read(this, port, count);
    }
    return outputs;
  }

  /** The length an input was given, from how many numbers it has. */
  lengthsOf(inputs) {
    const lengths = this.description.lengths.map(() => undefined);
    for (const port of this.ports_of("in")) {
      if (port.length === undefined || port.lengthHop) continue;
      const given = inputs[port.name];
      if (given === undefined || given === null) continue;
      const size = stepSize(port), n = typeof given === "number" ? 1 : given.length;
      if (this.description.batch > 1) continue;
      if (n % size !== 0) fail(`input \`${port.name}\` has ${n} numbers, which are no whole steps of ${size}: ${shapeOf(port)}`);
      const before = lengths[port.length], name = this.description.lengths[port.length].name;
      if (before !== undefined && before !== n / size) fail(`\`${name}\` would be ${before} and ${n / size}: inputs with one length have as many steps`);
      lengths[port.length] = n / size;
    }
    const explicit = inputs.lengths || {};
    return lengths.map((n, i) => {
      const { name, bound } = this.description.lengths[i];
      const value = explicit[name] ?? n ?? bound;
      for (const one of [].concat(value)) if (one > bound) fail(`\`${name}\` is ${one}, and its bound is ${bound}`);
      return value;
    });
  }

  /** Runs whole inputs. */
  run(inputs = {}) {
    const lengths = this.lengthsOf(inputs), { batch } = this.description;
    const steps = (port) => {
      if (port.length === undefined || batch > 1) return port.count;
      const n = lengths[port.length];
      return stepSize(port) * (port.lengthHop ? Math.floor((n - port.lengthSize) / port.lengthHop) + 1 : n);
    };
    for (const port of this.ports_of("in")) write(this, port, inputs[port.name], steps(port));
    if (batch > 1) lengths.forEach((n, i) => this.view("i32", this.lengthAddress[i], batch).set(Array.isArray(n) ? n : Array(batch).fill(n)));
    this.call("run", 0, lengths);
    return this.results(steps);
  }

  /** A state of its own, for calls in order. */
  stream(init) {
    if (this.description.kind !== "stream") fail(`\`${this.description.name}\` is no stream: call ${this.description.kind === "whole" ? "run" : "window"}`);
    return new State(this, "step", init);
  }

  /** A window of its own, that samples are pushed into. */
  window(init) {
    if (this.description.kind !== "window") fail(`\`${this.description.name}\` takes no windows: call ${this.description.kind === "whole" ? "run" : "stream"}`);
    return new State(this, "push", init);
  }
}

class State {
  constructor(model, entry, init) {
    this.model = model;
    this.entry = entry;
    this.bytes = model.description.stateBytes;
    this.at = model.heap.take(this.bytes);
    this[entry] = (inputs = {}) => this.next(inputs);
    this.reset(init);
  }

  reset(init = {}) {
    for (const port of this.model.ports_of("init")) write(this.model, port, init[port.name], port.count);
    this.model.call("reset", this.at, []);
  }

  next(inputs) {
    for (const port of this.model.ports_of("in")) write(this.model, port, inputs[port.name], port.count);
    return this.go() ? this.model.results() : null;
  }

  /** One call on what stands in the memory of the ports; false while there is no output yet. */
  go() {
    if (this.at === 0) fail("this state was closed");
    return this.model.call(this.entry, this.at, []) !== NO_OUTPUT;
  }

  save() {
    return new Uint8Array(this.model.memory.buffer, this.at, this.bytes).slice();
  }

  restore(saved) {
    if (saved.length !== this.bytes) fail(`a state of this model has ${this.bytes} bytes, not ${saved.length}`);
    new Uint8Array(this.model.memory.buffer, this.at, this.bytes).set(saved);
  }

  state(name) {
    const field = this.model.description.state.find((one) => one.name === name);
    if (!field) fail(`there is no state \`${name}\`: there is ${this.model.description.state.map((one) => one.name).join(", ") || "none"}`);
    return this.model.view(field.elem, this.at + field.offset, field.count).slice();
  }

  close() {
    if (this.at) this.model.heap.give(this.at, this.bytes);
    this.at = 0;
  }
}

// ---- weights at run time ----

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function checkWeights(description, weights) {
  if (!description.weightBlock) return undefined;
  if (!weights) fail(`\`${description.name}\` leaves its weights to run time: give a block of ${description.weightBlock} bytes, as \`grus weights\` writes`);
  const bytes = ArrayBuffer.isView(weights) ? new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength) : new Uint8Array(weights);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isRight = bytes.length >= WEIGHTS_HEADER && view.getUint32(8, true) === description.weightBlock && bytes.length >= description.weightBlock &&
    view.getBigUint64(16, true).toString(16).padStart(16, "0") === description.weightHash;
  if (!isRight) fail(`these are not the weights of \`${description.name}\`: a block of ${description.weightBlock} bytes for this module was needed`);
  const block = bytes.subarray(0, description.weightBlock);
  if (crc32(block.subarray(16)) !== view.getUint32(12, true)) fail(`the weights of \`${description.name}\` are damaged: their checksum differs`);
  return block;
}

// ---- loading ----

async function fetched(source) {
  const url = source instanceof URL ? source : new URL(source, globalThis.location ? globalThis.location.href : import.meta.url);
  if (url.protocol === "file:" && typeof process !== "undefined") {
    const { readFile } = await import("node:fs/promises");
    return readFile(url);
  }
  const response = await fetch(url);
  if (!response.ok) fail(`${url} could not be read: ${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}

/** A model of a module that is compiled already; for audio worklets, which cannot wait. The main thread of a browser
 * makes no instance of more than 8 MB in this way: use loadModel there. */
export function instantiateModel(module, weights, description = describe(module)) {
  const block = checkWeights(description, weights);
  return new Model(description, new WebAssembly.Instance(module), block);
}

/** A model from an address, bytes, a response, or a compiled module. */
export async function loadModel(source, weights) {
  if (typeof source === "string" || source instanceof URL) source = await fetched(source);
  else if (typeof Response !== "undefined" && source instanceof Response) source = await source.arrayBuffer();
  let module = source;
  try {
    if (!(source instanceof WebAssembly.Module)) module = await WebAssembly.compile(source);
  } catch (error) {
    const hint = WebAssembly.validate(SIMD_PROBE) ? "" : "; this engine has no vectors: build with `--target generic`";
    fail(`these bytes are no WebAssembly that this engine takes (${error.message})${hint}`);
  }
  const description = describe(module), block = checkWeights(description, weights);
  return new Model(description, await WebAssembly.instantiate(module), block);
}

// (func (result v128) i32.const 0 i8x16.splat)
const SIMD_PROBE = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11]);

/** Whether this engine has the vectors that `--target wasm-simd` uses. */
export const hasSimd = () => WebAssembly.validate(SIMD_PROBE);
