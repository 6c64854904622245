/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* ops_tool OUT_DIR TARGET LEVEL LANES: a module that applies every operation of KIR to its inputs,
 * as ops.h and ops.c of the C backend and ops.o of LLVM's. ops_check.c runs it.
 *
 *     ops_run(a[64], b[64], c[64], y[rows][64], rest[64])
 *
 * Integers pass through memory as the bits of floats. */
#include "backend/llvm.h"
#include "kir/builder.h"

#include <stdio.h>
#include <string.h>

enum { N = 64, MAX_ROWS = 64 };

typedef struct Ops {
  Kb kb;
  int lanes, rows;
  KirBuffer *a, *b, *c, *y;
  KirReg *at;
} Ops;

static KirIndex here(const Ops *o, int row) {
  return kir_at_plus(kir_at((int64_t)row * N), 1, o->at);
}

static KirExpr *in(Ops *o, KirBuffer *b) {
  return kb_load(&o->kb, b, here(o, 0), o->lanes);
}
static KirExpr *as_int(Ops *o, KirExpr *x) {
  return kb_bitcast(&o->kb, KIR_I32, x);
}
static KirExpr *num(Ops *o, float f) {
  return kb_num(&o->kb, f, o->lanes);
}
static KirExpr *whole(Ops *o, int64_t i) {
  return kb_int(&o->kb, KIR_I32, i, o->lanes);
}

/* The next row of y is x: f32, or the bits of i32. */
static void out(Ops *o, KirExpr *x) {
  if (x->type.elem == KIR_I32) x = kb_bitcast(&o->kb, KIR_F32, x);
  kb_store(&o->kb, o->y, here(o, o->rows++), x);
}

static void float_ops(Ops *o) {
  static const KirOp two[] = {KIR_ADD, KIR_SUB, KIR_MUL, KIR_DIV, KIR_MIN, KIR_MAX};
  static const KirOp compare[] = {KIR_LT, KIR_LE, KIR_EQ, KIR_NE};
  Kb *kb = &o->kb;
  for (size_t i = 0; i < sizeof two / sizeof *two; i++)
    out(o, kb_op2(kb, two[i], in(o, o->a), in(o, o->b)));
  for (size_t i = 0; i < sizeof compare / sizeof *compare; i++)
    out(o, kb_select(kb, kb_op2(kb, compare[i], in(o, o->a), in(o, o->b)), in(o, o->c),
                     num(o, -1.5f)));
  out(o, kb_op1(kb, KIR_NEG, in(o, o->a)));
  out(o, kb_op1(kb, KIR_ABS, in(o, o->a)));
  out(o, kb_op3(kb, KIR_FMA, in(o, o->a), in(o, o->b), in(o, o->c)));
  out(o, kb_op3(kb, KIR_MAD, in(o, o->a), in(o, o->b), in(o, o->c)));
  if (o->lanes == 1) out(o, kb_op1(kb, KIR_SQRT, in(o, o->a)));
  KirExpr *bounded =
      kb_op2(kb, KIR_MIN, kb_op2(kb, KIR_MAX, in(o, o->a), num(o, -1e6f)), num(o, 1e6f));
  out(o, kb_convert(kb, KIR_I32, bounded));
  out(o, kb_convert(kb, KIR_F32, as_int(o, in(o, o->a))));
}

static void int_ops(Ops *o) {
  static const KirOp two[] = {KIR_ADD, KIR_SUB, KIR_MUL, KIR_AND, KIR_OR, KIR_XOR};
  static const KirOp compare[] = {KIR_LT, KIR_LE, KIR_EQ, KIR_NE};
  Kb *kb = &o->kb;
  for (size_t i = 0; i < sizeof two / sizeof *two; i++)
    out(o, kb_op2(kb, two[i], as_int(o, in(o, o->a)), as_int(o, in(o, o->b))));
  for (size_t i = 0; i < sizeof compare / sizeof *compare; i++) {
    KirExpr *is = kb_op2(kb, compare[i], as_int(o, in(o, o->a)), as_int(o, in(o, o->b)));
    out(o, kb_select(kb, is, as_int(o, in(o, o->c)), whole(o, 77)));
  }
  out(o, kb_op2(kb, KIR_SHL, as_int(o, in(o, o->a)), whole(o, 5)));
  out(o, kb_op2(kb, KIR_SHR, as_int(o, in(o, o->a)), whole(o, 5)));
  if (o->lanes > 1) {
    out(o, kb_op2(kb, KIR_MIN, as_int(o, in(o, o->a)), as_int(o, in(o, o->b))));
    out(o, kb_op2(kb, KIR_MAX, as_int(o, in(o, o->a)), as_int(o, in(o, o->b))));
  } else
    out(o, kb_op2(kb, KIR_DIV, as_int(o, in(o, o->a)), whole(o, 7)));
}

static void lane_ops(Ops *o) {
  Kb *kb = &o->kb;
  if (o->lanes == 1) return;
  out(o, kb_splat(kb, kb_op1(kb, KIR_SUM, in(o, o->a)), o->lanes));
  out(o, kb_splat(kb, kb_lane(kb, in(o, o->a), o->lanes - 1), o->lanes));
  out(o, kb_splat(kb, kb_load(kb, o->b, here(o, 0), 1), o->lanes));
  out(o, kb_quads(kb, as_int(o, in(o, o->a)), as_int(o, in(o, o->b)), as_int(o, in(o, o->c))));
  if (o->lanes == 4)
    out(o, kb_signed_quads(kb, as_int(o, in(o, o->a)), as_int(o, in(o, o->b)),
                           as_int(o, in(o, o->c))));
  out(o, kb_pairs(kb, as_int(o, in(o, o->a)), as_int(o, in(o, o->b)), in(o, o->c)));
}

/* Loops both ways, tests, mutable registers, copies onto overlapping places, division of
 * indices. */
static void statements(Ops *o, KirBuffer *rest) {
  Kb *kb = &o->kb;
  kb_zero(kb, rest, kir_at(0), N);
  KirReg *sum = kb_var(kb, "sum", kb_num(kb, 0, 1));
  KirReg *k = kb_for(kb, "k", N - 1, 0, -3);
  KirIndex at = kir_at_plus(kir_at(0), 1, k);
  kb_if(kb, kb_op2(kb, KIR_LT, kb_load(kb, o->a, at, 1), kb_num(kb, 0.5f, 1)));
  kb_set(kb, sum, kb_op2(kb, KIR_ADD, kb_use(kb, sum), kb_num(kb, 1, 1)));
  kb_else(kb);
  kb_set(kb, sum, kb_op2(kb, KIR_MUL, kb_use(kb, sum), kb_num(kb, 1.0625f, 1)));
  kb_end(kb);
  kb_store(kb, rest, at, kb_use(kb, sum));
  kb_end(kb);
  KirReg *q = kb_for(kb, "q", 0, 8, 1);
  KirExpr *third = kb_op2(kb, KIR_DIV, kb_use(kb, q), kb_int(kb, KIR_INDEX, 3, 1));
  KirExpr *least = kb_op2(kb, KIR_MAX, kb_op2(kb, KIR_MIN, third, kb_int(kb, KIR_INDEX, 1, 1)),
                          kb_int(kb, KIR_INDEX, 0, 1));
  kb_store(kb, rest, kir_at_plus(kir_at(1), 3, q),
           kb_convert(kb, KIR_F32, kb_convert(kb, KIR_I32, least)));
  kb_end(kb);
  kb_copy(kb, rest, kir_at(30), rest, kir_at(33), 20);
  kb_copy(kb, rest, kir_at(5), o->b, kir_at(7), 1);
}

static KirModule *module(Arena *arena, int lanes) {
  KirModule *m = kir_module_new(arena, "ops");
  KirFunc *f = kir_func(m, "run", KIR_RUN);
  Ops ops = {.kb = kb_new(m, f), .lanes = lanes}, *o = &ops;
  KirBuffer *port[5];
  static const char *const name[5] = {"a", "b", "c", "y", "rest"};
  for (int i = 0; i < 5; i++) {
    port[i] = kir_buffer(m, name[i], i < 3 ? KIR_IN : KIR_OUT, KIR_F32, i == 3 ? MAX_ROWS * N : N);
    port[i]->rank = 1;
    port[i]->dim[0] = port[i]->count;
    kir_func_param(m, f, port[i]);
  }
  o->a = port[0], o->b = port[1], o->c = port[2], o->y = port[3];
  o->at = kb_for(&o->kb, "i", 0, N, lanes);
  float_ops(o);
  int_ops(o);
  lane_ops(o);
  kb_end(&o->kb);
  statements(o, port[4]);
  m->lanes = lanes;
  m->batch = 1;
  kir_plan(m);
  const char *broken = kir_verify(m);
  if (broken) fprintf(stderr, "%s\n", broken);
  return broken ? NULL : m;
}

static bool write_file(Arena *arena, const char *dir, const char *name, const Text *text) {
  FILE *f = fopen(arena_printf(arena, "%s/%s", dir, name), "wb");
  bool done = f && fwrite(text_str(text), 1, text->len, f) == text->len;
  return f && fclose(f) == 0 && done;
}

int main(int argc, char **argv) {
  jmp_buf oom;
  if (argc != 5 || setjmp(oom)) return 2;
  Arena *arena = arena_new(&oom);
  Sources sources = {.arena = arena};
  Diags *diags = diags_new(arena, &sources);
  int lanes = argv[4][0] == '8' ? 8 : argv[4][0] == '4' ? 4 : 1;
  KirModule *m = module(arena, lanes);
  Text header = text_new(arena), source = text_new(arena), object = text_new(arena);
  COptions c = {.header_name = "ops.h"};
  LlvmOptions options = {.target = argv[2], .level = *argv[3]};
  bool done = m && backend_llvm(m, &options, LLVM_OBJECT, diags, &object);
  if (done) backend_c(m, &c, &header, &source);
  done = done && write_file(arena, argv[1], "ops.h", &header) &&
         write_file(arena, argv[1], "ops.c", &source) &&
         write_file(arena, argv[1], "ops.o", &object);
  arena_free(arena);
  return done ? 0 : 1;
}
