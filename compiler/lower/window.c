/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Windows on a stream: push takes one sample, keeps it, and runs the model when a window is full. A
 * full window is moved down by the hop, so that run always finds its input in one piece; with a hop
 * longer than the window the samples between are counted and dropped. */
#include "lower/lower_internal.h"

/* A windowed input is kept from its oldest row on; a full window is run and moved down by the
 * hop. */
typedef struct WindowPort {
  KirBuffer *sample, *kept;
  int64_t row_count;
} WindowPort;

/* kept[rows] (storage order, time at time_pos) row `t` = sample, or row t = row t + by. */
static void window_rows(Emit *e, const Port *port, const WindowPort *w, KirReg *sample, KirReg *t,
                        int64_t by) {
  const Type *type = &port->value->type;
  View kept = {.buffer = w->kept, .rank = type->rank},
       from = {.buffer = w->sample, .rank = type->rank};
  int64_t n = 1, s = 1;
  for (int a = type->rank; a >= 0; a--) {
    if (a < type->rank) {
      kept.dim[a] = from.dim[a] = type->dim[a].n;
      kept.stride[a] = n;
      from.stride[a] = s;
      n *= kept.dim[a];
      s *= kept.dim[a];
    }
    if (a == type->time_pos) {
      kept.time = n;
      n *= w->row_count;
    }
  }
  kept.at = at_sample(e->l, kept.buffer, 0, sample);
  from.at = at_sample(e->l, from.buffer, 0, sample);
  if (by) {
    from = kept;
    from.at = kir_at_offset(from.at, by * kept.time);
  }
  copy_row(e, &kept, step_at(t), &from, by ? step_at(t) : ONLY_STEP);
}

/* The parameters of push and the arguments it gives run: the kept window for a windowed input. */
static KirBuffer **window_ports(Emit *e, const Emit *run, WindowPort *window) {
  Lower *l = e->l;
  const Model *model = l->model;
  KirFunc *f = e->kb.f;
  KirBuffer **args = ARENA_ARRAY(l->arena, KirBuffer *, run->kb.f->n_buffers + 1), **arg = args;
  for (int i = 0; i < model->n_in; i++) {
    const Port *port = model->in[i];
    const Type *type = &port->value->type;
    KirBuffer *b = run->in[i];
    *arg++ = b;
    if (port->every > 0) {
      const char *name = arena_printf(l->arena, "%s_window", port->name);
      KirBuffer *kept = new_state(e, NULL, name, b->elem, b->count / l->m->batch);
      kept->categories = b->categories;
      kept->align = kir_elem_size(b->elem);
      kept->rank = b->rank;
      for (int a = 0; a < b->rank; a++)
        kept->dim[a] = b->dim[a];
      arg[-1] = kept;
      b = port_buffer(l, port->name, KIR_IN, type, 0, -1);
      b->doc = port->doc;
      window[i] = (WindowPort){b, kept, type->time.n};
      l->m->port[i].buffer = b;
    }
    kir_func_param(l->m, f, b);
  }
  for (int i = 0; i < model->n_out; i++) {
    kir_func_param(l->m, f, run->out[i]);
    *arg++ = run->out[i];
  }
  return args;
}

/* The sample goes to row pos - (n - rows) of each window, if that is one of its rows: a window
 * shorter than the longest begins later. */
static void keep_rows(Emit *e, const WindowPort *window, KirReg *pos, int64_t n) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  KirReg *sample = open_batch(e);
  for (int i = 0; i < l->model->n_in; i++) {
    const WindowPort *w = &window[i];
    if (!w->kept) continue;
    int64_t late = n - w->row_count;
    KirReg *row = pos;
    bool waits = pos->lo < late;
    if (waits) kb_if(kb, kb_op2(kb, KIR_LE, kb_int(kb, KIR_INDEX, late, 1), kb_use(kb, pos)));
    if (waits || late > 0) {
      row = kb_let(kb, "row", kb_op2(kb, KIR_SUB, kb_use(kb, pos), kb_int(kb, KIR_INDEX, late, 1)));
      row->lo = 0;
    }
    window_rows(e, l->model->in[i], w, sample, row, 0);
    if (waits) kb_end(kb);
  }
  close_batch(e);
}

/* Every window's rows move up to make room for the next hop samples. */
static void move_rows(Emit *e, const WindowPort *window, int64_t hop) {
  Lower *l = e->l;
  KirReg *sample = open_batch(e);
  for (int i = 0; i < l->model->n_in; i++) {
    if (!window[i].kept || hop >= window[i].row_count) continue;
    KirReg *t = kb_for(&e->kb, "t", 0, window[i].row_count - hop, 1);
    window_rows(e, l->model->in[i], &window[i], sample, t, hop);
    kb_end(&e->kb);
  }
  close_batch(e);
}

/* Keeps the sample; returns NO_OUTPUT unless it completes the window. */
static void keep_sample(Emit *e, const WindowPort *window, KirBuffer *filled, int64_t n,
                        int64_t hop) {
  Kb *kb = &e->kb;
  KirExpr *count = kb_load(kb, filled, kir_at(0), 1);
  KirReg *pos = kb_let(kb, "pos", kb_convert(kb, KIR_INDEX, count));
  pos->lo = hop > n ? n - hop : 0;
  pos->hi = n - 1;
  keep_rows(e, window, pos, n);
  kb_if(kb, kb_op2(kb, KIR_LT, kb_use(kb, pos), kb_int(kb, KIR_INDEX, n - 1, 1)));
  KirExpr *next = kb_op2(kb, KIR_ADD, kb_use(kb, pos), kb_int(kb, KIR_INDEX, 1, 1));
  kb_store(kb, filled, kir_at(0), kb_convert(kb, KIR_I32, next));
  kb_return(kb, KIR_NO_OUTPUT);
  kb_end(kb);
}

void lower_push(Lower *l, const Emit *run) {
  const Model *model = l->model;
  KirFunc *f = kir_func(l->m, "push", KIR_PUSH);
  Emit emit = emit_new(l, f), *e = &emit;
  Kb *kb = &e->kb;
  f->uses_state = f->uses_scratch = f->returns_status = true;
  int64_t n = 1, hop = 1;
  for (int i = 0; i < model->n_in; i++)
    if (model->in[i]->every > 0) {
      int64_t rows = model->in[i]->value->type.time.n;
      if (rows > n) n = rows;
      hop = model->in[i]->every;
    }
  WindowPort *window = ARENA_ARRAY(l->arena, WindowPort, model->n_in + 1);
  KirBuffer **args = window_ports(e, run, window);
  KirReg *sample = open_batch(e);
  for (int i = 0; i < model->n_in; i++) {
    int time_pos = model->in[i]->value->type.time_pos;
    check_indices(e, window[i].sample ? window[i].sample : run->in[i], time_pos, NULL, sample);
  }
  close_batch(e);
  KirBuffer *filled = kir_buffer(l->m, buffer_name(l, NULL, "filled"), KIR_STATE, KIR_I32, 1);
  filled->doc = "samples in the window; negative: samples to skip before the next one";
  keep_sample(e, window, filled, n, hop);
  kb_invoke(kb, run->kb.f, args, run->kb.f->n_buffers);
  move_rows(e, window, hop);
  kb_store(kb, filled, kir_at(0), kb_int(kb, KIR_I32, n - hop, 1));
  kb_return(kb, KIR_OK);
}
