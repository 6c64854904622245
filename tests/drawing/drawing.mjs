// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Drawings, by measuring them: well-formed, nothing outside the picture, no box on another, every
// text inside its box, no line through a box that it neither leaves nor enters.
//
//   drawing.mjs GRUS FILE...     these models, and random ones with edges that skip stages
import { spawnSync } from 'node:child_process'

const ADVANCE = { title: 8, detail: 7, shape: 7, head: 8 } // pixels a letter, generously

function random(seed) { // numbers of one fixed sequence
  let s = seed
  return n => (s = (s * 1103515245 + 12345) % 2147483648, Math.floor(s / 65536) % n)
}

function model(seed, stages) {
  const pick = random(seed), lines = ['grus 1', 'model m {', '  in x0 : f32[time 20, f 8]']
  for (let i = 1; i <= stages; i++) {
    const kind = pick(10), early = pick(i)
    if (kind < 2) lines.push(`  let x${i} = concat(x${i - 1}, x${early}) |> Dense(8)`)
    else if (kind < 4) lines.push(`  let x${i} = x${i - 1} + x${early}`)
    else if (kind < 5) lines.push(`  let x${i} = x${early} |> GRU(8, activation=relu, gate=hard_sigmoid, direction=both) |> Dense(8)`)
    else lines.push(`  let x${i} = x${i - 1} |> Dense(8) |> relu`)
  }
  return [...lines, `  out y : f32[time 20, 8] = x${stages}`, '}', ''].join('\n')
}

function parse(svg, problem) {
  const open = [], items = []
  const tag = /<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<&]*(?:&(?:amp|lt|gt|quot);[^"<&]*)*")*)\s*(\/?)>([^<]*)/gy
  let last = 0
  for (let m; (m = tag.exec(svg)); last = tag.lastIndex) {
    const [, closing, name, attributes, alone, text] = m
    if (/&(?!(amp|lt|gt|quot);)/.test(text)) problem(`a bare & in ${JSON.stringify(text)}`)
    if (closing && open.pop() !== name) problem(`</${name}> closes something else`)
    if (!closing && !alone) open.push(name)
    if (!closing) items.push({ name, text, ...Object.fromEntries([...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)].map(a => [a[1], a[2]])) })
  }
  if (last !== svg.length || open.length) problem(`not well-formed at ${JSON.stringify(svg.slice(last, last + 60))}`)
  return items
}

// Points along a path of M, L and C.
function points(d) {
  const list = []
  let x = 0, y = 0
  for (const [, command, rest] of d.matchAll(/([MLC])([^MLC]*)/g)) {
    const v = rest.trim().split(/\s+/).map(Number)
    const [toX, toY] = v.slice(-2)
    for (let i = command === 'M' ? 16 : 0; i <= 16; i++) {
      const t = i / 16, u = 1 - t
      if (command === 'C') list.push([u * u * u * x + 3 * u * u * t * v[0] + 3 * u * t * t * v[2] + t * t * t * toX,
        u * u * u * y + 3 * u * u * t * v[1] + 3 * u * t * t * v[3] + t * t * t * toY])
      else list.push([x + (toX - x) * t, y + (toY - y) * t])
    }
    if (command === 'M') list.splice(0, list.length, [toX, toY])
    x = toX
    y = toY
  }
  return list
}

function check(name, svg) {
  const problems = []
  const items = parse(svg, text => problems.push(text))
  const [, , width, height] = items[0].viewBox.split(' ').map(Number)
  const boxes = items.filter(i => i.name === 'rect' && /^box/.test(i.class)).map(i => ({ x: +i.x, y: +i.y, w: +i.width, h: +i.height }))
  // the edge behind a box is 4 pixels down and right: boxes are those that are last
  const fronts = boxes.filter((b, i) => !(boxes[i + 1] && Math.abs(boxes[i + 1].x - b.x + 4) < 0.2 && Math.abs(boxes[i + 1].y - b.y + 4) < 0.2))
  for (const b of boxes)
    if (b.x < 0 || b.y < 0 || b.x + b.w > width || b.y + b.h > height) problems.push(`a box at ${b.x},${b.y} leaves the picture`)
  fronts.forEach((a, i) => fronts.slice(i + 1).forEach(b => {
    if (a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h) problems.push(`boxes overlap at ${a.x},${a.y}`)
  }))
  for (const t of items.filter(i => i.name === 'text')) {
    const half = [...t.text].length * ADVANCE[t.class] / 2
    if (t.class === 'head' ? +t.x + 2 * half > width : !fronts.some(b => +t.x - half >= b.x && +t.x + half <= b.x + b.w && +t.y > b.y && +t.y < b.y + b.h))
      problems.push(`${JSON.stringify(t.text)} is outside its box`)
  }
  const edges = items.filter(i => i.name === 'path' && /^edge/.test(i.class ?? '')).map(i => points(i.d))
  for (const line of edges) {
    const inside = line.filter(([x, y]) => fronts.some(b => x > b.x + 0.5 && x < b.x + b.w - 0.5 && y > b.y + 0.5 && y < b.y + b.h - 0.5))
    if (inside.length) problems.push(`a line goes through a box at ${inside[0].map(v => v.toFixed(1))}`)
    if (line.some(([x, y]) => x < 0 || y < 0 || x > width || y > height)) problems.push(`a line from ${line[0]} leaves the picture`)
  }
  console.log(`${name}: ${fronts.length} boxes, ${edges.length} lines${problems.map(p => '\n  ' + p).join('')}`)
  return problems.length === 0
}

let good = true
const [grus, ...files] = process.argv.slice(2)
const draw = (name, args, input) => {
  const run = spawnSync(grus, ['inspect', '--svg', '-q', ...args], { input, encoding: 'utf8', maxBuffer: 1 << 26 })
  if (run.status !== 0) console.log(`${name}: ${run.stderr}`)
  good = run.status === 0 && check(name, run.stdout) && good
}
for (const file of files) draw(file.split('/').pop(), [file])
for (const [seed, stages] of [[1, 5], [2, 12], [3, 30], [4, 60], [5, 90]]) draw(`random ${seed}`, ['-'], model(seed, stages))
process.exit(good ? 0 : 1)
