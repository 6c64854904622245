// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How long an edit takes to become diagnostics and costs, and that a very large model does not block typing.
//
//   typing.mjs GRUS
//
// At 5,000 lines, 50 ms of processor time of a processor on which a walk through memory takes what it takes on
// the one that docs/editors.md was measured on; as much more where the walk takes longer. Both are the least of many
// tries, between each other: what else the machine does makes the others longer, and seldom all. At 100,000 lines 200
// edits and a completion are answered before the check is.
import { Client } from './client.mjs'
import { readFileSync, readdirSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

const LINES = 5000, LIMIT_MS = 50, EDITS = 30, MANY = 100000
const PLACES = 1 << 16, STEPS = 1 << 20, WALK_MS = 5
setTimeout(() => { console.log('no answer for 100 s'); process.exit(1) }, 100000).unref()

const body = n => {
  const lines = ['grus 1', 'model big {', '  in x0 : f32[time 10, 4]']
  for (let i = 1; lines.length < n - 2; i++) lines.push(`  let x${i} = x${i - 1} |> Dense(4) |> tanh`)
  lines.push(`  out y : f32[4] = x${lines.length - 3} |> last`, '}', '')
  return lines.join('\n')
}
const client = new Client(process.argv[2])
await client.initialize()
const uri = 'file:///nowhere/big.grus'
await client.open(uri, body(LINES))
// Processor time of the server in ms, so that other work on the machine does not count: the kernel counts it in ns.
const tasks = `/proc/${client.process.pid}/task`
const used = () => readdirSync(tasks).reduce((sum, task) => sum + Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e6

// The walk: each step's place is known when the one before it has been read, over 256 KiB.
const next = new Int32Array(PLACES)
for (let i = 0; i < PLACES; i++) next[i] = (i * 1664525 + 1013904223) & (PLACES - 1)
let at = 1
const walk = () => {
  const before = process.cpuUsage()
  for (let i = 0; i < STEPS; i++) at = next[at]
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
walk() // compiled now
let edit = Infinity, unit = Infinity
for (let i = 0; i < EDITS; i++) {
  const before = used()
  await client.change(uri, i + 2, [{ range: { start: { line: 1, character: 0 }, end: { line: 1, character: 0 } }, text: ' ' }])
  const [lens] = await client.request('textDocument/codeLens', { textDocument: { uri } })
  await client.request('codeLens/resolve', lens)
  edit = Math.min(edit, used() - before)
  unit = Math.min(unit, walk())
}
const limit = LIMIT_MS * Math.max(1, unit / WALK_MS)
console.log(`${LINES} lines: ${edit.toFixed(1)} ms of processor time from edit to diagnostics and costs, of ${limit.toFixed(1)} (a walk takes ${unit.toFixed(1)} ms, and ends at ${at})`)
if (!(edit > 0 && edit <= limit)) process.exit(1)

const large = 'file:///nowhere/large.grus'
await client.open(large, body(MANY))
const start = performance.now()
const checked = client.diagnostics(large)
for (let i = 0; i < 200; i++)
  client.notify('textDocument/didChange', { textDocument: { uri: large, version: i + 2 }, contentChanges: [{ range: { start: { line: 3, character: 0 }, end: { line: 3, character: 0 } }, text: ' ' }] })
const items = await client.request('textDocument/completion', { textDocument: { uri: large }, position: { line: 3, character: 217 } })
const answered = performance.now() - start
await checked
const diagnosed = performance.now() - start
console.log(`${MANY} lines: 200 edits and a completion of ${items.items.length} items ${answered.toFixed(0)} ms, diagnostics ${diagnosed.toFixed(0)} ms`)
if (answered > diagnosed) process.exit(1)
process.exit(await client.stop())
