/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The functions of a module, their parameters and the checks before any work: an index out of
 * range or a length out of bounds is reported before state or outputs are touched. */
#include "lower/lower_internal.h"

#include <string.h>

/* ---- parameters ---- */

/* A port as a parameter: axes in storage order, the batch in front. time_n < 0: no time axis. */
KirBuffer *port_buffer(Lower *l, const char *name, KirSpace space, const Type *type, int time_pos,
                       int64_t time_n) {
  KirBuffer *b = kir_buffer(l->m, name, space, elem_of(type), 1);
  b->is_per_sample = true;
  b->rank = 0;
  b->count = 1;
  if (l->m->batch > 1) b->dim[b->rank++] = l->m->batch;
  for (int i = 0; i <= type->rank; i++) {
    if (i == time_pos && time_n >= 0) b->dim[b->rank++] = time_n;
    if (i < type->rank) b->dim[b->rank++] = type->dim[i].n;
  }
  if (b->rank == 0 && space == KIR_OUT) b->dim[b->rank++] = 1;
  for (int i = 0; i < b->rank; i++)
    b->count *= b->dim[i];
  if (type->elem == ELEM_INDEX) b->categories = type->categories;
  return b;
}

static int64_t port_steps(const Lower *l, const Type *type) {
  Domain d = domain_of(l, type);
  if (d.kind == TIME_NONE || (d.kind == TIME_STREAM && d.n == 1)) return -1;
  return d.n;
}

/* A derived length as a rule on the input's length it comes from: frames of frames compose. */
static void describe_length(const Model *model, int id, KirPort *p) {
  int64_t size = 1, hop = 1;
  for (; model->length[id].from; id = model->length[id].from) {
    size = model->length[id].size + (size - 1) * model->length[id].hop;
    hop *= model->length[id].hop;
    p->length_size = size;
    p->length_hop = hop;
  }
  p->length = 0;
  for (int i = 1; i < id; i++)
    p->length += !model->length[i].from;
}

static void describe_port(Lower *l, const Port *port, KirBuffer *b, bool is_out, int time_pos) {
  const Type *type = &port->value->type;
  KirPort *p = &l->m->port[l->m->n_ports++];
  *p = (KirPort){.name = port->name,
                 .doc = port->doc,
                 .buffer = b,
                 .run_buffer = b,
                 .is_out = is_out,
                 .is_init = port->is_init,
                 .has_time = type_is_sequence(type),
                 .time_kind = type->time.kind,
                 .time_axis = -1,
                 .length = -1,
                 .period = 1,
                 .every = port->every,
                 .rate_num = type->time.rate_num,
                 .rate_den = type->time.rate_den};
  if (type->time.kind == TIME_STREAM) {
    p->period = type->time.period;
    p->lag = type->time.lag;
  }
  if (type->time.kind == TIME_BOUNDED) describe_length(l->model, type->time.length, p);
  for (int i = 0; i <= type->rank; i++) {
    if (p->has_time && i == time_pos) {
      p->time_axis = p->rank;
      p->dim[p->rank++] = domain_of(l, type).n;
    }
    if (i == type->rank) break;
    p->label[p->rank] = type->dim[i].label;
    p->dim[p->rank++] = type->dim[i].n;
  }
  b->doc = port->doc;
}

/* ---- lengths ---- */

/* The least n of length `id` for which it and every length derived from it is at least 1. */
static int64_t length_least(const Model *model, int id) {
  int64_t least = 1;
  for (int i = 1; i < model->n_lengths; i++) {
    const Length *d = &model->length[i];
    if (d->from != id) continue;
    int64_t need = (length_least(model, i) - 1) * d->hop + d->size;
    if (need > least) least = need;
  }
  return least;
}

static KirBuffer **length_params(Lower *l, KirFunc *f) {
  const Model *model = l->model;
  KirBuffer **param = ARENA_ARRAY(l->arena, KirBuffer *, model->n_lengths + 1);
  l->m->length = ARENA_ARRAY(l->arena, KirLength, model->n_lengths + 1);
  for (int i = 1; i < model->n_lengths; i++) {
    const Length *length = &model->length[i];
    if (length->from) continue;
    const char *name = length->name ? length->name : "n";
    param[i] = kir_buffer(l->m, buffer_name(l, NULL, name), KIR_IN, KIR_SIZE, l->m->batch);
    param[i]->is_per_sample = true;
    param[i]->rank = l->m->batch > 1;
    kir_func_param(l->m, f, param[i]);
    l->m->length[l->m->n_lengths++] = (KirLength){param[i]->name, length->name, length->bound};
  }
  return param;
}

static void check_lengths(Emit *e, KirBuffer **param, KirReg *sample) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  for (int i = 1; i < l->model->n_lengths; i++) {
    if (!param[i]) continue;
    KirExpr *n = kb_load(kb, param[i], at_sample(l, param[i], 0, sample), 1);
    KirExpr *least = kb_int(kb, KIR_SIZE, length_least(l->model, i), 1);
    KirExpr *bound = kb_int(kb, KIR_SIZE, l->model->length[i].bound, 1);
    kb_if(kb, kb_op2(kb, KIR_OR, kb_op2(kb, KIR_LT, n, least), kb_op2(kb, KIR_LT, bound, n)));
    kb_return(kb, KIR_BAD_LENGTH);
    kb_end(kb);
  }
}

/* n as an index register, and the lengths derived from it; by length index. */
static KirReg **define_lengths(Emit *e, KirBuffer **param, KirReg *sample) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  KirReg **steps = ARENA_ARRAY(l->arena, KirReg *, l->model->n_lengths + 1);
  for (int i = 1; i < l->model->n_lengths; i++) {
    const Length *length = &l->model->length[i];
    KirExpr *n;
    if (param[i])
      n = kb_convert(kb, KIR_INDEX, kb_load(kb, param[i], at_sample(l, param[i], 0, sample), 1));
    else {
      n = kb_op2(kb, KIR_SUB, kb_use(kb, steps[length->from]),
                 kb_int(kb, KIR_INDEX, length->size, 1));
      n = kb_op2(kb, KIR_DIV, n, kb_int(kb, KIR_INDEX, length->hop, 1));
      n = kb_op2(kb, KIR_ADD, n, kb_int(kb, KIR_INDEX, 1, 1));
    }
    steps[i] = kb_let(kb, "steps", n);
    steps[i]->lo = param[i] ? length_least(l->model, i) : 1;
    steps[i]->hi = length->bound;
  }
  return steps;
}

/* ---- indices ---- */

static bool needs_index_check(const KirBuffer *b) {
  return b && b->categories && !(b->elem == KIR_U8 && b->categories == 256) &&
         !(b->elem == KIR_U16 && b->categories == 65536);
}

/* Checks every element the model will read; n: steps of a bounded port, else NULL. */
void check_indices(Emit *e, KirBuffer *b, int time_axis, KirReg *n, KirReg *sample) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  if (!needs_index_check(b)) return;
  int64_t stride = b->count;
  KirIndex at = kir_at(0);
  int opened = 0, first = l->m->batch > 1;
  if (first) {
    stride /= l->m->batch;
    at = kir_at_plus(at, stride, sample);
  }
  for (int a = first; a < b->rank; a++) {
    stride /= b->dim[a];
    if (b->dim[a] == 1) continue;
    KirReg *v = n && a - first == time_axis
                    ? kb_for_expr(kb, "i", kb_int(kb, KIR_INDEX, 0, 1), kb_use(kb, n), 1)
                    : kb_for(kb, "i", 0, b->dim[a], 1);
    at = kir_at_plus(at, stride, v);
    opened++;
  }
  KirExpr *x = kb_load(kb, b, at, 1);
  KirExpr *bad = kb_op2(kb, KIR_LE, kb_int(kb, KIR_I32, b->categories, 1), x);
  if (b->elem == KIR_I32)
    bad = kb_op2(kb, KIR_OR, kb_op2(kb, KIR_LT, kb_load(kb, b, at, 1), kb_int(kb, KIR_I32, 0, 1)),
                 bad);
  kb_if(kb, bad);
  kb_return(kb, KIR_BAD_INDEX);
  kb_end(kb);
  close_loops(e, opened);
}

static void check_all_indices(Emit *e, KirReg *const *length, KirReg *sample) {
  const Lower *l = e->l;
  for (int i = 0; i < l->model->n_in; i++) {
    const Type *type = &l->model->in[i]->value->type;
    KirReg *n = type->time.kind == TIME_BOUNDED ? length[type->time.length] : NULL;
    check_indices(e, e->in[i], type->time_pos, n, sample);
  }
}

static bool has_checks(const Emit *e) {
  const Lower *l = e->l;
  for (int i = 0; i < l->model->n_in; i++)
    if (needs_index_check(e->in[i])) return true;
  return l->model->n_lengths > 1;
}

/* ---- the batch ---- */

KirReg *open_batch(Emit *e) {
  int64_t n = e->l->m->batch;
  if (n <= 1) return NULL;
  KirStmt **at = e->kb.tail;
  KirReg *sample = kb_for(&e->kb, "b", 0, n, 1);
  (*at)->independent = true;
  return sample;
}

void close_batch(Emit *e) {
  if (e->l->m->batch > 1) kb_end(&e->kb);
}

/* ---- run and step ---- */

Emit emit_new(Lower *l, KirFunc *f) {
  return (Emit){.l = l,
                .kb = kb_new(l->m, f),
                .in = ARENA_ARRAY(l->arena, KirBuffer *, l->model->n_in + 1),
                .out = ARENA_ARRAY(l->arena, KirBuffer *, l->model->n_out + 1)};
}

/* The number of steps of a value after which a layer that reads earlier steps has all that it
 * reads. */
static int64_t steps_to_fill(const Lower *l, const Value *v) {
  const Layer *layer = v->layer;
  if (!layer || v->field || l->job[layer->id].is_dead || !lowering_of(layer)->reach) return 0;
  int64_t reach = lowering_of(layer)->reach(layer);
  return reach > 0 ? reach : 0;
}

static void count_calls(Emit *e) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  int64_t most = 0;
  l->m->first_output = -1;
  for (int i = 0; i < l->model->n_values; i++) {
    const Value *v = l->model->value[i];
    if (!type_is_stream(&v->type)) continue;
    int64_t slots = l->calls_slots / v->type.time.period;
    int64_t calls = (v->type.time.lag + steps_to_fill(l, v) + slots - 1) / slots;
    if (calls > most) most = calls;
  }
  for (int i = 0; i < l->model->n_out; i++) {
    const Type *type = &l->model->out[i]->value->type;
    int64_t calls =
        type_is_stream(type) ? type->time.lag / (l->calls_slots / type->time.period) : 0;
    if (l->m->first_output < 0 || calls < l->m->first_output) l->m->first_output = calls;
  }
  if (l->m->first_output < 0) l->m->first_output = 0;
  if (most == 0) return;
  KirBuffer *count = kir_buffer(l->m, buffer_name(l, NULL, "calls"), KIR_STATE, KIR_I32, 1);
  count->doc = "calls since reset, while history fills";
  e->calls = kb_let(kb, "calls", kb_convert(kb, KIR_INDEX, kb_load(kb, count, kir_at(0), 1)));
  e->calls->lo = 0;
  e->calls->hi = most;
  kb_if(kb, kb_op2(kb, KIR_LT, kb_use(kb, e->calls), kb_int(kb, KIR_INDEX, most, 1)));
  KirExpr *next = kb_op2(kb, KIR_ADD, kb_use(kb, e->calls), kb_int(kb, KIR_INDEX, 1, 1));
  kb_store(kb, count, kir_at(0), kb_convert(kb, KIR_I32, next));
  kb_end(kb);
}

static void make_ports(Emit *e, KirFunc *f) {
  Lower *l = e->l;
  const Model *model = l->model;
  l->m->port = ARENA_ARRAY(l->arena, KirPort, model->n_in + model->n_out + 1);
  for (int i = 0; i < model->n_in; i++) {
    const Port *port = model->in[i];
    const Type *type = &port->value->type;
    KirBuffer *b = port_buffer(l, port->name, KIR_IN, type, type->time_pos, port_steps(l, type));
    describe_port(l, port, b, false, type->time_pos);
    if (port->is_init && l->streaming) continue;
    e->in[i] = b;
    kir_func_param(l->m, f, b);
  }
  for (int i = 0; i < model->n_out; i++) {
    const Port *port = model->out[i];
    const Type *type = &port->value->type;
    int time_pos = port->has_type ? port->declared.time_pos : type->time_pos;
    e->out[i] = port_buffer(l, port->name, KIR_OUT, type, time_pos, port_steps(l, type));
    describe_port(l, port, e->out[i], true, time_pos);
    kir_func_param(l->m, f, e->out[i]);
  }
}

Emit lower_main(Lower *l) {
  KirFunc *f = kir_func(l->m, l->streaming ? "step" : "run", l->streaming ? KIR_STEP : KIR_RUN);
  Emit emit = emit_new(l, f), *e = &emit;
  Kb *kb = &e->kb;
  f->uses_state = l->streaming;
  f->uses_scratch = true;
  KirBuffer **param = length_params(l, f);
  make_ports(e, f);
  bool checks = has_checks(e);
  if (checks) {
    KirReg *sample = open_batch(e);
    check_lengths(e, param, sample);
    e->length = define_lengths(e, param, sample);
    check_all_indices(e, e->length, sample);
    close_batch(e);
  }
  if (l->streaming) count_calls(e);
  e->is_tiled = l->is_tiled;
  e->sample = e->is_tiled ? batch_register(e) : open_batch(e);
  if (l->m->batch > 1) e->length = define_lengths(e, param, e->sample);
  place_values(e);
  emit_groups(e);
  if (!e->is_tiled) close_batch(e);
  advance_positions(e);
  if (l->m->first_output > 0) {
    kb_if(kb,
          kb_op2(kb, KIR_LT, kb_use(kb, e->calls), kb_int(kb, KIR_INDEX, l->m->first_output, 1)));
    kb_return(kb, KIR_NO_OUTPUT);
    kb_end(kb);
  }
  f->returns_status = checks || l->m->first_output > 0;
  if (f->returns_status) kb_return(kb, KIR_OK);
  return emit;
}

/* ---- reset ---- */

/* Fills the histories of Conv1D layers that do not begin with zeros. */
static void reset_histories(Emit *e) {
  Lower *l = e->l;
  for (int i = 0; i < l->model->n_values; i++) {
    const ValuePlace *p = &l->place[i];
    if (!p->history || !p->need.past) continue;
    int64_t rows = p->history->count / l->m->batch /
                   p->row; /* also in the first calls, which may have no value */
    fill_past(e, p->need.past, p->history, at_batch(e, p->history, 0), rows, p->row);
  }
}

void lower_reset(Lower *l) {
  const Model *model = l->model;
  KirFunc *f = kir_func(l->m, "reset", KIR_RESET);
  f->uses_state = true;
  Emit emit = emit_new(l, f), *e = &emit;
  for (int i = 0; i < model->n_in; i++) {
    if (l->streaming && model->in[i]->is_init) e->in[i] = l->m->port[i].buffer;
    if (e->in[i]) kir_func_param(l->m, f, e->in[i]);
  }
  for (int i = 0; i < model->n_layers && l->streaming; i++)
    f->uses_scratch |= l->job[i].in_reset;
  bool checks = false;
  for (int i = 0; i < model->n_in; i++)
    checks = checks || needs_index_check(e->in[i]);
  if (checks) {
    KirReg *sample = open_batch(e);
    check_all_indices(e, NULL, sample);
    close_batch(e);
  }
  for (int i = 0, n = l->m->n_buffers; i < n; i++)
    if (l->m->buffer[i]->space == KIR_STATE)
      kb_zero(&e->kb, l->m->buffer[i], kir_at(0), l->m->buffer[i]->count);
  if (l->streaming) {
    e->sample = open_batch(e);
    place_reset(e);
    reset_histories(e);
    stage_inputs(e);
    emit_levels(e, true);
    for (int i = 0; i < model->n_layers; i++)
      if ((layer_info(model->layer[i]->kind)->flags & RECURRENT) && !l->job[i].is_dead &&
          type_is_stream(&model->layer[i]->in[0]->type) && layer_is_along_time(model->layer[i]))
        recurrent_reset(e, model->layer[i]);
    for (int i = 0; i < model->n_layers; i++)
      if (model->layer[i]->kind == LAYER_state && !l->job[i].is_dead &&
          type_is_stream(&model->layer[i]->in[0]->type))
        state_start(e, model->layer[i]);
    close_batch(e);
  }
  f->returns_status = checks;
  if (checks) kb_return(&e->kb, KIR_OK);
}
