// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A document of 100 MB is refused with its size and the limit, and the server goes on.
//
//   huge.mjs GRUS
import assert from 'node:assert/strict'
import { Client } from './client.mjs'

const BYTES = 100e6
setTimeout(() => { console.log('no answer for 280 s'); process.exit(1) }, 280000).unref()
const client = new Client(process.argv[2])
await client.initialize()
const line = '  let a = x |> tanh\n'
const [refused] = await client.open('file:///nowhere/huge.grus', `grus 1\nmodel m {\n${line.repeat(Math.ceil(BYTES / line.length))}}\n`)
assert.equal(refused.code, 'E115')
assert.match(refused.message, /this file has 1000000\d\d bytes; the limit is 67108864/)
assert.deepEqual(await client.open('file:///nowhere/small.grus', 'grus 1\nmodel m {\n  in  x : f32[4]\n  out y : f32[4] = x |> tanh\n}\n'), [])
console.log(refused.message.split('\n')[0])
process.exit(await client.stop())
