/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The check as a call: text in, typed models and diagnostics out. It reads no file and prints
 * nothing; files come by the callback of ResolveOptions. The commands, the language server, the
 * page in the browser and fuzzers use it. */
#ifndef GRUS_FRONT_CHECK_H
#define GRUS_FRONT_CHECK_H

#include "front/front.h"

typedef enum CheckPoint { CHECK_PARSED, CHECK_RESOLVED, CHECK_INFERRED, CHECK_LINTED } CheckPoint;

typedef struct Check {
  Arena *arena;
  Diags *diags; /* with the lint settings; its sources hold the text */
  ResolveOptions *resolve;
  /* Called as the text advances, once a model but for CHECK_PARSED, whose model is NULL; may be
   * NULL. */
  void (*reached)(void *context, CheckPoint point, Node *tree, Model *model);
  /* Whether a model without a `ranges` statement has ranges all the same, such as a file next to
   * the source. NULL: it has none. */
  bool (*has_ranges)(void *context, const Source *source, const Model *model);
  void *context;
} Check;

typedef struct Checked {
  const Source *source;
  Node *tree;
  Program *program;
} Checked;

Checked check_source(const Check *check, const Source *source);

#endif
