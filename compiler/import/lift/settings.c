/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --set NAME=VALUE gives an input a constant value, or an open axis a size. An axis without a name
 * is `input.1`, axis 1 of `input`. The first axes of all inputs are `batch` together. If there is
 * one other axis without a name, it is `sequence`. */
#include "import/lift/lift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool lift_set_value(const Lift *l, const char *name, double *out) {
  for (int i = 0; i < l->options->n_sets; i++) {
    const char *equal = strchr(l->options->set[i], '=');
    size_t len = (size_t)(equal - l->options->set[i]);
    if (!name || strlen(name) != len || strncmp(name, l->options->set[i], len) != 0) continue;
    char *end;
    *out = strtod(equal + 1, &end);
    return end != equal + 1 && !*end && isfinite(*out);
  }
  return false;
}

/* Whether an axis is open and has no name. */
static bool is_unnamed(const GraphInput *in, int axis) {
  return in->dim[axis].n == GRAPH_OPEN && !(in->dim[axis].symbol && *in->dim[axis].symbol);
}

/* Whether --state names this input. */
static bool is_state_input(const Lift *l, const char *name) {
  for (int i = 0; i < l->options->n_states; i++) {
    const char *equal = strchr(l->options->state[i], '=');
    if (equal && strcmp(equal + 1, name) == 0) return true;
  }
  return false;
}

/* How many open axes have no name, apart from the first axes of inputs. */
static int n_unnamed(const Lift *l) {
  int n = 0;
  for (int i = 0; i < l->graph->n_in; i++) {
    const GraphInput *in = &l->graph->in[i];
    for (int axis = 1; axis < in->rank && !is_state_input(l, in->name); axis++)
      n += is_unnamed(in, axis);
  }
  return n;
}

bool lift_set_axis(const Lift *l, int input, int axis, double *out) {
  const GraphInput *in = &l->graph->in[input];
  if (lift_set_value(l, lift_axis_handle(l, input, axis), out)) return true;
  if (!is_unnamed(in, axis) || is_state_input(l, in->name)) return false;
  if (axis == 0) return lift_set_value(l, "batch", out);
  return n_unnamed(l) == 1 && lift_set_value(l, "sequence", out);
}

const char *lift_axis_handle(const Lift *l, int input, int axis) {
  const GraphInput *in = &l->graph->in[input];
  const char *symbol = in->dim[axis].symbol;
  return symbol && *symbol ? symbol : arena_printf(l->arena, "%s.%d", in->name, axis);
}

/* Whether a name is that of an input or of an open axis, or of an axis that has this size. */
static bool is_settable(const Lift *l, const char *name, double value) {
  if (strcmp(name, "sequence") == 0 && n_unnamed(l) == 1) return true;
  for (int i = 0; i < l->graph->n_in; i++) {
    const GraphInput *in = &l->graph->in[i];
    if (strcmp(in->name, name) == 0) return true;
    if (strcmp(name, "batch") == 0 && in->rank > 0 && is_unnamed(in, 0)) return true;
    for (int axis = 0; axis < in->rank; axis++) {
      bool has_size = in->dim[axis].n == GRAPH_OPEN || (double)in->dim[axis].n == value;
      if (has_size && strcmp(lift_axis_handle(l, i, axis), name) == 0) return true;
    }
  }
  return false;
}

enum { NAMES_MAX = 8 };

/* What --set can name in this file. */
static const char *settable(Lift *l) {
  Text names = text_new(l->arena);
  int n = 0;
  for (int i = 0; i < l->graph->n_in && n < NAMES_MAX; i++) {
    const GraphInput *in = &l->graph->in[i];
    for (int axis = 0; axis < in->rank && n < NAMES_MAX; axis++)
      if (in->dim[axis].n == GRAPH_OPEN)
        text_printf(&names, "%s--set %s=N", n++ ? ", " : "", lift_axis_handle(l, i, axis));
  }
  for (int i = 0; i < l->graph->n_in && n < NAMES_MAX; i++)
    text_printf(&names, "%s--set %s=N", n++ ? ", " : "", l->graph->in[i].name);
  return arena_printf(l->arena, "name an open axis or an input of this file: %s", text_str(&names));
}

bool lift_check_sets(Lift *l) {
  for (int i = 0; i < l->options->n_sets; i++) {
    const char *equal = strchr(l->options->set[i], '='),
               *name = arena_strndup(l->arena, l->options->set[i],
                                     (size_t)(equal - l->options->set[i]));
    double value;
    if (!lift_set_value(l, name, &value)) {
      return foreign_lacks(l->diags, l->file, E903,
                           arena_printf(l->arena, "write a number: --set %s=1", name),
                           "--set %s needs a finite number after `=`", l->options->set[i]);
    }
    if (is_settable(l, name, value)) continue;
    return foreign_lacks(
        l->diags, l->file, E903, settable(l),
        "--set: `%s` is neither an input of the file nor an axis that it leaves open", name);
  }
  return true;
}
