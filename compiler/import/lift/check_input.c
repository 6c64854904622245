/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Random inputs of the translation check. In, the sizes that a trial gives to the batch and to
 * time; out, a tensor for each input of the graph, and the place of each of its elements in the
 * model. */
#include "import/lift/check.h"

#include <math.h>

static double next_number(Comparison *c) {
  c->random = c->random * 6364136223846793005u + 1442695040888963407u;
  return (double)(c->random >> 11) / 9007199254740992.0;
}

/* The size of each factor in the flat graph, and its role: 'b' for the batch, 't' for time, 'f' for
 * features. */
static void factor_sizes(const Comparison *c, const Factors *f, int64_t size[FACTORS_MAX],
                         char role[FACTORS_MAX]) {
  const Lift *l = c->l;
  for (int i = 0; i < f->n; i++) {
    int family = atom_family(l->atoms, f->atom[i]);
    bool batch = family == l->roles.batch,
         time = l->roles.way == TIME_WAY_AXIS && family == l->roles.time;
    role[i] = batch ? 'b' : time ? 't' : 'f';
    size[i] = atom_size(l->atoms, f->atom[i]);
  }
}

/* The shape of a flat input in this trial, whose batch and time may have other sizes. */
static void trial_shape(const Comparison *c, const GraphValue *value, int64_t dim[GRAPH_MAX_RANK]) {
  Factors f = atoms_of(c->l->atoms, value);
  int64_t size[FACTORS_MAX];
  char role[FACTORS_MAX];
  factor_sizes(c, &f, size, role);
  for (int i = 0; i < lift_type(c->l, value)->rank; i++)
    dim[i] = 1;
  for (int i = 0; i < f.n; i++)
    dim[f.dim[i]] *= role[i] == 'b' && c->batch > 0   ? c->batch
                     : role[i] == 't' && c->steps > 0 ? c->steps
                                                      : size[i];
}

void check_spots(const Comparison *c, const GraphValue *value, const GraphTensor *tensor,
                 ElementPlace *out) {
  Factors f = atoms_of(c->l->atoms, value);
  int64_t size[FACTORS_MAX], known[GRAPH_MAX_RANK], place[FACTORS_MAX];
  char role[FACTORS_MAX];
  factor_sizes(c, &f, size, role);
  for (int i = 0; i < tensor->rank; i++)
    known[i] = 1;
  for (int i = 0; i < f.n; i++) {
    if (role[i] == 'b' && c->batch > 0) size[i] = c->batch;
    if (role[i] != 't') known[f.dim[i]] *= size[i];
  }
  for (int i = 0; i < f.n; i++) /* time is what the other factors leave of the size of its axis */
    if (role[i] == 't') size[i] = known[f.dim[i]] ? tensor->dim[f.dim[i]] / known[f.dim[i]] : 0;
  for (int64_t e = 0; e < tensor->count; e++) {
    int64_t left = e;
    for (int i = f.n; i-- > 0;) {
      place[i] = size[i] ? left % size[i] : 0;
      left = size[i] ? left / size[i] : left;
    }
    out[e] = (ElementPlace){0};
    for (int i = 0; i < f.n; i++) {
      if (role[i] == 'b')
        out[e].sample = out[e].sample * size[i] + place[i];
      else
        out[e].rest = out[e].rest * size[i] + place[i];
      if (role[i] == 't') out[e].step = out[e].step * size[i] + place[i];
      if (role[i] == 'f') out[e].feature = out[e].feature * size[i] + place[i];
    }
  }
}

/* Sets the steps from `real` on to the number that means padding, and sees to it that the steps
 * before them are not that number. */
static void add_padding(Comparison *c, const GraphInput *in, const GraphValue *flat_value,
                        int64_t real, int64_t categories, const GraphTensor *t, double *data) {
  ElementPlace *spot = ARENA_ARRAY(c->arena, ElementPlace, t->count ? t->count : 1);
  check_spots(c, flat_value, t, spot);
  for (int64_t i = 0; i < t->count; i++) {
    bool index = in->elem != GRAPH_FLOAT && categories > 1;
    if (spot[i].step >= real)
      data[i] = in->padding;
    else if (index && data[i] == in->padding)
      data[i] = data[i] == 0 ? 1 : data[i] - 1;
  }
}

/* Takes an input of this shape from what the inputs of a trial may have together. */
static bool take_room(Comparison *c, const int64_t *dim, int rank) {
  int64_t count = 1;
  for (int i = 0; i < rank; i++)
    if (!size_mul(count, dim[i], &count) || count > c->inputs) return false;
  c->inputs -= count;
  return true;
}

/* Numbers of -32 to -16 and of 16 to 32 that depend on the sample and the feature, and not on the
 * step. */
static void fill_steady(Comparison *c, const GraphValue *flat_value, const GraphTensor *t,
                        double *data) {
  ElementPlace *spot = ARENA_ARRAY(c->arena, ElementPlace, t->count ? t->count : 1);
  check_spots(c, flat_value, t, spot);
  for (int64_t i = 0; i < t->count; i++) {
    Comparison place = {.random = (uint64_t)flat_value->id * 1000003u +
                                  (uint64_t)spot[i].sample * 7919u + (uint64_t)spot[i].feature};
    next_number(&place);
    double u = next_number(&place) - 0.5;
    data[i] = (double)(float)(u < 0 ? u * 32 - 16 : u * 32 + 16);
  }
}

/* The step of an element where the model has no time: its place along the second axis of the file.
 */
static int64_t step_in_file(const GraphTensor *t, int64_t e) {
  int64_t inner = 1;
  for (int i = 2; i < t->rank; i++)
    inner *= t->dim[i];
  return t->rank > 1 && inner ? e / inner % t->dim[1] : 0;
}

/* Whether a step holds nothing but the number, and in others which elements do. */
static bool is_hole(Comparison *c, Holes holes, int64_t sample, int64_t step, int64_t steps) {
  Comparison place = {.random = (uint64_t)sample * 7919u + (uint64_t)step * 104729u + 17u};
  next_number(&place);
  switch (holes) {
  case HOLES_NONE: return false;
  case HOLES_BEFORE: return step < (steps + 1) / 2;
  case HOLES_AFTER: return step >= steps / 2;
  case HOLES_BETWEEN: return next_number(&place) < 0.5 || next_number(c) < 0.25;
  case HOLES_ALL: return true;
  }
  return false;
}

static void add_holes(Comparison *c, Holes holes, double number, const GraphValue *flat_value,
                      const GraphTensor *t, double *data) {
  ElementPlace *spot = ARENA_ARRAY(c->arena, ElementPlace, t->count ? t->count : 1);
  bool timed = check_has_time(c, flat_value);
  int64_t steps = 1;
  check_spots(c, flat_value, t, spot);
  for (int64_t i = 0; i < t->count; i++) {
    if (!timed) spot[i].step = step_in_file(t, i);
    if (spot[i].step >= steps) steps = spot[i].step + 1;
  }
  for (int64_t i = 0; i < t->count; i++)
    if (is_hole(c, holes, spot[i].sample, spot[i].step, steps)) data[i] = number;
}

const GraphTensor *check_input(Comparison *c, const Trial *trial, int number, const Port *port) {
  const GraphInput *in = &c->l->graph->in[c->l->file_input[number]];
  const GraphValue *flat_value = c->l->flat->graph->in[number].value;
  int64_t dim[GRAPH_MAX_RANK];
  double *data;
  trial_shape(c, flat_value, dim);
  if (!take_room(c, dim, lift_type(c->l, flat_value)->rank)) arena_out_of_memory(c->arena);
  GraphTensor *t = graph_tensor(c->arena, in->elem, lift_type(c->l, flat_value)->rank, dim, &data);
  bool index = port && port->declared.elem == ELEM_INDEX;
  int64_t categories = index ? port->declared.categories : 100;
  for (int64_t i = 0; t && i < t->count; i++) {
    double u = next_number(c);
    if (in->elem == GRAPH_FLOAT && !index)
      data[i] = (double)(float)((u - 0.5) * 4);
    else if (in->elem == GRAPH_BOOL)
      data[i] = u < 0.5;
    else
      data[i] = floor(u * (double)(categories < 100 || port ? categories : 100));
  }
  if (t && trial->steady && in->elem == GRAPH_FLOAT && !index) fill_steady(c, flat_value, t, data);
  const Hole *hole = &c->l->hole[number];
  bool fits = !index || (hole->number >= 0 && hole->number < (double)categories);
  if (t && trial->holes != HOLES_NONE && hole->is && fits)
    add_holes(c, trial->holes, hole->number, flat_value, t, data);
  if (t && in->has_padding && c->l->time.kind == TIME_BOUNDED)
    add_padding(c, in, flat_value, trial->real ? trial->real : INT64_MAX, categories, t, data);
  return t;
}

static bool has_role(const Comparison *c, const GraphValue *value, char wanted) {
  Factors f = atoms_of(c->l->atoms, value);
  int64_t size[FACTORS_MAX];
  char role[FACTORS_MAX];
  factor_sizes(c, &f, size, role);
  for (int i = 0; i < f.n; i++)
    if (role[i] == wanted) return true;
  return false;
}

int64_t check_steps(const Comparison *c, const GraphValue *value) {
  Factors f = atoms_of(c->l->atoms, value);
  int64_t size[FACTORS_MAX], steps = 1;
  char role[FACTORS_MAX];
  factor_sizes(c, &f, size, role);
  for (int i = 0; i < f.n; i++)
    if (role[i] == 't') steps *= size[i];
  return steps;
}

bool check_has_time(const Comparison *c, const GraphValue *value) {
  return has_role(c, value, 't');
}

bool check_has_batch(const Comparison *c, const GraphValue *value) {
  return has_role(c, value, 'b');
}
