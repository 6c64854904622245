/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recorded arrays and how their shapes fit a port; see recordings.h. */
#include "driver/recordings.h"

#include "base/text.h"
#include "driver/recorded_file.h"
#include "import/weights_file.h"

#include <string.h>

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
    session_error(s, "`%s` is not an input of `%s`: after the model, write NAME=DATA",
                  s->options->args[i], model->name);
    s->usage_trouble = true;
    return false;
  }
  if (against && (text_ends(against, ".npy") || text_ends(against, ".csv"))) {
    session_error(
        s,
        "`--against` takes a folder, or an .npz file, whose arrays have the names of inputs "
        "and outputs; `%s` is one array",
        against);
    s->usage_trouble = true;
    return false;
  }
  if (!against || file_exists(against)) return true;
  session_error(s, "there is no folder or .npz file `%s` to compare with", against);
  s->file_trouble = true;
  return false;
}

/* Where the values of a name are: on the command line, in the .npz, in the folder. NULL: nowhere.
 */
static const char *place_of(Session *s, const char *name) {
  static const char *const endings[] = {"npy", "csv", "tsv", "txt", "jsonl", "ndjson", "wav"};
  const char *against = s->options->against, *file = given(s, name);
  if (file || !against) return file;
  if (text_ends(against, ".npz")) return against;
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    const char *path = arena_printf(s->arena, "%s/%s.%s", against, name, endings[i]);
    if (file_exists(path)) return path;
  }
  return NULL;
}

static bool is_array(const char *path) {
  return text_ends(path, ".npy") || text_ends(path, ".npz");
}

/* One array: *there is false where no such name is in an .npz. */
static bool read_tensor(Session *s, const char *name, const char *path, Tensor *out, bool *there) {
  const char *reason, *file = given(s, name);
  Mapped map;
  *there = false;
  if (!file_map(s->arena, path, &map, &reason)) goto unread;
  if (text_ends(path, ".npz")) {
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
  session_file_error(s, path, "read", reason);
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

/* How an input's array fits: its samples and the steps of each; false if it does not. */
static bool fit(const Tensor *t, const Type *type, bool window, int64_t *samples, int64_t *steps) {
  int64_t axis[TYPE_MAX_AXES + 1], step = type_step_size(type);
  bool is_fixed = type_is_sequence(type) && type->time.kind == TIME_FIXED && !window;
  for (int leading = 0; leading <= 1; leading++)
    for (int squeezed = 0; squeezed <= 1; squeezed++) {
      int n = axes_of(type, window, squeezed, axis);
      if (t->rank != n + leading || !ends_in(t, n, axis, steps)) continue;
      *samples = leading ? t->dim[0] : 1;
      if (is_fixed) *steps = type->time.n;
      return true;
    }
  bool is_flat = t->rank == 1 && step > 0 && t->count % step == 0;
  *samples = 1;
  *steps = is_flat ? t->count / step : 0;
  if (!type_is_sequence(type)) return is_flat && *steps == 1;
  return is_flat && (!is_fixed || *steps == type->time.n);
}

static double *numbers(Session *s, const Tensor *t) {
  double *data = ARENA_ARRAY(s->arena, double, t->count + 1);
  for (int64_t i = 0; i < t->count; i++)
    data[i] = tensor_get(t, i);
  return data;
}

static bool misfit(Session *s, const char *path, const Tensor *t, const char *name,
                   const Type *type) {
  session_error(s, "`%s` has shape %s, but `%s` is %s (an extra first axis counts samples)", path,
                tensor_shape_str(s->arena, t), name, type_str(s->arena, type));
  s->file_trouble = true;
  return false;
}

static void cut_samples(Session *s, const Tensor *t, int64_t steps, Recording *out) {
  double *data = numbers(s, t);
  int64_t count = t->count / out->samples;
  out->sample = ARENA_ARRAY(s->arena, Recorded, out->samples + 1);
  for (int64_t i = 0; i < out->samples; i++)
    out->sample[i] = (Recorded){data + i * count, count, steps};
}

bool recording_input(Session *s, const Port *port, Recording *out) {
  const Type *type = &port->value->type;
  const char *path = place_of(s, port->name);
  bool window = port->every > 0;
  int64_t steps;
  Tensor t;
  *out = (Recording){.samples = 1};
  if (!path) return true;
  if (!is_array(path)) {
    RecordedSteps any = window || type_is_stream(type) ? RECORDED_ANY : RECORDED_AS_TYPED;
    return recorded_file_read(s, port->name, type, any, path, out);
  }
  if (!read_tensor(s, port->name, path, &t, &out->is_there)) return false;
  if (!out->is_there) return true;
  if (t.count == 0 || !fit(&t, type, window, &out->samples, &steps))
    return misfit(s, path, &t, port->name, type);
  cut_samples(s, &t, steps, out);
  return recorded_takes(s, port->name, type, path, out->sample[0].data, t.count);
}

/* All samples of a file, one after the other. */
static bool file_output(Session *s, const char *name, const Type *type, const char *path,
                        Recorded *out) {
  Recording r;
  int64_t count = 0, at = 0;
  RecordedSteps any = type_is_stream(type) ? RECORDED_ANY : RECORDED_AS_TYPED;
  if (!recorded_file_read(s, name, type, any, path, &r)) return false;
  for (int64_t i = 0; i < r.samples; i++)
    count += r.sample[i].count;
  *out = (Recorded){.data = ARENA_ARRAY(s->arena, double, count + 1), .count = count};
  for (int64_t i = 0; i < r.samples; i++) {
    memcpy(out->data + at, r.sample[i].data, (size_t)r.sample[i].count * sizeof *out->data);
    at += r.sample[i].count;
    out->steps += r.sample[i].steps;
  }
  return true;
}

bool recording_output(Session *s, const char *name, const Type *type, Recorded *out, bool *there) {
  const char *path = place_of(s, name);
  Tensor t;
  int64_t step = type_step_size(type);
  *there = path != NULL;
  if (!path) return true;
  if (!is_array(path)) return file_output(s, name, type, path, out);
  if (!read_tensor(s, name, path, &t, there)) return false;
  if (!*there) return true;
  if (t.count == 0 || step < 1 || t.count % step != 0) return misfit(s, path, &t, name, type);
  *out = (Recorded){.data = numbers(s, &t), .count = t.count, .steps = t.count / step};
  return true;
}

Recorded recording_sample(const Recording *r, int64_t i) {
  return r->sample[r->samples > 1 ? i : 0];
}
