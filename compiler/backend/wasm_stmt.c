/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Statements and functions of KIR as structured instructions. A register is a local; a local is
 * used again when the list that defined its register has ended. Loops that KIR wants unrolled are
 * written out, with their variable as a constant. */
#include "backend/wasm_internal.h"

#include <string.h>

enum { MAX_TURNS = 16 }; /* of a loop that is written out */

static void open(WasmWriter *w, WasmOp op) {
  wasm_op(w, op);
  text_add_char(w->code, WASM_VOID);
}

static void statements(WasmWriter *w, const KirStmt *list);

/* The local of a register that is defined here. */
static uint32_t define(WasmWriter *w, const KirReg *reg) {
  w->is_known[reg->id] = false;
  return w->local[reg->id] = wasm_local(w, wasm_type(reg->type));
}

static void let(WasmWriter *w, const KirStmt *s) {
  wasm_expr(w, s->value);
  wasm_set(w, define(w, s->reg));
}

static void loads(WasmWriter *w, const KirStmt *s) {
  for (int i = 0; i < s->n_regs; i++) {
    KirIndex at = s->at;
    at.offset += i;
    uint32_t offset = wasm_address(w, s->buffer, &at);
    wasm_load_element(w, s->buffer->elem, offset);
    wasm_set(w, define(w, s->regs[i]));
  }
}

/* The sums after one step: of each of its products, one factor is the same for all rows. */
static void dot_step(WasmWriter *w, const KirStmt *s, uint32_t rows, uint32_t x, uint32_t z) {
  uint32_t w_size = wasm_elem_size(s->buffer->elem), z_size = wasm_elem_size(s->source->elem);
  for (uint32_t j = 0; j < (uint32_t)s->step; j++) {
    wasm_get(w, x);
    wasm_load_element(w, s->source->elem, j * z_size);
    wasm_set(w, z);
    for (uint32_t r = 0; r < (uint32_t)s->n_regs; r++) {
      uint32_t sum = w->local[s->regs[r]->id];
      wasm_get(w, sum);
      wasm_get(w, rows);
      wasm_load_element(w, s->buffer->elem, (uint32_t)kir_dot_weight(s, (int)r, j) * w_size);
      wasm_get(w, z);
      wasm_op(w, W_I32_MUL);
      wasm_op(w, W_I32_ADD);
      wasm_set(w, sum);
    }
  }
}

static void advance(WasmWriter *w, uint32_t local, int64_t by, bool keep) {
  wasm_get(w, local);
  wasm_i32(w, by);
  wasm_op(w, W_I32_ADD);
  wasm_op_u(w, keep ? W_LOCAL_TEE : W_LOCAL_SET, local);
}

static void dot(WasmWriter *w, const KirStmt *s) {
  for (int r = 0; r < s->n_regs; r++) {
    if (s->bias) {
      KirIndex at = s->bias_at;
      at.offset += r;
      uint32_t offset = wasm_address(w, s->bias, &at);
      wasm_load_element(w, s->bias->elem, offset);
    } else
      wasm_i32(w, 0);
    wasm_set(w, define(w, s->regs[r]));
  }
  int n = w->active.n;
  uint32_t rows = wasm_local(w, WASM_I32), x = wasm_local(w, WASM_I32),
           end = wasm_local(w, WASM_I32), z = wasm_local(w, WASM_I32);
  wasm_pointer(w, s->buffer, &s->at);
  wasm_set(w, rows);
  wasm_pointer(w, s->source, &s->from);
  wasm_op_u(w, W_LOCAL_TEE, x);
  wasm_i32(w, s->count * wasm_elem_size(s->source->elem));
  wasm_op(w, W_I32_ADD);
  wasm_set(w, end);
  open(w, W_LOOP);
  dot_step(w, s, rows, x, z);
  advance(w, rows, s->n_regs * s->step * wasm_elem_size(s->buffer->elem), false);
  advance(w, x, s->step * wasm_elem_size(s->source->elem), true);
  wasm_get(w, end);
  wasm_op(w, W_I32_NE);
  wasm_op_u(w, W_BR_IF, 0);
  wasm_op(w, W_END);
  wasm_release(w, n);
}

static WasmOp store_op(KirElem elem) {
  int64_t size = wasm_elem_size(elem);
  if (size == 1) return W_I32_STORE8;
  if (size == 2) return W_I32_STORE16;
  return elem == KIR_F32 ? W_F32_STORE : W_I32_STORE;
}

static void store(WasmWriter *w, const KirStmt *s) {
  uint32_t offset = wasm_address(w, s->buffer, &s->at);
  bool wide = s->value->type.lanes > 1;
  wasm_expr(w, s->value);
  if (wide && wasm_elem_size(s->buffer->elem) != 4) w->error = "vectors of small integers";
  if (s->buffer->elem == KIR_F16 || s->buffer->elem == KIR_BF16)
    w->error = "stores of 16-bit floats";
  bool half = s->value->type.lanes == WASM_HALF;
  wasm_memory(w,
              half   ? W_V128_STORE64_LANE
              : wide ? W_V128_STORE
                     : store_op(s->buffer->elem),
              offset);
  if (half) text_add_char(w->code, 0); /* the lower two */
}

/* ---- loops ---- */

static int64_t turns_of(const KirStmt *s) {
  if (s->lo->op != KIR_NUM || s->hi->op != KIR_NUM) return -1;
  int64_t span = s->step > 0 ? s->hi->i - s->lo->i : s->lo->i - s->hi->i + 1;
  int64_t step = s->step > 0 ? s->step : -s->step;
  return span <= 0 ? 0 : (span + step - 1) / step;
}

static void written_out(WasmWriter *w, const KirStmt *s, int64_t turns) {
  int id = s->reg->id;
  for (int64_t i = 0; i < turns; i++) {
    w->is_known[id] = true;
    w->known[id] = s->lo->i + i * s->step;
    statements(w, s->body);
  }
  w->is_known[id] = false;
}

/* Pushes whether there is another turn. */
static void another_turn(WasmWriter *w, const KirStmt *s, uint32_t hi) {
  if (s->hi->op == KIR_NUM)
    wasm_i32(w, s->hi->i);
  else
    wasm_get(w, hi);
  wasm_op(w, s->step < 0 ? W_I32_GE_S : W_I32_LT_S);
}

static void loop(WasmWriter *w, const KirStmt *s) {
  int64_t turns = turns_of(s);
  if (turns == 0) return;
  if (turns == 1 || (s->unroll && turns > 0 && turns <= MAX_TURNS)) {
    written_out(w, s, turns);
    return;
  }
  int n = w->active.n;
  wasm_expr(w, s->lo);
  uint32_t var = define(w, s->reg), hi = 0;
  wasm_set(w, var);
  if (s->hi->op != KIR_NUM) {
    wasm_expr(w, s->hi);
    hi = wasm_local(w, WASM_I32);
    wasm_set(w, hi);
  }
  if (turns < 0) { /* perhaps none */
    wasm_get(w, var);
    another_turn(w, s, hi);
    open(w, W_IF);
  }
  open(w, W_LOOP);
  statements(w, s->body);
  advance(w, var, s->step, true);
  another_turn(w, s, hi);
  wasm_op_u(w, W_BR_IF, 0);
  wasm_op(w, W_END);
  if (turns < 0) wasm_op(w, W_END);
  wasm_release(w, n);
}

static void test(WasmWriter *w, const KirStmt *s) {
  wasm_expr(w, s->value);
  open(w, W_IF);
  statements(w, s->body);
  if (s->other) {
    wasm_op(w, W_ELSE);
    statements(w, s->other);
  }
  wasm_op(w, W_END);
}

/* ---- whole rows ---- */

static void copy(WasmWriter *w, const KirStmt *s) {
  uint32_t size = wasm_elem_size(s->buffer->elem);
  if (s->count == 1) {
    uint32_t to = wasm_address(w, s->buffer, &s->at);
    WasmOp load_op = size == 1 ? W_I32_LOAD8_U : size == 2 ? W_I32_LOAD16_U : W_I32_LOAD;
    if (kir_is_by_value(s->source)) {
      wasm_get(w, w->param[s->source->id]);
      wasm_memory(w, store_op(s->buffer->elem), to);
      return;
    }
    uint32_t from = wasm_address(w, s->source, &s->from);
    wasm_memory(w, load_op, from); /* its bits, whatever they mean */
    wasm_memory(w, size == 1 ? W_I32_STORE8 : size == 2 ? W_I32_STORE16 : W_I32_STORE, to);
    return;
  }
  wasm_pointer(w, s->buffer, &s->at);
  wasm_pointer(w, s->source, &s->from);
  wasm_i32(w, s->count * size);
  wasm_op(w, W_MEMORY_COPY);
  text_add_n(w->code, "\0\0", 2);
}

static void zero(WasmWriter *w, const KirStmt *s) {
  if (s->count == 1) {
    uint32_t to = wasm_address(w, s->buffer, &s->at), size = wasm_elem_size(s->buffer->elem);
    wasm_i32(w, 0);
    wasm_memory(w, size == 1 ? W_I32_STORE8 : size == 2 ? W_I32_STORE16 : W_I32_STORE, to);
    return;
  }
  wasm_pointer(w, s->buffer, &s->at);
  wasm_i32(w, 0);
  wasm_i32(w, s->count * wasm_elem_size(s->buffer->elem));
  wasm_op(w, W_MEMORY_FILL);
  text_add_char(w->code, 0);
}

/* ---- calls ---- */

static void invoke(WasmWriter *w, const KirStmt *s) {
  const KirFunc *callee = s->callee;
  KirIndex start = {0};
  if (callee->uses_state) wasm_get(w, w->state);
  for (int i = 0; i < s->n_args; i++) {
    const KirBuffer *a = s->args[i];
    if (!kir_is_by_value(callee->buffers[i]))
      wasm_pointer(w, a, &start);
    else if (kir_is_by_value(a))
      wasm_get(w, w->param[a->id]);
    else if (wasm_elem_size(a->elem) == 2 && a->elem != KIR_I16)
      wasm_memory(w, W_I32_LOAD16_U, wasm_address(w, a, &start));
    else {
      uint32_t offset = wasm_address(w, a, &start);
      wasm_load_element(w, a->elem, offset);
    }
  }
  if (callee->takes_weights) wasm_get(w, w->weights);
  wasm_op_u(w, W_CALL, (uint32_t)callee->id);
  if (callee->returns_status) wasm_op(w, W_DROP);
}

static void returns(WasmWriter *w, const KirStmt *s) {
  if (s->value)
    wasm_expr(w, s->value);
  else if (w->f->returns_status)
    wasm_i32(w, s->status);
  wasm_op(w, W_RETURN);
}

static void statements(WasmWriter *w, const KirStmt *list) {
  int n = w->active.n;
  for (const KirStmt *s = list; s && !w->error; s = s->next) {
    switch (s->kind) {
    case KIR_LET: let(w, s); break;
    case KIR_SET:
      wasm_expr(w, s->value);
      wasm_set(w, w->local[s->reg->id]);
      break;
    case KIR_LOADS: loads(w, s); break;
    case KIR_DOT: dot(w, s); break;
    case KIR_TILES: w->error = "sums of products by tiles"; break;
    case KIR_STORE: store(w, s); break;
    case KIR_FOR: loop(w, s); break;
    case KIR_IF: test(w, s); break;
    case KIR_COPY: copy(w, s); break;
    case KIR_ZERO: zero(w, s); break;
    case KIR_RETURN: returns(w, s); break;
    case KIR_INVOKE: invoke(w, s); break;
    case KIR_SECTION: statements(w, s->body); break;
    }
  }
  wasm_release(w, n);
}

/* ---- functions ---- */

static bool has_result(const KirFunc *f) {
  return f->kind == KIR_HELPER || f->returns_status;
}

static WasmType port_type(const KirBuffer *b) {
  return kir_is_by_value(b) && b->elem == KIR_F32 ? WASM_F32 : WASM_I32;
}

void wasm_signature(const KirFunc *f, Text *type) {
  Text params = text_new(type->arena);
  if (f->uses_state) text_add_char(&params, WASM_I32);
  for (int i = 0; i < f->n_args; i++)
    text_add_char(&params, (char)wasm_type(f->args[i]->type));
  for (int i = 0; i < f->n_buffers; i++)
    text_add_char(&params, (char)port_type(f->buffers[i]));
  if (f->takes_weights) text_add_char(&params, WASM_I32);
  text_add_char(type, WASM_FUNC);
  wasm_sized(type, &params);
  wasm_u(type, has_result(f));
  if (has_result(f))
    text_add_char(type, (char)(f->kind == KIR_HELPER ? wasm_type(f->result) : WASM_I32));
}

static void bind_parameters(WasmWriter *w, const KirFunc *f) {
  uint32_t n = 0;
  if (f->uses_state) w->state = n++;
  for (int i = 0; i < f->n_args; i++)
    w->local[f->args[i]->id] = n++;
  for (int i = 0; i < f->n_buffers; i++)
    w->param[f->buffers[i]->id] = n++;
  if (f->takes_weights) w->weights = n++;
  w->n_params = n;
}

/* The locals after the parameters, as runs of one type. */
static void declare_locals(const WasmWriter *w, Text *body) {
  Text runs = text_new(w->arena);
  uint64_t n_runs = 0;
  for (size_t i = 0, next; i < w->types.len; i = next, n_runs++) {
    for (next = i; next < w->types.len && w->types.s[next] == w->types.s[i];)
      next++;
    wasm_u(&runs, next - i);
    text_add_char(&runs, w->types.s[i]);
  }
  wasm_u(body, n_runs);
  if (runs.len) text_add_n(body, runs.s, runs.len);
}

void wasm_function(WasmWriter *w, const KirFunc *f, Text *body) {
  Text code = text_new(w->arena);
  w->f = f;
  w->code = &code;
  w->types = text_new(w->arena);
  w->active.n = w->idle.n = 0;
  w->local = ARENA_ARRAY(w->arena, uint32_t, f->n_regs + 1);
  w->is_known = ARENA_ARRAY(w->arena, bool, f->n_regs + 1);
  w->known = ARENA_ARRAY(w->arena, int64_t, f->n_regs + 1);
  bind_parameters(w, f);
  statements(w, f->body);
  if (has_result(f)) wasm_op(w, W_UNREACHABLE); /* every way has returned */
  wasm_op(w, W_END);
  declare_locals(w, body);
  text_add_n(body, code.s, code.len);
}
