// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How long an edit takes to become diagnostics, and that a very large model does not block typing.
//
//   typing.mjs GRUS
//
// About 20 ms of processor time at 5,000 lines on an idle machine, and nowhere 500: what grows with the
// square of the lines would take more. At 100,000 lines 200 edits and a completion are answered before
// the check is.
import { Client } from './client.mjs'
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

const LINES = 5000, LIMIT_MS = 500, EDITS = 30, MANY = 100000
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
const letter = (n, text) => ({ range: { start: { line: 3, character: 4 + n }, end: { line: 3, character: 4 + n } }, text })

await client.open(uri, body(LINES))
// Processor time of the server, so that other work on the machine does not count.
const used = () => {
  const fields = readFileSync(`/proc/${client.process.pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10 // ticks of 10 ms
}
const before = used()
for (let i = 0; i < EDITS; i++)
  await client.change(uri, i + 2, [{ range: { start: { line: 1, character: 0 }, end: { line: 1, character: 0 } }, text: ' ' }])
const each = (used() - before) / EDITS
console.log(`${LINES} lines: ${each.toFixed(1)} ms of processor time from edit to diagnostics`)
if (each > LIMIT_MS) process.exit(1)

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
