/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of share.c say to each other: the uses of buffers by statements, and the slots
 * that buffers take in merged ones. */
#ifndef GRUS_KIR_SHARE_INTERNAL_H
#define GRUS_KIR_SHARE_INTERNAL_H

#include "kir/kir.h"
#include "kir/share_alike.h"

typedef struct Use {
  KirBuffer *buffer;
  KirIndex *at; /* NULL: a table that is looked up */
  bool writes;  /* whatever way the code takes */
} Use;

typedef struct Uses {
  Use *use;
  int n;
  size_t cap;
} Uses;

/* Where a buffer went. */
typedef struct Slot {
  int group;  /* from 1; 0: nowhere */
  int64_t at; /* within its group, before the least is subtracted */
} Slot;

typedef struct Sharing {
  KirModule *m;
  KirFunc *f;
  Slot *place;    /* by buffer id */
  bool *is_fixed; /* by buffer id: an argument of a call */
  int *touched;   /* by buffer id: statements of all functions that touch it */
  int n_groups;
  KirAlike alike;             /* of the function */
  int *inside, inside_now;    /* by register id: the stamp of the unit that defines it */
  KirBuffer **stands, **back; /* by buffer id: what stands for it, where the stamp is that of now */
  int *stands_stamp, *back_stamp, stands_now;
} Sharing;

/* ---- share_uses.c ---- */

/* Adds a use of a buffer, or nothing if there is none. */
void share_add_use(Sharing *s, Uses *to, KirBuffer *b, KirIndex *at);
/* Adds what a statement, or each statement of a list, reads and then what it writes. */
void share_stmt_uses(Sharing *s, Uses *to, KirStmt *x);
void share_list_uses(Sharing *s, Uses *to, KirStmt *list);
/* Each index once, for an expression may stand in two places of a tree; no tables. */
Uses share_distinct(const Sharing *s, const Uses *from);

/* ---- share_merge.c ---- */

/* Elements from one slot of a merged buffer to the next: whole vectors. */
int64_t share_slot_size(const KirBuffer *b);
/* Puts one buffer in the place of each group of slots. */
void share_merge(Sharing *s);

#endif
