// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The compiler beside the page: requests one after the other, so that typing is never blocked.
import { Compiler, Files } from "./compiler.js";

const files = new Files();
let compiler, server;

const requests = {
  async start({ wasm }) {
    compiler = await Compiler.load(fetch(wasm));
    server = await compiler.server(files);
    return {};
  },
  async lsp({ message }) {
    try {
      return { messages: server.send(message) };
    } catch (error) { // memory is exhausted: the next message gets a new server, which knows nothing
      server = await compiler.server(files);
      return { messages: [], lost: error.message };
    }
  },
  write({ name, content }) {
    files.write(name, content);
    return { names: files.names() };
  },
  async run({ args, write = {}, read = [] }) {
    for (const [name, content] of Object.entries(write)) files.write(name, content);
    const result = await compiler.run(args, files);
    result.files = Object.fromEntries(read.map((name) => [name, files.read(name)]).filter(([, data]) => data));
    return result;
  },
};

let last = Promise.resolve();
onmessage = ({ data: { id, what, ...given } }) => {
  last = last.then(async () => {
    try {
      postMessage({ id, result: await requests[what](given) });
    } catch (error) {
      postMessage({ id, error: String(error.message || error) });
    }
  });
};
