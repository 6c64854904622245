/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The time loops. In: schedule and places. After: the body of run or step, group by group. */
#include "lower/int_layers.h"
#include "lower/lower_internal.h"

KirExpr *domain_count(Emit *e, Domain d) {
  if (d.kind == TIME_BOUNDED) return kb_use(&e->kb, e->length[d.length]);
  return kb_int(&e->kb, KIR_INDEX, d.n, 1);
}

KirExpr *domain_skip(Emit *e, Domain d) {
  Kb *kb = &e->kb;
  if (d.kind != TIME_STREAM || d.lag == 0) return NULL;
  KirExpr *done = kb_op2(kb, KIR_MUL, kb_use(kb, e->calls), kb_int(kb, KIR_INDEX, d.n, 1));
  KirExpr *left = kb_op2(kb, KIR_SUB, kb_int(kb, KIR_INDEX, d.lag, 1), done);
  left = kb_op2(kb, KIR_MAX, left, kb_int(kb, KIR_INDEX, 0, 1));
  return kb_op2(kb, KIR_MIN, left, kb_int(kb, KIR_INDEX, d.n, 1));
}

/* ---- rows of zeros, or of what was learned, around a value (whole runs) ---- */

void fill_past(Emit *e, const Layer *conv, KirBuffer *b, KirIndex at, int64_t rows, int64_t row) {
  const float *from = conv->weights ? conv->weights->role[ROLE_INITIAL_X] : NULL;
  KirBuffer *past = new_weights(e->l, conv, "x0", from, row, "learned past");
  KirReg *t = kb_for(&e->kb, "t", 0, rows, 1);
  kb_copy(&e->kb, b, kir_at_plus(at, row, t), past, kir_at(0), row);
  kb_end(&e->kb);
}

static void zero_before(Emit *e, const Value *v) {
  Lower *l = e->l;
  const ValuePlace *p = &l->place[v->id];
  if (!p->need.before || !p->need.rows || v->type.time.kind == TIME_STREAM) return;
  View view = *view_of(l, v);
  KirIndex at = kir_at_offset(view.at, -p->row_at - p->need.before * view.time);
  if (p->need.past)
    fill_past(e, p->need.past, view.buffer, at, p->need.before, view.time);
  else
    kb_zero(&e->kb, view.buffer, at, p->need.before * view.time);
}

static void zero_after(Emit *e, const Value *v) {
  Lower *l = e->l;
  const ValuePlace *p = &l->place[v->id];
  if (!p->need.after || !p->need.rows || v->type.time.kind == TIME_STREAM) return;
  View view = *view_of(l, v);
  Domain d = domain_of(l, &v->type);
  KirIndex at = kir_at_offset(view.at, -p->row_at);
  if (d.kind == TIME_BOUNDED)
    at = kir_at_plus(at, view.time, e->length[d.length]);
  else
    at = kir_at_offset(at, view.time * d.n);
  kb_zero(&e->kb, view.buffer, at, p->need.after * view.time);
}

/* ---- zeros around feature axes ---- */

/* The zeros of one axis in a row that begins at `at`. */
static void zero_axis(Emit *e, const Value *v, KirIndex at, int axis) {
  Lower *l = e->l;
  const Need *need = &l->place[v->id].need;
  const Type *type = &v->type;
  KirBuffer *b = l->place[v->id].view.buffer;
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < type->rank; i++) {
    int64_t n = type->dim[i].n + need->pad_before[i] + need->pad_after[i];
    if (i < axis) outer *= n;
    if (i > axis) inner *= n;
  }
  int64_t before = need->pad_before[axis] * inner, middle = type->dim[axis].n * inner;
  int64_t after = need->pad_after[axis] * inner;
  KirReg *o = outer > 1 ? kb_for(&e->kb, "i", 0, outer, 1) : NULL;
  at = kir_at_plus(at, before + middle + after, o);
  if (before) kb_zero(&e->kb, b, at, before);
  if (after) kb_zero(&e->kb, b, kir_at_offset(at, before + middle), after);
  if (o) kb_end(&e->kb);
}

void zero_pads(Emit *e, const Value *v) {
  Lower *l = e->l;
  const ValuePlace *p = &l->place[v->id];
  if (!p->need.padded || p->history) return;
  View view = *view_of(l, v);
  Domain d = domain_of(l, &v->type);
  int64_t rows = p->in_block ? hoist_block(l, d)
                 : view.time ? d.n + p->need.before + p->need.after
                             : 1;
  KirIndex at = kir_at_offset(view.at, -p->row_at - (p->in_block ? 0 : p->need.before * view.time));
  KirReg *t = rows > 1 ? kb_for(&e->kb, "t", 0, rows, 1) : NULL;
  at = kir_at_plus(at, p->row, t);
  for (int axis = 0; axis < v->type.rank; axis++)
    if (p->need.pad_before[axis] || p->need.pad_after[axis]) zero_axis(e, v, at, axis);
  if (t) kb_end(&e->kb);
}

/* Zeros around the fields of a recurrent layer: states that a window along another axis reads. */
static void zero_field_pads(Emit *e, const Layer *layer) {
  for (int k = 1; k < LAYER_MAX_RESULTS && layer->out[k]; k++)
    zero_pads(e, layer->out[k]);
}

/* ---- groups ---- */

/* Opens the loop over the rows of a domain. Returns its step; *opened says whether kb_end is due.
 */
static Step open_time(Emit *e, Domain d, const char *name, bool *opened) {
  Kb *kb = &e->kb;
  *opened = true;
  if (d.kind == TIME_STREAM && d.lag > 0) {
    if (d.n == 1) {
      kb_if(kb, kb_op2(kb, KIR_LE, kb_int(kb, KIR_INDEX, d.lag, 1), kb_use(kb, e->calls)));
      return ONLY_STEP;
    }
    return step_at(kb_for_expr(kb, name, domain_skip(e, d), kb_int(kb, KIR_INDEX, d.n, 1), 1));
  }
  if (d.kind == TIME_BOUNDED)
    return step_at(kb_for_expr(kb, name, kb_int(kb, KIR_INDEX, 0, 1), domain_count(e, d), 1));
  if (d.n > 1) return step_at(kb_for(kb, name, 0, d.n, 1));
  *opened = false;
  return ONLY_STEP;
}

static bool in_group(const Lower *l, int id, const Job *of) {
  const Job *job = &l->job[id];
  return !job->is_alias && !job->is_private && !job->is_fused && !job->is_dead &&
         job->in_reset == of->in_reset && job->level == of->level &&
         domain_equal(job->domain, of->domain);
}

/* The layers of a group at step t, those of one pass but for layers by rows. Samples that run side
 * by side: layers that take all at once stand alone, those between them share a loop. */
static void emit_steps(Emit *e, const Job *of, int pass, Step t) {
  Lower *l = e->l;
  bool inside = false;
  KirStmt **samples = NULL;
  for (int i = 0; i < l->model->n_layers; i++) {
    if (!in_group(l, i, of) || l->job[i].pass != pass || l->job[i].by_rows) continue;
    bool one_by_one = !batch_takes(e, l->model->layer[i]);
    if (inside && !one_by_one) batch_close(e, samples);
    if (one_by_one && !inside) samples = batch_open(e);
    inside = one_by_one;
    emit_step(e, l->model->layer[i], t);
  }
  if (inside) batch_close(e, samples);
}

static bool group_hoists(const Lower *l, const Job *of) {
  for (int i = 0; i < l->model->n_layers; i++)
    if (in_group(l, i, of) && l->job[i].hoists) return true;
  return false;
}

/* Block by block: in each pass input products of the block, then its steps. */
static void emit_blocks(Emit *e, const Job *of) {
  Lower *l = e->l;
  int passes = 0;
  for (int i = 0; i < l->model->n_layers; i++)
    if (in_group(l, i, of) && l->job[i].pass > passes) passes = l->job[i].pass;
  HoistBlock block = hoist_open(e, of->domain, false);
  for (int pass = 0; pass <= passes; pass++) {
    for (int i = 0; i < l->model->n_layers; i++) {
      if (!in_group(l, i, of) || l->job[i].pass != pass || !l->job[i].hoists) continue;
      if (l->job[i].by_rows)
        emit_step(e, l->model->layer[i], hoist_rows(e, &block));
      else
        emit_products(e, l->model->layer[i], &block);
    }
    e->kb.origin = (KirOrigin){0};
    Step t = hoist_steps(e, &block, false);
    emit_steps(e, of, pass, t);
    e->kb.origin = (KirOrigin){0};
    kb_end(&e->kb);
  }
  kb_end(&e->kb);
}

static void emit_group(Emit *e, const Job *of) {
  Lower *l = e->l;
  const Model *model = l->model;
  bool opened;
  KirStmt **samples = batch_open(e);
  for (int i = 0; i < model->n_layers; i++) {
    if (!in_group(l, i, of)) continue;
    zero_before(e, fused_result(l, model->layer[i]));
    zero_pads(e, fused_result(l, model->layer[i]));
    zero_field_pads(e, model->layer[i]);
    emit_before(e, model->layer[i]);
  }
  batch_close(e, samples);
  e->kb.origin = (KirOrigin){0};
  if (group_hoists(l, of))
    emit_blocks(e, of);
  else {
    Step t = open_time(e, of->domain, "t", &opened);
    emit_steps(e, of, 0, t);
    e->kb.origin = (KirOrigin){0};
    if (opened) kb_end(&e->kb);
  }
  samples = batch_open(e);
  for (int i = 0; i < model->n_layers; i++) {
    if (!in_group(l, i, of)) continue;
    emit_after(e, model->layer[i]);
    zero_after(e, fused_result(l, model->layer[i]));
  }
  batch_close(e, samples);
}

static void emit_private_job(Emit *e, const Layer *layer) {
  KirStmt **samples = batch_open(e);
  zero_before(e, layer->out[0]);
  zero_pads(e, layer->out[0]);
  zero_field_pads(e, layer);
  batch_close(e, samples);
  emit_private(e, layer);
  samples = batch_open(e);
  zero_after(e, layer->out[0]);
  batch_close(e, samples);
}

/* Inputs that need rows around them are copied into their buffer first. */
void stage_inputs(Emit *e) {
  Lower *l = e->l;
  const Model *model = l->model;
  for (int i = 0; i < model->n_in; i++) {
    const Value *v = model->in[i]->value;
    const ValuePlace *p = &l->place[v->id];
    bool is_kept = int_value_elem(l, v) != elem_of(&v->type);
    if (!e->in[i] || !(p->need.before || p->need.after || p->need.padded || is_kept)) continue;
    Domain d = domain_of(l, &v->type);
    View port = {.buffer = e->in[i], .rank = v->type.rank}, own = *view_of(l, v);
    int64_t n = 1;
    for (int a = v->type.rank; a >= 0; a--) {
      if (a < v->type.rank) {
        port.dim[a] = v->type.dim[a].n;
        port.stride[a] = n;
        n *= port.dim[a];
      }
      if (a == v->type.time_pos) {
        port.time = n;
        n *= d.n;
      }
    }
    port.at = at_batch(e, port.buffer, 0);
    bool opened;
    zero_before(e, v);
    zero_pads(e, v);
    Step t = open_time(e, d, "t", &opened);
    if (is_kept)
      int_stage_row(e, v, &own, &port, t);
    else
      copy_row(e, &own, t, &port, t);
    if (opened) kb_end(&e->kb);
    zero_after(e, v);
  }
}

/* Outputs that were computed elsewhere are copied; rows beyond the length, and slots of a stream
 * without a value, are zeros. */
static void deliver_outputs(Emit *e) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const Model *model = l->model;
  for (int i = 0; i < model->n_out; i++) {
    const Port *port = model->out[i];
    const Value *v = port->value;
    const View *from = view_of(l, v);
    Domain d = domain_of(l, &v->type);
    ValuePlace *p = &l->place[v->id];
    View own = p->port_out == port ? *from : (View){0}, *to = &own;
    if (p->port_out != port) {
      int time_pos = port->has_type ? port->declared.time_pos : v->type.time_pos;
      int64_t n = 1;
      own = (View){.buffer = e->out[i], .rank = v->type.rank};
      for (int a = v->type.rank; a >= 0; a--) {
        if (a < v->type.rank) {
          own.dim[a] = v->type.dim[a].n;
          own.stride[a] = n;
          n *= own.dim[a];
        }
        if (type_is_sequence(&v->type) && a == time_pos) {
          own.time = n;
          n *= d.n;
        }
      }
      own.at = at_batch(e, own.buffer, 0);
      bool opened;
      Step t = open_time(e, d, "t", &opened);
      copy_row(e, to, t, from, t);
      if (opened) kb_end(kb);
    }
    if (d.kind == TIME_BOUNDED && d.n > 1) {
      KirReg *t = kb_for_expr(kb, "t", domain_count(e, d), kb_int(kb, KIR_INDEX, d.n, 1), 1);
      zero_row(e, to, step_at(t), 0);
      kb_end(kb);
    } else if (d.kind == TIME_STREAM && d.lag > 0 && (d.n > 1 || l->m->first_output < d.lag)) {
      KirReg *t = kb_for_expr(kb, "t", kb_int(kb, KIR_INDEX, 0, 1), domain_skip(e, d), 1);
      zero_row(e, to, step_at(t), 0);
      kb_end(kb);
    }
  }
}

/* Moves the last rows of each history to its front, where the next call reads them. */
static void move_histories(Emit *e) {
  Lower *l = e->l;
  for (int i = 0; i < l->model->n_values; i++) {
    const ValuePlace *p = &l->place[i];
    if (!p->history) continue;
    Domain d = domain_of(l, &l->model->value[i]->type);
    int64_t turns = p->position ? p->turns : 1;
    if (p->position) /* only when the rows have reached the end */
      kb_if(&e->kb, kb_op2(&e->kb, KIR_EQ, kb_use(&e->kb, p->at_position),
                           kb_int(&e->kb, KIR_INDEX, (turns - 1) * d.n, 1)));
    kb_copy(&e->kb, p->history, at_batch(e, p->history, 0), p->history,
            at_batch(e, p->history, turns * d.n * p->row), p->need.before * p->row);
    if (p->position) kb_end(&e->kb);
  }
}

void emit_levels(Emit *e, bool in_reset) {
  Lower *l = e->l;
  const Model *model = l->model;
  int top = 0;
  for (int i = 0; i < model->n_layers; i++)
    if (l->job[i].level > top) top = l->job[i].level;
  bool *done = ARENA_ARRAY(l->arena, bool, model->n_layers + 1);
  for (int level = 0; level <= top; level++)
    for (int i = 0; i < model->n_layers; i++) {
      const Job *job = &l->job[i];
      if (done[i] || job->is_alias || job->is_fused || job->is_dead) continue;
      if (job->level != level || job->in_reset != in_reset) continue;
      if (job->is_private)
        emit_private_job(e, model->layer[i]);
      else
        emit_group(e, job);
      for (int k = i; k < model->n_layers; k++)
        if (!job->is_private ? in_group(l, k, job) : k == i) done[k] = true;
    }
  e->kb.origin = (KirOrigin){0};
}

void emit_groups(Emit *e) {
  Lower *l = e->l;
  KirStmt **samples = batch_open(e);
  stage_inputs(e);
  batch_close(e, samples);
  emit_levels(e, false);
  samples = batch_open(e);
  Kb *kb = &e->kb;
  bool waits = l->m->first_output > 0;
  KirStmt **guard = kb->tail;
  if (waits)
    kb_if(kb,
          kb_op2(kb, KIR_LE, kb_int(kb, KIR_INDEX, l->m->first_output, 1), kb_use(kb, e->calls)));
  deliver_outputs(e);
  if (waits) kb_end(kb);
  if (waits && !(*guard)->body) { /* every output was computed in its place */
    *guard = NULL;
    kb->tail = guard;
  }
  move_histories(e);
  batch_close(e, samples);
}
