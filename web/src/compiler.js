// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The compiler as WebAssembly: one command line at a time, in an instance of its own, or the language
// server, in one that lives. Files are those of a folder in memory; nothing else is seen.
import { Directory, File, OpenFile, PreopenDirectory, WASI } from "@bjorn3/browser_wasi_shim";

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** Files by name, as the compiler sees them: "model.grus", "folder/weights.safetensors". */
export class Files {
  constructor(files = {}) {
    this.root = new Map();
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }
  write(name, content) {
    const parts = name.split("/").filter((part) => part && part !== ".");
    let at = this.root;
    for (const part of parts.slice(0, -1)) {
      if (!at.has(part)) at.set(part, new Directory(new Map()));
      at = at.get(part).contents;
    }
    at.set(parts[parts.length - 1], new File(typeof content === "string" ? encoder.encode(content) : content));
  }
  remove(name) {
    this.root.delete(name);
  }
  read(name) {
    let at = { contents: this.root };
    for (const part of name.split("/").filter((one) => one && one !== ".")) at = at?.contents?.get(part);
    return at?.data;
  }
  names() {
    const names = [];
    const walk = (map, prefix) => map.forEach((entry, name) => (entry instanceof Directory ? walk(entry.contents, `${prefix}${name}/`) : names.push(prefix + name)));
    walk(this.root, "");
    return names;
  }
}

// The shim has no rename onto a file that is there; the compiler replaces files so.
class Folder extends PreopenDirectory {
  path_link(path, inode, allowDirectory) {
    if (inode instanceof File) this.path_unlink_file(path);
    return super.path_link(path, inode, allowDirectory);
  }
}

async function instance(module, files, stdout, stderr) {
  const fds = [new OpenFile(new File([])), new OpenFile(stdout), new OpenFile(stderr), new Folder("/", files.root)];
  const wasi = new WASI([], [], fds, { debug: false });
  const made = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport });
  wasi.initialize(made);
  return made.exports;
}

function place(exports, bytes) {
  const at = exports.grus_alloc(bytes.length || 1);
  new Uint8Array(exports.memory.buffer).set(bytes, at);
  return at;
}

/** What a command gives when the machine below it gave up. */
const GAVE_UP = 3;

export class Compiler {
  constructor(module) {
    this.module = module;
  }

  static async load(source) {
    if (source instanceof WebAssembly.Module) return new Compiler(source);
    if (typeof Response !== "undefined" && (source instanceof Response || source instanceof Promise)) return new Compiler(await WebAssembly.compileStreaming(source));
    return new Compiler(await WebAssembly.compile(source));
  }

  /** `grus` with these arguments: its exit code and what it printed. Files are changed in place. */
  async run(args, files = new Files()) {
    const stdout = new File([]), stderr = new File([]);
    const exports = await instance(this.module, files, stdout, stderr);
    const words = ["grus", ...args].map((word) => place(exports, encoder.encode(word + "\0")));
    const argv = place(exports, new Uint8Array(Uint32Array.from([...words, 0]).buffer));
    let code = GAVE_UP, trouble = "";
    try {
      code = exports.grus_run(words.length, argv);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
      trouble = `grus: error: the compiler, which is WebAssembly here, stopped (${error.message}): this is too large for its memory, or a file is damaged; the command line has more memory, and says where\n`;
    }
    return { code, stdout: decoder.decode(stdout.data), bytes: stdout.data, stderr: decoder.decode(stderr.data) + trouble };
  }

  /** The language server: send(message) takes an object and returns those that answer. */
  async server(files = new Files()) {
    const exports = await instance(this.module, files, new File([]), new File([]));
    if (!exports.grus_lsp_open()) throw new Error("the language server could not be started");
    const send = (message) => {
      const body = encoder.encode(JSON.stringify(message));
      const head = encoder.encode(`Content-Length: ${body.length}\r\n\r\n`);
      const at = exports.grus_alloc(head.length + body.length);
      const memory = new Uint8Array(exports.memory.buffer);
      memory.set(head, at);
      memory.set(body, at + head.length);
      const n = exports.grus_lsp_feed(at, head.length + body.length);
      exports.grus_free(at);
      const from = exports.grus_lsp_sent();
      return unframed(new Uint8Array(exports.memory.buffer, from, n).slice());
    };
    return { send };
  }
}

function unframed(bytes) {
  const messages = [];
  for (let at = 0; at < bytes.length; ) {
    let end = at;
    while (!(bytes[end] === 13 && bytes[end + 1] === 10 && bytes[end + 2] === 13)) end++;
    const length = Number(/Content-Length: (\d+)/i.exec(decoder.decode(bytes.subarray(at, end)))[1]);
    messages.push(JSON.parse(decoder.decode(bytes.subarray(end + 4, end + 4 + length))));
    at = end + 4 + length;
  }
  return messages;
}
