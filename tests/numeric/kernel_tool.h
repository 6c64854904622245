/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the parts of kernel_tool share. */
#ifndef GRUS_TESTS_KERNEL_TOOL_H
#define GRUS_TESTS_KERNEL_TOOL_H

#include "backend/c.h"
#include "lower/lower.h"
#include "model/eval/eval.h"

typedef struct Tool {
  Arena *arena;
  Model *model;
  KirModule *kir;
  LowerOptions lower;
  COptions c;
  bool header, dump, prototypes, report, wasm;
  const char *precision;
  int64_t calls;
  Text out;
} Tool;

/* ---- kernel_inputs.c ---- */
/* The steps of a bounded length of one sample. */
int64_t tool_length(const Model *m, int id, int64_t sample);
/* A number of an input port of a sample, in -1..1; of an index, one of its numbers. */
double tool_input(const Type *type, int64_t sample, int port, int64_t element);
/* The elements of a step before and after the axis of time. */
void tool_around(const Type *type, int time_pos, int64_t *outer, int64_t *inner);
int64_t tool_longest_window(const Model *m);
/* Runs the evaluator; first_step shifts a windowed input. Ends the program if it cannot. */
EvalRun tool_evaluate(Tool *t, int64_t sample, int64_t stream_steps, int64_t first_step);

/* ---- kernel_check.c ---- */
/* check.c, into t->out. */
void tool_write_check(Tool *t);

#endif
