/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* When constants of the outermost graph are read for the last time. See emit.h. */
#include "import/read/emit.h"

static const size_t least = 4 << 20; /* bytes of new numbers that are worth a sweep */

void sweeps_hold(ReadUse *use, GraphValue *value) {
  if (!use || !value) return;
  use->value = value;
  value->is_held = use->left > 0;
}

void sweeps_read(ReadUse *use) {
  if (!use || use->left >= READ_ALWAYS || --use->left > 0 || !use->value) return;
  use->value->is_held = false;
}

void sweeps_run(Sweeps *sweeps) {
  const Arena *numbers = sweeps->graph->numbers;
  if (arena_used(numbers) < sweeps->at + least) return;
  graph_sweep(sweeps->graph);
  sweeps->at = arena_used(numbers) + arena_used(numbers) / 4;
}
