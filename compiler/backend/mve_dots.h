/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sums of products by MVE (KIR_DOT in steps of 8, or of 16 bytes): the instructions of a step,
 * which C and LLVM both write as assembler, for compilers hold elements in registers that they then
 * have to save. q0 holds the elements of a step, q1 and the following ones the weights of its rows.
 */
#ifndef GRUS_BACKEND_MVE_DOTS_H
#define GRUS_BACKEND_MVE_DOTS_H

#include "kir/kir.h"

/* 16 products of bytes at a time; else 8 of 16 bits. */
static inline bool mve_is_of_bytes(const KirStmt *dot) {
  return dot->step == 16;
}

/* A load of eight elements as 16 bits, or of 16 bytes. */
static inline const char *mve_load(KirElem elem, bool bytes) {
  if (bytes) return "vldrb.u8";
  return elem == KIR_I8 ? "vldrb.s16" : elem == KIR_U8 ? "vldrb.u16" : "vldrh.u16";
}

/* How far it goes on. */
static inline int mve_load_bytes(KirElem elem, bool bytes) {
  return elem == KIR_I16 || bytes ? 16 : 8;
}

/* Loads that widen take the eight lower registers alone. */
static inline const char *mve_pointer(KirElem elem, bool bytes) {
  return elem == KIR_I16 || bytes ? "r" : "l";
}

static inline const char *mve_product(bool bytes) {
  return bytes ? "vmlava.s8" : "vmlava.s16";
}

/* Steps in a row, of which a loop makes one turn. */
static inline int mve_turn(const KirStmt *dot) {
  enum { TURN = 6, LONG = 12, TURN_OF_LONG = 20 };
  int steps = (int)(dot->count / dot->step), n = steps > LONG ? TURN_OF_LONG : TURN;
  while (steps % n != 0)
    n--;
  return n;
}

#endif
