/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What to do about an operator that cannot be read, where several have the same way out. */
#include "import/read/tflite/reader.h"

const char tfl_in_floats[] = "convert the model in floats, without `optimizations`: grus then "
                             "computes in integers itself, with `grus calibrate`",
           tfl_fixed_sizes[] = "convert it with fixed sizes: `keras.Input((steps, features), "
                               "batch_size=1)`",
           tfl_own_cell[] = "any cell in a loop is read: build it as a cell of "
                            "`keras.layers.RNN(cell)`, and convert that";

const char *tfl_cut(const TflCall *c) {
  return foreign_way_out(c->reader->file, &(ForeignNode){.name = c->emit->name});
}
