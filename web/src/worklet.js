// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A model in the audio thread: quanta of 128 samples in and out, blocks of the model between them. Nothing is
// allocated once it runs; the delay is one block.
import { instantiateModel } from "../../runtime/wasm/model.js";

class ModelProcessor extends AudioWorkletProcessor {
  constructor({ processorOptions: { module, ports } }) {
    super();
    const model = instantiateModel(module);
    this.block = ports.block;
    this.x = model.port(ports.input.name);
    this.y = model.port(ports.output.name);
    this.state = model.stream({});
    this.queue = new Float32Array(2 * this.block + 256);
    this.taken = 0; // samples of x that are there
    this.ready = this.block; // samples of the queue: one block of silence ahead
    this.on = true;
    this.port.onmessage = ({ data }) => (this.on = data.on);
  }

  process([[input]], [[output]]) {
    let read = 0;
    for (let i = 0; i < output.length; i++) {
      this.x[this.taken++] = input ? input[i] : 0;
      if (this.taken === this.block) {
        this.taken = 0;
        const there = this.state.go();
        for (let k = 0; k < this.block; k++) this.queue[this.ready++] = this.on ? (there ? this.y[k] : 0) : this.x[k];
      }
      output[i] = this.queue[read++];
    }
    this.queue.copyWithin(0, read, this.ready);
    this.ready -= read;
    return true;
  }
}
registerProcessor("grus-model", ModelProcessor);
