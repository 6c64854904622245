/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The recorded arrays of a case as the inputs and outputs of its model; see case.h. */
#include "case.h"

#include <math.h>
#include <string.h>

const char *case_path(const Case *t, const char *name) {
  return arena_printf(t->c->arena, "%s/%s", t->models, name);
}
const char *case_text(const json_t *json, const char *key) {
  return json_string_value(json_object_get(json, key));
}

static bool is_whole(const Tensor *a) {
  return a->elem != TENSOR_F16 && a->elem != TENSOR_BF16 && a->elem != TENSOR_F32 &&
         a->elem != TENSOR_F64;
}

double case_affine(const json_t *quant, const char *port, size_t k) {
  return json_number_value(json_array_get(json_object_get(quant, port), k));
}

bool case_said(Case *t, const char *what, const char *name) {
  conform_said(t->c, t->label, arena_printf(t->c->arena, "%s `%s`", what, name));
  t->c->failures++;
  return false;
}

/* A constant that did not settle at import. */
static bool constant(Case *t, int i) {
  const Port *port = t->model->in[i];
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(t->json, "const"), name, value) {
    if (!name_fits(name, port->name)) continue;
    int64_t size = type_size(&port->declared);
    t->in[i] = (Fitted){ARENA_ARRAY(t->c->arena, double, size), 1, size, 1};
    for (int64_t k = 0; k < size; k++)
      t->in[i].data[k] = json_number_value(value);
    return true;
  }
  return case_said(t, "nothing is recorded for input", port->name);
}

/* The array of an input. The sequence of one case goes on with padding, which the file reads too: a
 * bounded sequence is given its length, and a stream the padding. */
static Tensor input_array(const Case *t, const char *file) {
  static const char *const end = "reports/keras-masking-pointwise-conv/input.npy";
  if (t->model->run == RUN_STREAM && strcmp(file, end) == 0)
    file = "reports/keras-masking-pointwise-conv/padded.npy";
  return conform_npy(t->c, case_path(t, file));
}

bool case_inputs(Case *t) {
  json_t *recorded = json_object_get(t->json, "in"), *quant = json_object_get(t->json, "quant");
  const char *key[MAX_PORTS];
  t->samples = t->steps = 1;
  names_match(recorded, t->model->in, t->model->n_in,
              json_is_true(json_object_get(t->json, "input_any")) || t->model->n_in == 1, key);
  for (int i = 0; i < t->model->n_in; i++) {
    const Port *port = t->model->in[i];
    if (!key[i]) {
      if (!constant(t, i)) return false;
      continue;
    }
    Tensor a = input_array(t, case_text(recorded, key[i]));
    if (!fit_array(t->c->arena, &a, &port->declared, 0, false, &t->in[i]))
      return case_said(t, "the recorded array has another shape than input", port->name);
    if (quant && is_whole(&a) && port->declared.elem == ELEM_F32)
      fit_affine(&t->in[i], case_affine(quant, "in", 0), case_affine(quant, "in", 1));
    if (t->in[i].samples > t->samples) t->samples = t->in[i].samples;
    if (t->in[i].steps > t->steps) t->steps = t->in[i].steps;
  }
  return true;
}

bool case_output(Case *t, int i, const char *file, const json_t *quant) {
  Tensor a = conform_npy(t->c, case_path(t, file));
  Fitted *y = &t->out[i];
  Type stored = t->model->out[i]->value->type;
  stored.time_pos = t->model->out[i]->declared.time_pos;
  if (!fit_array(t->c->arena, &a, &stored, t->samples, true, y)) return false;
  if (quant && is_whole(&a))
    fit_affine(y, case_affine(quant, "out", 0), case_affine(quant, "out", 1));
  t->scale[i] = 1;
  for (int64_t k = 0; k < y->samples * y->size; k++)
    t->scale[i] = fmax(t->scale[i], fabs(y->data[k]));
  return true;
}

void case_complete(Case *t, const char *const *key) {
  int64_t period = 1;
  for (int i = 0; i < t->model->n_out; i++) {
    const Time *time = &t->model->out[i]->value->type.time;
    json_t *choices = key[i] ? json_object_get(json_object_get(t->json, "out"), key[i]) : NULL;
    const char *file = json_string_value(json_array_get(json_array_get(choices, 0), 0));
    if (time->kind == TIME_STREAM && time->period > period) period = time->period;
    if (file && (!case_output(t, i, file, NULL) || t->out[i].steps > 1)) return;
  }
  for (int i = 0; i < t->model->n_in; i++)
    if (type_is_stream(&t->model->in[i]->value->type))
      fit_longer(t->c->arena, &t->in[i], (t->steps + period - 1) / period * period);
}
