// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// site.mjs ROOT MODULES OUT VERSION: the documentation as static pages. In: README.md, CHANGELOG.md, docs/ and the
// READMEs of examples/. Out: a page for each, with a menu, a search, light and dark; models open in the
// playground. Nothing is loaded from elsewhere; without JavaScript all but the search is there.
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix, relative, resolve } from "node:path";
import { deflateRawSync } from "node:zlib";

const [root, modules, out] = process.argv.slice(2, 5).map((path) => resolve(path)), version = process.argv[5];
const { Marked } = createRequire(join(modules, "package.json"))("marked");
const playground = existsSync(join(out, "../playground/index.html"));

// ---- what there is ----

const read = (path) => readFileSync(join(root, path), "utf8");
const markdown = (folder) => readdirSync(join(root, folder)).filter((name) => name.endsWith(".md")).sort().map((name) => posix.join(folder, name));
const guides = ["docs/install.md", "docs/language.md", "docs/import.md", "docs/programs.md", "docs/embedding.md", "docs/web.md", "docs/shared.md", "docs/quantisation.md",
  "docs/numerics.md", "docs/performance.md", "docs/reliability.md", "docs/conformance.md", "docs/pipeline.md"].filter((path) => existsSync(join(root, path)));
const examples = ["examples/README.md", ...readdirSync(join(root, "examples")).map((name) => `examples/${name}/README.md`)].filter((path) => existsSync(join(root, path)));
const stages = markdown("docs/errors/stages"), errors = markdown("docs/errors").filter((path) => !path.endsWith("README.md"));
const others = markdown("docs").filter((path) => path !== "docs/editors.md" && !guides.includes(path));
const worlds = markdown("docs/worlds").filter((path) => !path.endsWith("README.md")), editors = markdown("docs/editors");
const pages = [...new Set(["README.md", ...guides, ...others, "docs/worlds/README.md", ...worlds, "docs/editors.md", ...editors, "docs/errors/README.md", ...errors, ...stages, ...examples, "CHANGELOG.md", "CONTRIBUTING.md"])];

/** Where a page of Markdown stands in the site. */
const place = (path) => (path === "README.md" ? "index.html" : path.replace(/README\.md$/, "index.html").replace(/\.md$/, ".html"));

// ---- Markdown ----

const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
const plain = (html) => html.replace(/<[^>]*>/g, " ").replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&#39;/g, "'").replace(/&amp;/g, "&").replace(/\s+/g, " ");
/** The name of a heading, as links in the pages have it. */
const slug = (text) => plain(text).trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");

const copied = new Set();

/** A link of a page: other pages by their new names, files that are copied, anything else as it is. */
function target(from, href) {
  if (/^[a-z]+:|^#|^\/\//i.test(href)) return href;
  const [file, anchor] = href.split("#"), path = posix.normalize(posix.join(posix.dirname(from), file)).replace(/\/$/, "");
  const hash = anchor === undefined ? "" : `#${anchor}`;
  const readme = posix.join(path, "README.md"), page = pages.includes(path) ? path : pages.includes(readme) ? readme : null;
  if (page) return (posix.relative(posix.dirname(place(from)), place(page)) || posix.basename(place(page))) + hash;
  if (!existsSync(join(root, path))) return null;
  if (/\.(svg|png|json|grus|wav|c|h|py|csv|sh|txt|cpp|def)$/.test(path) || posix.basename(path) === "LICENSE") {
    copied.add(path);
    return posix.relative(posix.dirname(place(from)), path);
  }
  return null;
}

const inAddress = (text) => "#model=" + deflateRawSync(Buffer.from(text)).toString("base64url");

function render(path) {
  const missing = [], headings = [], seen = new Map();
  const up = posix.relative(posix.dirname(place(path)), ".") || ".";
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth }) {
        const html = this.parser.parseInline(tokens), name = slug(html), again = seen.get(name) ?? 0;
        seen.set(name, again + 1);
        const id = again ? `${name}-${again}` : name;
        headings.push({ id, depth, text: plain(html).trim() });
        return `<h${depth} id="${escape(id)}">${html}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const to = target(path, href), html = this.parser.parseInline(tokens);
        if (to === null) missing.push(href);
        return to === null ? html : `<a href="${escape(to)}">${html}</a>`;
      },
      image({ href, text }) {
        const to = target(path, href);
        if (to === null) missing.push(href);
        return to === null ? escape(text) : `<img src="${escape(to)}" alt="${escape(text)}">`;
      },
      code({ text, lang }) {
        const [language, kind] = (lang ?? "").split(" "), open = playground && language === "grus" && kind !== "fragment" && !/^file/.test(kind ?? "") && /\bmodel\s/.test(text);
        const label = /^error/.test(kind ?? "") ? "See the error in the playground" : "Open in the playground";
        const link = open ? `<a class="open" href="${up}/playground/${inAddress(text + "\n")}">${label}</a>` : "";
        return `<div class="code">${link}<pre><code>${escape(text)}</code></pre></div>\n`;
      },
    },
  });
  const html = marked.parse(read(path));
  return { path, html, missing, headings, title: headings[0]?.text ?? path, text: plain(html) };
}

// ---- pages ----

const rendered = pages.map(render), byPath = new Map(rendered.map((page) => [page.path, page]));

function menu(now) {
  const item = (path) => {
    const page = byPath.get(path), to = posix.relative(posix.dirname(place(now)), place(path)) || posix.basename(place(path));
    return `<li><a href="${escape(to)}"${path === now ? ' aria-current="page"' : ""}>${escape(page.title)}</a></li>`;
  };
  const group = (title, paths, open) => `<details${open || paths.includes(now) ? " open" : ""}><summary>${title}</summary><ul>${paths.map(item).join("")}</ul></details>`;
  return `<ul>${item("README.md")}</ul>${group("Guides", [...guides, ...others], true)}${group("Build systems and boards", ["docs/worlds/README.md", ...worlds], false)}${group("Editors", ["docs/editors.md", ...editors], false)}${group("Examples", examples, false)}` +
    `${group("Stages", stages, false)}${group("Diagnostics", ["docs/errors/README.md", ...errors], false)}<ul>${item("CHANGELOG.md")}${item("CONTRIBUTING.md")}</ul>`;
}

function page({ path, html, title }) {
  const up = posix.relative(posix.dirname(place(path)), ".") || ".";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(path === "README.md" ? title : `${title} · grus`)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${up}/site.css">
<script src="${up}/site.js" defer data-root="${up}"></script>
</head>
<body>
<header><a href="${up}/index.html">grus ${escape(version)}</a>${playground ? `<a href="${up}/playground/index.html">Playground</a>` : ""}
<form role="search" hidden><input type="search" placeholder="Search" aria-label="Search the documentation"></form><button id="shade" hidden>Dark or light</button><noscript>Without JavaScript there is no search here: use your browser's, or the menu.</noscript></header>
<div id="found" hidden></div>
<nav aria-label="Pages">${menu(path)}</nav>
<main>${html}</main>
</body>
</html>
`;
}

rmSync(out, { recursive: true, force: true });
for (const one of rendered) {
  const to = join(out, place(one.path));
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, page(one));
  for (const href of new Set(one.missing)) console.error(`${one.path}: \`${href}\` leads to no page; it is text`);
}
for (const path of [...copied].sort()) {
  mkdirSync(dirname(join(out, path)), { recursive: true });
  cpSync(join(root, path), join(out, path));
}
// A page and its parts for the search: names, headings, words.
writeFileSync(join(out, "search.json"), JSON.stringify(rendered.map((one) => ({ url: place(one.path), title: one.title, headings: one.headings.slice(1).map(({ id, text }) => [id, text]), text: one.text }))));
for (const name of ["site.css", "site.js"]) cpSync(join(root, "web/site", name), join(out, name));
if (playground) cpSync(join(out, "../playground"), join(out, "playground"), { recursive: true });
console.log(`${relative(process.cwd(), out) || out}: ${rendered.length} pages${playground ? ", with the playground" : ", without the playground: scripts/web builds it"}`);
