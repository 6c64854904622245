/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Layouts: which atoms of the graph are in which axis of a model value. lift.h says what each
 * function returns. */
#include "import/lift/lift.h"

#include <string.h>

int64_t axis_size(const Lift *l, const Axis *axis) {
  int64_t size = 1;
  for (int i = 0; i < axis->n; i++)
    size *= atom_size(l->atoms, axis->atom[i]);
  return size;
}

bool axis_equal(const Axis *a, const Axis *b) {
  return a->n == b->n && memcmp(a->atom, b->atom, sizeof *a->atom * (size_t)a->n) == 0;
}

int layout_leaves(const Layout *layout, int out[LAYOUT_MAX_LEAVES]) {
  int n = 0;
  for (int i = 0; i < layout->n; i++)
    for (int k = 0; k < layout->axis[i].n && n < LAYOUT_MAX_LEAVES; k++)
      out[n++] = layout->axis[i].atom[k];
  return n;
}

int atom_index(const int *atom, int n, int which) {
  for (int i = 0; i < n; i++)
    if (atom[i] == which) return i;
  return -1;
}

Axis layout_missing(const Layout *from, const Layout *to) {
  int have[LAYOUT_MAX_LEAVES], want[LAYOUT_MAX_LEAVES], n = layout_leaves(from, have),
                                                        m = layout_leaves(to, want);
  Axis out = {0};
  for (int i = 0; i < m; i++)
    if (atom_index(have, n, want[i]) < 0 && out.n < FACTORS_MAX) out.atom[out.n++] = want[i];
  return out;
}

Layout layout_with_time(const Layout *layout, bool timed, int time) {
  Layout out = {.timed = timed, .time = timed ? time : -1};
  if (!timed) out.axis[out.n++] = (Axis){.n = 1, .atom = {time}};
  for (int i = 0; i < layout->n && out.n < TYPE_MAX_AXES; i++)
    out.axis[out.n++] = layout->axis[i];
  return out;
}

bool layout_has(const Layout *layout, int atom) {
  int have[LAYOUT_MAX_LEAVES], n = layout_leaves(layout, have);
  return atom_index(have, n, atom) >= 0;
}

Layout layout_with_last(const Layout *layout, const Axis *last) {
  Layout out = *layout;
  out.axis[out.n - 1] = *last;
  return out;
}
