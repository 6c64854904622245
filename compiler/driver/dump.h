/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What --dump-after prints: the result of a stage of the compiler, as text that is the same in
 * every run. */
#ifndef GRUS_DRIVER_DUMP_H
#define GRUS_DRIVER_DUMP_H

#include "driver/session.h"
#include "kir/kir.h"

typedef enum StageId {
#define STAGE(name, what) STAGE_##name,
#include "driver/stages.def"
#undef STAGE
  STAGE_COUNT
} StageId;

/* Whether --dump-after names this stage. */
bool dump_wanted(const Session *s, StageId stage);
/* False after reporting when --dump-after names no stage; `help` lists them. */
bool dump_check(Session *s);

void dump_tree(Session *s, const Node *tree);
void dump_model(Session *s, const Model *model);
void dump_weights(Session *s, const Model *model);
void dump_quant(Session *s, const Model *model);
void dump_kir(Session *s, const KirModule *m);

#endif
