// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// site.mjs ROOT MODULES PACKAGE DIR: makes the pages of the documentation and looks at them: every link leads
// somewhere, nothing is loaded from elsewhere, and the models of each page on a diagnostic give it or are well.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { inflateRawSync } from "node:zlib";

const [root, modules, pack, dir] = process.argv.slice(2).map((path) => resolve(path));
const { check } = await import(pathToFileURL(join(pack, "index.js")));
const site = join(dir, "site");
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });
cpSync(join(pack, "../../playground"), join(dir, "playground"), { recursive: true });
execFileSync(process.execPath, [join(root, "web/site.mjs"), root, modules, site, "0"], { stdio: ["ignore", "ignore", "ignore"] });

const pages = readdirSync(site, { recursive: true }).filter((name) => name.endsWith(".html") && !name.startsWith("playground"));
const html = Object.fromEntries(pages.map((name) => [name, readFileSync(join(site, name), "utf8")]));
const entity = (text) => text.replace(/&quot;/g, '"').replace(/&amp;/g, "&");
let links = 0;
for (const name of pages) {
  for (const [, attribute, value] of html[name].matchAll(/\s(href|src|action)="([^"]*)"/g)) {
    const to = entity(value);
    if (attribute === "src" || /<link[^>]*$/.test(html[name].slice(0, html[name].indexOf(`${attribute}="${value}"`))))
      assert.ok(!/^(https?:)?\/\//.test(to), `${name} loads ${to}`);
    if (/^[a-z]+:/i.test(to)) continue;
    const [file, anchor] = to.split("#"), path = file ? join(dirname(join(site, name)), file) : join(site, name);
    assert.ok(existsSync(path), `${name}: ${to} is not there`);
    const inside = path.slice(site.length + 1);
    if (anchor && html[inside]) assert.ok(html[inside].includes(`id="${anchor.replace(/"/g, "&quot;")}"`), `${name}: ${to} has no such part`);
    links++;
  }
}
console.log(`${pages.length} pages, ${links} links`);

// Without JavaScript nothing is shown that would not work, the page says so, and text and menu are in the HTML itself.
for (const name of pages) {
  assert.ok(/<form role="search" hidden>/.test(html[name]) && /<button id="shade" hidden>/.test(html[name]), `${name} shows a search that needs a script`);
  assert.ok(/<noscript>Without JavaScript/.test(html[name]), `${name} does not say what is missing`);
  assert.ok(/<nav[^>]*>[\s\S]*<a [\s\S]*<main>[\s\S]*<h1/.test(html[name]), `${name} is made by a script`);
}
assert.ok(pages.length > 100 && links > 1000);

// Each diagnostic's page: models to open, and one that gives the diagnostic if it is of the text alone.
let models = 0, shown = 0;
const codes = pages.filter((name) => /^docs\/errors\/[EW]\d+\.html$/.test(name));
for (const name of codes) {
  const code = /([EW]\d+)\.html$/.exec(name)[1], given = [];
  for (const [, data] of html[name].matchAll(/#model=([\w-]+)"/g)) {
    const source = inflateRawSync(Buffer.from(data, "base64url")).toString();
    given.push(...(await check(source)).map((one) => one.code));
    models++;
  }
  shown += given.includes(code);
}
console.log(`${models} models on ${codes.length} pages of diagnostics; ${shown} show theirs`);
assert.ok(shown > codes.length / 2);
const search = JSON.parse(readFileSync(join(site, "search.json"), "utf8"));
assert.equal(search.length, pages.length);
assert.ok(search.some((page) => page.url === "docs/errors/E302.html" && page.text.includes("declared")));
console.log("ok");
