/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where each value lives. In: needs from the schedule. After: view_of answers for every value that
 * a call computes (place_values) or reset does (place_reset).
 *
 * A value that is an output is computed in the caller's array, a value that only concat reads in
 * its slice of the concatenation, the result of a recurrent layer of which only the current row is
 * read in the layer's own state; Dropout, slice, last, repeat and expand are other views of their
 * input. Everything else gets a buffer: one row, or all rows with zeros or history around them. */
#include "lower/int_layers.h"
#include "lower/lower_internal.h"
#include "model/graph/identifier.h"

#include <assert.h>
#include <string.h>

KirElem elem_of(const Type *type) {
  switch (type->elem) {
  case ELEM_F32: return KIR_F32;
  case ELEM_F16: return KIR_F16;
  case ELEM_I8: return KIR_I8;
  case ELEM_I16: return KIR_I16;
  case ELEM_I32: return KIR_I32;
  case ELEM_U8: return KIR_U8;
  case ELEM_U16: return KIR_U16;
  case ELEM_INDEX:
    return type->categories <= 256 ? KIR_U8 : type->categories <= 65536 ? KIR_U16 : KIR_I32;
  }
  return KIR_F32;
}

KirOrigin layer_origin(const Layer *layer) {
  return (KirOrigin){layer->path, layer->span};
}

KirCost *layer_cost(const Lower *l, const Layer *layer) {
  return &l->m->cost[layer->id];
}

bool layer_has_role(const Layer *layer, Role role) {
  return layer->weights && layer->weights->role[role];
}

/* ---- buffers ---- */

static bool name_is_taken(const KirModule *m, const char *name) {
  for (int i = 0; i < m->n_buffers; i++)
    if (strcmp(m->buffer[i]->name, name) == 0) return true;
  return false;
}

/* The path without its binding where all layers stand in one: "gru" of "probs.gru". */
static const char *short_path(const Lower *l, const Layer *layer) {
  const char *dot = layer->path ? strchr(layer->path, '.') : NULL;
  for (int i = 0; dot && i < l->model->n_layers; i++) {
    const char *other = l->model->layer[i]->path;
    size_t n = (size_t)(dot - layer->path) + 1;
    if (!other || strncmp(other, layer->path, n) != 0) return layer->path;
  }
  return dot ? dot + 1 : layer->path;
}

const char *buffer_name(Lower *l, const Layer *layer, const char *part) {
  Text text = text_new(l->arena);
  const char *path = layer ? short_path(l, layer) : NULL;
  for (const char *s = path ? path : layer ? layer_info(layer->kind)->name : ""; *s; s++)
    text_add_char(&text, identifier_has(*s) ? *s : '_');
  if (text.len && *part) text_add(&text, "_");
  text_add(&text, part);
  const char *name = text_str(&text);
  if (name[0] >= '0' && name[0] <= '9') name = arena_printf(l->arena, "v%s", name);
  const char *base = name;
  for (int i = 2; name_is_taken(l->m, name); i++)
    name = arena_printf(l->arena, "%s_%d", base, i);
  return name;
}

/* Aligned to the widest vector, because vectors are loaded from it. */
static int buffer_align(const Lower *l, KirElem elem) {
  int size = kir_elem_size(elem);
  return elem == KIR_F32 ? size * l->target->lanes : size;
}

KirBuffer *new_scratch(Emit *e, const Layer *layer, const char *part, KirElem elem, int64_t count) {
  Lower *l = e->l;
  KirBuffer *b = kir_buffer(l->m, buffer_name(l, layer, part), KIR_SCRATCH, elem, count);
  b->align = buffer_align(l, elem);
  if (layer) b->origin = layer_origin(layer);
  return b;
}

KirBuffer *new_kept(Emit *e, const Layer *layer, const char *part, KirElem elem, int64_t count) {
  if (!e->is_tiled) return new_scratch(e, layer, part, elem, count);
  KirBuffer *b = new_scratch(e, layer, part, elem, count * e->l->m->batch);
  b->is_per_sample = true;
  return b;
}

KirBuffer *new_state(Emit *e, const Layer *layer, const char *part, KirElem elem, int64_t count) {
  Lower *l = e->l;
  KirBuffer *b =
      kir_buffer(l->m, buffer_name(l, layer, part), KIR_STATE, elem, count * l->m->batch);
  b->is_per_sample = true;
  b->align = buffer_align(l, elem);
  if (l->m->batch > 1) {
    b->rank = 2;
    b->dim[0] = l->m->batch;
    b->dim[1] = count;
  }
  if (layer) b->origin = layer_origin(layer);
  return b;
}

KirBuffer *new_constants(Lower *l, const Layer *layer, const char *part, KirElem elem,
                         const void *data, int64_t n, const char *doc) {
  KirBuffer *b = kir_buffer(l->m, buffer_name(l, layer, part), KIR_CONST, elem, n);
  b->align = buffer_align(l, elem);
  b->data = data;
  b->doc = doc;
  b->origin = layer_origin(layer);
  return b;
}

KirBuffer *new_weights(Lower *l, const Layer *layer, const char *part, const float *data, int64_t n,
                       const char *doc) {
  return new_constants(l, layer, part, KIR_F32, data, n, doc);
}

KirBuffer *new_kernel(Lower *l, const Layer *layer, const char *part, const float *data, int64_t n,
                      const char *doc) {
  Precision precision = layer_precision(l->model, layer);
  bool is_half = precision == PRECISION_F16;
  if (!is_half && precision != PRECISION_BF16) return new_weights(l, layer, part, data, n, doc);
  uint16_t *narrow = data ? ARENA_ARRAY(l->arena, uint16_t, n) : NULL;
  for (int64_t i = 0; narrow && i < n; i++)
    narrow[i] = is_half ? half_of(data[i]) : bfloat_of(data[i]);
  return new_constants(l, layer, part, is_half ? KIR_F16 : KIR_BF16, narrow, n, doc);
}

KirIndex at_sample(const Lower *l, const KirBuffer *b, int64_t offset, KirReg *sample) {
  return kir_at_plus(kir_at(offset), b->is_per_sample ? b->count / l->m->batch : 0, sample);
}

KirIndex at_batch(const Emit *e, const KirBuffer *b, int64_t offset) {
  return at_sample(e->l, b, offset, e->sample);
}

/* ---- views ---- */

int64_t view_size(const View *view) {
  return dims_product(view->rank, view->dim);
}

bool view_is_dense(const View *view) {
  int64_t n = 1;
  for (int i = view->rank - 1; i >= 0; i--) {
    if (view->stride[i] != n && view->dim[i] > 1) return false;
    n *= view->dim[i];
  }
  return true;
}

KirIndex view_row(const View *view, Step t, int64_t row) {
  KirIndex at = kir_at_offset(view->at, view->time * row);
  if (t.rows || view->in_block) at = kir_at_plus(at, view->time, t.in_block);
  return view->in_block ? at : kir_at_plus(at, view->time, t.t);
}

/* A view of rows in C order, the first `before` rows skipped; need: the zeros around its axes, NULL
 * none. */
static View view_rows(const Emit *e, KirBuffer *b, const Type *type, bool rows, int64_t before,
                      const Need *need) {
  View v = {.buffer = b, .rank = type->rank};
  int64_t n = 1, first = 0;
  for (int i = type->rank - 1; i >= 0; i--) {
    v.dim[i] = type->dim[i].n;
    v.stride[i] = n;
    if (need) first += need->pad_before[i] * n;
    n *= v.dim[i] + (need ? need->pad_before[i] + need->pad_after[i] : 0);
  }
  v.time = rows && type_is_sequence(type) ? n : 0;
  v.at = at_batch(e, b, before * n + first);
  return v;
}

/* Elements of a row, zeros around its axes included. */
static int64_t padded_row(const Type *type, const Need *need, int64_t *first) {
  int64_t n = 1;
  *first = 0;
  for (int i = type->rank - 1; i >= 0; i--) {
    *first += need->pad_before[i] * n;
    n *= type->dim[i].n + need->pad_before[i] + need->pad_after[i];
  }
  return n;
}

/* A view of a port: axes in storage order, the time axis at time_pos. */
static View view_port(const Emit *e, KirBuffer *b, const Type *type, int time_pos, int64_t steps) {
  View v = {.buffer = b, .rank = type->rank};
  int64_t n = 1;
  bool timed = type_is_sequence(type);
  for (int i = type->rank; i >= 0; i--) {
    if (i < type->rank) {
      v.dim[i] = type->dim[i].n;
      v.stride[i] = n;
      n *= v.dim[i];
    }
    if (timed && i == time_pos) {
      v.time = n;
      n *= steps;
    }
  }
  v.at = at_batch(e, b, 0);
  return v;
}

/* ---- placing ---- */

static void place_port_out(Emit *e, const Value *v, int port) {
  Lower *l = e->l;
  const Port *p = l->model->out[port];
  Domain d = domain_of(l, &v->type);
  int time_pos = p->has_type ? p->declared.time_pos : v->type.time_pos;
  l->place[v->id].view = view_port(e, e->out[port], &v->type, time_pos, d.n);
  l->place[v->id].port_out = p;
}

static bool place_as_output(Emit *e, const Value *v) {
  Lower *l = e->l;
  const Need *n = &l->place[v->id].need;
  if (n->before || n->after || n->padded) return false;
  for (int i = 0; i < l->model->n_out; i++)
    if (l->model->out[i]->value == v) {
      const Port *port = l->model->out[i];
      if (n->dense && port->has_type && port->declared.time_pos) continue;
      place_port_out(e, v, i);
      return true;
    }
  return false;
}

/* Whether a concat keeps as many rows as the readers of its part go back to: those of a block, when
 * a later pass multiplies v by a kernel for several steps at once. */
static bool keeps_rows_of(const Lower *l, const Layer *concat, const Value *v) {
  const ValuePlace *whole = &l->place[concat->out[0]->id];
  return !l->place[v->id].in_block || whole->in_block || whole->need.rows;
}

static const View *place_value(Emit *e, const Value *v);

/* The slice of a concat that runs in the same loop and reads v. */
static bool place_in_concat(Emit *e, const Value *v) {
  Lower *l = e->l;
  const Job *job = &l->job[v->layer->id];
  const Need *need = &l->place[v->id].need;
  if (need->rows || need->padded || need->dense || v->field) return false;
  for (int i = v->layer->id + 1; i < l->model->n_layers; i++) {
    const Layer *c = l->model->layer[i];
    if (c->kind != LAYER_concat || l->job[i].level != job->level || l->job[i].pass != job->pass ||
        !domain_equal(l->job[i].domain, job->domain) || !int_formats_agree(l, v, c->out[0]) ||
        !keeps_rows_of(l, c, v))
      continue;
    int64_t at = 0;
    int axis = c->along[0].axis;
    for (int k = 0; k < c->n_in; at += c->in[k]->type.dim[axis].n, k++) {
      if (c->in[k] != v) continue;
      View view = *place_value(e, c->out[0]);
      view.dim[axis] = v->type.dim[axis].n;
      view.at = kir_at_offset(view.at, at * view.stride[axis]);
      l->place[v->id].view = view;
      l->place[v->id].concat = c;
      l->place[v->id].concat_input = k;
      return true;
    }
  }
  return false;
}

enum { LONG_HISTORY = 16 };

/* A history much longer than a call is not moved at every call: the rows wander through a buffer of
 * twice the size, and are moved to the front when they reach its end. */
static void place_wandering(Emit *e, const Value *v, const char *part, int64_t n) {
  Lower *l = e->l;
  ValuePlace *p = &l->place[v->id];
  Kb *kb = &e->kb;
  p->turns = (p->need.before + n - 1) / n;
  p->history =
      new_state(e, v->layer, part, int_value_elem(l, v), p->row * (p->need.before + p->turns * n));
  p->position =
      kir_buffer(l->m, arena_printf(l->arena, "%s_at", p->history->name), KIR_STATE, KIR_I32, 1);
  p->position->doc = arena_printf(l->arena, "first row in use of %s", p->history->name);
  p->at_position =
      kb_let(kb, "at", kb_convert(kb, KIR_INDEX, kb_load(kb, p->position, kir_at(0), 1)));
  p->at_position->lo = 0;
  p->at_position->hi = (p->turns - 1) * n;
}

void advance_positions(Emit *e) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  for (int i = 0; i < l->model->n_values; i++) {
    const ValuePlace *p = &l->place[i];
    if (!p->position) continue;
    int64_t n = domain_of(l, &l->model->value[i]->type).n;
    KirExpr *at = kb_convert(kb, KIR_INDEX, kb_load(kb, p->position, kir_at(0), 1));
    KirReg *next = kb_let(kb, "next", kb_op2(kb, KIR_ADD, at, kb_int(kb, KIR_INDEX, n, 1)));
    kb_if(kb, kb_op2(kb, KIR_LT, kb_use(kb, next), kb_int(kb, KIR_INDEX, p->turns * n, 1)));
    kb_store(kb, p->position, kir_at(0), kb_convert(kb, KIR_I32, kb_use(kb, next)));
    kb_else(kb);
    kb_store(kb, p->position, kir_at(0), kb_int(kb, KIR_I32, 0, 1));
    kb_end(kb);
  }
}

/* A buffer of its own: [before + steps + after] rows, or one. */
static void place_in_buffer(Emit *e, const Value *v, const char *part) {
  Lower *l = e->l;
  ValuePlace *p = &l->place[v->id];
  const Need *n = &p->need;
  Domain d = domain_of(l, &v->type);
  int64_t row = padded_row(&v->type, n, &p->row_at);
  bool rows = n->rows && d.kind != TIME_NONE;
  int64_t count = row * (rows ? n->before + d.n + n->after : p->in_block ? hoist_block(l, d) : 1);
  KirElem elem = int_value_elem(l, v);
  KirBuffer *b;
  p->row = row;
  if (rows && d.kind == TIME_STREAM && n->before > 0) {
    if (n->before >= LONG_HISTORY * d.n && !l->target->is_mcu)
      place_wandering(e, v, part, d.n);
    else
      p->history = new_state(e, v->layer, part, elem, count);
    b = p->history;
  } else
    b = new_kept(e, v->layer, part, elem, count);
  if (v->type.elem == ELEM_INDEX) b->categories = v->type.categories;
  p->view = view_rows(e, b, &v->type, rows, rows ? n->before : 0, n);
  p->view.at = kir_at_plus(p->view.at, row, p->at_position);
  if (p->in_block) {
    p->view.time = row;
    p->view.in_block = true;
  }
}

/* The state of a recurrent layer seen as a field, or as its result when only the current row is
 * read. */
static bool place_in_cell(Emit *e, const Value *v) {
  Lower *l = e->l;
  const Layer *layer = v->layer;
  if (!(layer_info(layer->kind)->flags & RECURRENT)) return false;
  int dirs = layer_directions(layer);
  const CellPlace *cell = &l->cell[layer->id * 2];
  bool is_c = v->field && v->field[0] == 'c';
  const Need *need = &l->place[v->id].need;
  bool more = need->rows || need->padded || l->place[v->id].in_block;
  if (need->padded || !layer_is_along_time(layer)) return false;
  if (!v->field && (more || dirs == 2)) return false;
  if (cell->positions > 1 && (dirs == 2 || cell->width != layer_size(layer, OPT_units, 0)))
    return false;
  if (v->field && dirs == 2 && cell->width != layer_size(layer, OPT_units, 0)) return false;
  KirBuffer *b = is_c ? cell->c : cell->h;
  if (b->elem != int_value_elem(l, v)) return false; /* kept in integers, read in f32 */
  l->place[v->id].view = view_rows(e, b, &v->type, false, 0, NULL);
  return true;
}

const View *view_of(const Lower *l, const Value *v) {
  assert(l->place[v->id].decided);
  return &l->place[v->id].view;
}

/* A value that is a view, or a part, of another is placed after that one. */
static const View *place_value(Emit *e, const Value *v) {
  Lower *l = e->l;
  ValuePlace *p = &l->place[v->id];
  if (p->decided) return &p->view;
  p->decided = true;
  const Layer *layer = v->layer;
  if (!layer) return &p->view; /* inputs are placed first */
  if (l->job[layer->id].is_alias) {
    View in = *place_value(e, layer->in[0]);
    p->view = int_is_view(l, layer) ? in : lowering_of(layer)->view(e, layer, in);
  } else if (!v->field && place_as_output(e, v))
    return &p->view;
  else if (!place_in_cell(e, v) && !place_in_concat(e, v))
    place_in_buffer(e, v, v->field ? v->field : "out");
  return &p->view;
}

/* The results of a layer that have a place of their own: those before its tail do not. */
static void place_results(Emit *e, const Layer *layer) {
  for (int k = 0; k < LAYER_MAX_RESULTS && layer->out[k]; k++)
    if (!e->l->job[layer->id].tail) place_value(e, layer->out[k]);
}

/* An input is read where the caller has it, unless a reader needs rows around it. */
static void place_input(Emit *e, int i) {
  Lower *l = e->l;
  const Port *port = l->model->in[i];
  const Value *v = port->value;
  ValuePlace *p = &l->place[v->id];
  p->decided = true;
  if (p->need.before || p->need.after || p->need.padded ||
      int_value_elem(l, v) != elem_of(&v->type)) {
    place_in_buffer(e, v, arena_printf(l->arena, "%s_rows", port->name));
    return;
  }
  if (e->in[i])
    p->view = view_port(e, e->in[i], &v->type, v->type.time_pos, domain_of(l, &v->type).n);
}

void place_values(Emit *e) {
  Lower *l = e->l;
  const Model *model = l->model;
  for (int i = 0; i < model->n_in; i++)
    place_input(e, i);
  for (int i = 0; i < model->n_layers; i++)
    if ((layer_info(model->layer[i]->kind)->flags & RECURRENT) && !l->job[i].is_dead)
      recurrent_place(e, model->layer[i]);
  for (int i = model->n_layers - 1; i >= 0; i--)
    if (!l->job[i].in_reset && !l->job[i].is_dead) place_results(e, model->layer[i]);
}

void place_reset(Emit *e) {
  Lower *l = e->l;
  const Model *model = l->model;
  for (int i = 0; i < model->n_in; i++)
    if (e->in[i]) place_input(e, i);
  for (int i = model->n_layers - 1; i >= 0; i--)
    if (l->job[i].in_reset && !l->job[i].is_dead) place_results(e, model->layer[i]);
}
