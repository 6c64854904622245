// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// serve.mjs FOLDER [PORT]: a folder on localhost, to try the playground. Port 0: any that is free; it is printed.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, resolve, sep } from "node:path";

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm", ".json": "application/json", ".svg": "image/svg+xml" };
const root = resolve(process.argv[2]);
const server = createServer((request, response) => {
  let path = join(root, normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname)));
  try {
    if (path !== root && !path.startsWith(root + sep)) throw new Error("outside");
    if (statSync(path).isDirectory()) path = join(path, "index.html");
    const size = statSync(path).size;
    response.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream", "content-length": size });
    createReadStream(path).pipe(response);
  } catch {
    response.writeHead(404).end("not here");
  }
});
server.listen(Number(process.argv[3] ?? 8000), "127.0.0.1", () => console.log(`http://localhost:${server.address().port}/`));
