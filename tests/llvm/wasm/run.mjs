// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// node run.mjs FILE.wasm [argument...]: runs a check program, its main() exported as check_main.
import { readFileSync } from 'node:fs'

let memory, out = ''

// The arguments lie behind each other at `args`, each aligned to its size.
function printf(format, args) {
  const bytes = new Uint8Array(memory.buffer), view = new DataView(memory.buffer)
  let text = ''
  for (let i = format; bytes[i]; i++) text += String.fromCharCode(bytes[i])
  out += text.replace(/%(?:0(\d+))?(x|d|\.3g)/g, (_, width, kind) => {
    if (kind === '.3g') {
      args = (args + 7) & ~7
      args += 8
      return view.getFloat64(args - 8, true).toPrecision(3)
    }
    args += 4
    const n = kind === 'd' ? view.getInt32(args - 4, true) : view.getUint32(args - 4, true)
    return n.toString(kind === 'd' ? 10 : 16).padStart(Number(width), '0')
  })
  return 0
}

const [file, ...rest] = process.argv.slice(2)
const { instance } = await WebAssembly.instantiate(readFileSync(file), { env: { printf } })
memory = instance.exports.memory
const status = instance.exports.check_main(1 + rest.length, 0)
process.stdout.write(out, () => process.exit(status))
