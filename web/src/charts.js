// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pictures of numbers: lines over time, bars of one step.
const NS = "http://www.w3.org/2000/svg";
const MOST_LINES = 12, MOST_POINTS = 2000;

/** rows: steps of `width` numbers each; a line for each of the first numbers. */
export function lines(title, rows, width) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  figure.style.margin = "0 0 .6rem";
  const shown = Math.min(width, MOST_LINES), steps = Math.max(1, Math.floor(rows.length / width));
  let low = Infinity, high = -Infinity;
  for (const x of rows) if (Number.isFinite(x)) (low = Math.min(low, x)), (high = Math.max(high, x));
  if (!(low <= high)) (low = 0), (high = 0);
  caption.textContent = `${title}: ${steps} steps of ${width}${shown < width ? `, the first ${shown} drawn` : ""}, ${number(low)} to ${number(high)}`;
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("class", "chart");
  svg.setAttribute("viewBox", "0 0 1000 100");
  svg.setAttribute("preserveAspectRatio", "none");
  const scale = high > low ? 90 / (high - low) : 0, stride = Math.max(1, Math.ceil(steps / MOST_POINTS));
  for (let k = 0; k < shown; k++) {
    const path = document.createElementNS(NS, "path");
    let d = "";
    for (let t = 0; t < steps; t += stride) {
      const x = rows[t * width + k];
      d += `${d ? "L" : "M"}${((t * 1000) / Math.max(1, steps - 1)).toFixed(1)} ${(95 - ((Number.isFinite(x) ? x : low) - low) * scale).toFixed(2)}`;
    }
    path.setAttribute("d", d + (steps === 1 ? "h1000" : ""));
    path.setAttribute("stroke", `hsl(${(k * 137 + 210) % 360} 65% 50%)`);
    svg.append(path);
  }
  figure.append(caption, svg);
  return figure;
}

export const number = (x) => (Number.isInteger(x) ? String(x) : x.toPrecision(4));

/** One bar for each number, with its name. */
export function bars(title, values, names = []) {
  const figure = document.createElement("figure");
  figure.style.margin = "0 0 .6rem";
  const caption = document.createElement("figcaption");
  caption.textContent = title;
  const box = document.createElement("div");
  box.className = "bars";
  const most = Math.max(...values.map(Math.abs), 1e-30);
  values.slice(0, 40).forEach((value, i) => {
    const name = document.createElement("span"), bar = document.createElement("span"), text = document.createElement("span");
    name.textContent = names[i] ?? String(i);
    bar.style.width = `${(Math.abs(value) / most) * 100}%`;
    text.textContent = number(value);
    box.append(name, bar, text);
  });
  figure.append(caption, box);
  return figure;
}
