/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recorded arrays and how their shapes fit a port; see recordings.h. */
#include "driver/recordings.h"

#include "import/import.h"

#include <string.h>

static bool ends_with(const char *s, const char *end) {
  size_t n = strlen(s), m = strlen(end);
  return n >= m && strcmp(s + n - m, end) == 0;
}

/* NAME=FILE among the words after the model: FILE, or NULL. */
static const char *given(const Session *s, const char *name) {
  size_t n = strlen(name);
  for (size_t i = 1; i < s->options->n_args; i++) {
    const char *word = s->options->args[i];
    if (strncmp(word, name, n) == 0 && word[n] == '=') return word + n + 1;
  }
  return NULL;
}

static bool is_input(const Model *model, const char *word) {
  size_t n = strcspn(word, "=");
  for (int i = 0; i < model->n_in; i++)
    if (word[n] && strlen(model->in[i]->name) == n && strncmp(model->in[i]->name, word, n) == 0)
      return true;
  return false;
}

bool recordings_open(Session *s, const Model *model) {
  const char *against = s->options->against;
  for (size_t i = 1; i < s->options->n_args; i++) {
    if (is_input(model, s->options->args[i])) continue;
    session_error(s, "`%s` is not an input of `%s`: after the model, give INPUT=FILE.npy",
                  s->options->args[i], model->name);
    s->usage_trouble = true;
    return false;
  }
  if (!against || file_exists(against)) return true;
  session_error(s, "there is no folder or .npz file `%s` to compare with", against);
  s->file_trouble = true;
  return false;
}

/* One array: *there is false where there is no file or no such name in it. */
static bool read_tensor(Session *s, const char *name, Tensor *out, const char **path, bool *there) {
  const char *against = s->options->against, *reason, *file = given(s, name);
  Mapped map;
  *there = false;
  bool in_npz = !file && against && ends_with(against, ".npz");
  *path = file      ? file
          : in_npz  ? against
          : against ? arena_printf(s->arena, "%s/%s.npy", against, name)
                    : NULL;
  if (!*path || (!file && !file_exists(*path))) return true;
  if (!file_map(s->arena, *path, &map, &reason)) goto unread;
  if (in_npz || ends_with(*path, ".npz")) {
    TensorFile *npz = npz_parse(s->arena, map, &reason);
    if (!npz) goto unread;
    const Tensor *found = tensor_find(npz, name);
    if (!found && file && npz->n == 1) found = npz->tensor;
    if (found) *out = *found;
    *there = found != NULL;
    return true;
  }
  *out = (Tensor){.name = name};
  if (!npy_parse(s->arena, map, out, &reason)) goto unread;
  *there = true;
  return true;
unread:
  session_file_error(s, *path, "read", reason);
  return false;
}

/* The axes of a value in storage order; 0 stands for any number of steps. Axes of one element can
 * be left out of an array. */
static int axes_of(const Type *type, bool any_time, bool without_ones,
                   int64_t axis[TYPE_MAX_AXES + 1]) {
  int n = 0, time = type_is_sequence(type) ? type->time_pos : -1;
  for (int i = 0; i <= type->rank; i++) {
    if (i == time) axis[n++] = any_time || type->time.kind != TIME_FIXED ? 0 : type->time.n;
    if (i < type->rank && !(without_ones && type->dim[i].n == 1)) axis[n++] = type->dim[i].n;
  }
  return n;
}

/* Whether the last n axes of t are these; *steps gets what stands for time. */
static bool ends_in(const Tensor *t, int n, const int64_t *axis, int64_t *steps) {
  *steps = 1;
  for (int i = 0; i < n; i++) {
    int64_t have = t->dim[t->rank - n + i];
    if (axis[i] && have != axis[i]) return false;
    if (!axis[i]) *steps = have;
  }
  return true;
}

/* How an input's array fits: sets samples and steps; false if it does not. */
static bool fit(const Tensor *t, const Type *type, bool window, Recording *out) {
  int64_t axis[TYPE_MAX_AXES + 1], steps = 1, step = type_step_size(type);
  for (int leading = 0; leading <= 1; leading++)
    for (int squeezed = 0; squeezed <= 1; squeezed++) {
      int n = axes_of(type, window, squeezed, axis);
      if (t->rank != n + leading || !ends_in(t, n, axis, &steps)) continue;
      out->samples = leading ? t->dim[0] : 1;
      out->one.steps =
          type_is_sequence(type) && type->time.kind == TIME_FIXED && !window ? type->time.n : steps;
      return true;
    }
  bool is_flat = t->rank == 1 && step > 0 && t->count % step == 0;
  out->samples = 1;
  out->one.steps = is_flat ? t->count / step : 0;
  if (!type_is_sequence(type)) return is_flat && out->one.steps == 1;
  return is_flat && (window || type->time.kind != TIME_FIXED || out->one.steps == type->time.n);
}

static double *numbers(Session *s, const Tensor *t) {
  double *data = ARENA_ARRAY(s->arena, double, t->count + 1);
  for (int64_t i = 0; i < t->count; i++)
    data[i] = tensor_get(t, i);
  return data;
}

static bool misfit(Session *s, const char *path, const Tensor *t, const char *name,
                   const Type *type) {
  session_error(s, "`%s` has shape %s, `%s` is %s (one axis more in front: samples)", path,
                tensor_shape_str(s->arena, t), name, type_str(s->arena, type));
  s->file_trouble = true;
  return false;
}

bool recording_input(Session *s, const Port *port, Recording *out) {
  const Type *type = &port->value->type;
  const char *path;
  Tensor t;
  *out = (Recording){.samples = 1};
  if (!read_tensor(s, port->name, &t, &path, &out->is_there)) return false;
  if (!out->is_there) return true;
  if (t.count == 0 || !fit(&t, type, port->every > 0, out))
    return misfit(s, path, &t, port->name, type);
  out->one.count = t.count / out->samples;
  out->one.data = numbers(s, &t);
  return true;
}

bool recording_output(Session *s, const char *name, const Type *type, Recorded *out, bool *there) {
  const char *path;
  Tensor t;
  int64_t step = type_step_size(type);
  if (!read_tensor(s, name, &t, &path, there)) return false;
  if (!*there) return true;
  if (t.count == 0 || step < 1 || t.count % step != 0) return misfit(s, path, &t, name, type);
  *out = (Recorded){.data = numbers(s, &t), .count = t.count, .steps = t.count / step};
  return true;
}

Recorded recording_sample(const Recording *r, int64_t i) {
  Recorded one = r->one;
  if (r->samples > 1) one.data += i * r->one.count;
  return one;
}
