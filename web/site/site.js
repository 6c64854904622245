// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The search over search.json, loaded when it is first used, and the choice of light or dark.
const root = document.currentScript.dataset.root;
const MOST = 12, AROUND = 70;

const shade = document.getElementById("shade");
const keep = (value) => {
  try {
    if (value === undefined) return localStorage.getItem("shade");
    localStorage.setItem("shade", value);
  } catch { /* a browser that keeps nothing */ }
  return value;
};
if (keep()) document.documentElement.dataset.shade = keep();
shade.hidden = false;
shade.onclick = () => {
  const dark = document.documentElement.dataset.shade ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.shade = keep(dark === "dark" ? "light" : "dark");
};

const form = document.querySelector("form[role=search]"), input = form.querySelector("input"), found = document.getElementById("found");
let pages;
form.hidden = false;

/** How well a page has all the words: in its title, a heading, its text. */
function score(page, words) {
  let sum = 0, at = -1, heading = null;
  for (const word of words) {
    const inHeading = page.headings.find(([, text]) => text.toLowerCase().includes(word)), inText = page.lower.indexOf(word);
    if (page.title.toLowerCase().includes(word)) sum += 20;
    else if (inHeading) (sum += 6), (heading ??= inHeading);
    else if (inText >= 0) sum += 1;
    else return null;
    if (at < 0) at = inText;
  }
  return { page, sum: sum - page.text.length / 1e6, at, heading };
}

async function look() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  pages ??= (await (await fetch(`${root}/search.json`)).json()).map((page) => ({ ...page, lower: page.text.toLowerCase() }));
  const hits = words.length ? pages.map((page) => score(page, words)).filter(Boolean).sort((a, b) => b.sum - a.sum).slice(0, MOST) : [];
  found.hidden = !words.length;
  found.replaceChildren(...hits.map(({ page, at, heading }) => {
    const link = document.createElement("a"), small = document.createElement("small");
    link.href = `${root}/${page.url}${heading ? `#${heading[0]}` : ""}`;
    link.textContent = heading ? `${page.title}: ${heading[1]}` : page.title;
    small.textContent = at >= 0 ? `… ${page.text.slice(Math.max(0, at - AROUND), at + AROUND)} …` : "";
    link.append(small);
    return link;
  }));
  if (words.length && !hits.length) found.textContent = "Nothing has all these words.";
}
input.oninput = () => look().catch(() => {
  found.hidden = false;
  found.textContent = "The search needs a server: pages from files may not load others.";
});
form.onsubmit = (event) => {
  event.preventDefault();
  found.querySelector("a")?.click();
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") found.hidden = true;
  if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName)) (event.preventDefault(), input.focus());
});
