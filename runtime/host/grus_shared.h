/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus_shared.h: what a library made by `grus build --emit=shared` exports.
 *
 * The library describes its model (grus_program, grus_library) and computes many sequences or many
 * steps in one call (grus_rows, grus_steps). It contains the code of the model once for each level
 * of processors (a body), and each call runs the best one for this processor. It allocates nothing
 * and keeps nothing between calls but in the state that the caller owns: threads may call it at the
 * same time, each with a state of its own. */
#ifndef GRUS_SHARED_H
#define GRUS_SHARED_H

#include "grus_host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GRUS_LIBRARY_ABI 1 /* changes when a field or a function below changes its meaning */

/* What the functions return besides the codes of grus_host.h. */
#define GRUS_BAD_PROCESSOR                                                                         \
  6                      /* this processor can run no body, or not the one that made the state */
#define GRUS_BAD_STATE 7 /* no state of this library, or one that was never reset */
#define GRUS_BAD_CALL  8 /* grus_rows for a stream, or grus_steps for whole sequences */

/* What a body needs of a processor. The levels of x86-64 are those of its psABI. */
typedef enum GrusNeeds {
  GRUS_NEEDS_NOTHING,
  GRUS_NEEDS_X86_64_V2,
  GRUS_NEEDS_X86_64_V3,
  GRUS_NEEDS_X86_64_V4,
  GRUS_NEEDS_X86_64_V4_VNNI,
  GRUS_NEEDS_X86_64_V4_BF16, /* and VNNI */
  GRUS_NEEDS_X86_64_AMX,     /* and all of those */
  GRUS_NEEDS_AARCH64_DOTPROD,
  GRUS_NEEDS_X86_64_V3_VNNI /* AVX-VNNI, which not every processor of a higher level has */
} GrusNeeds;

/* The functions of GrusProgram, compiled for one level; batch_run takes GrusLibrary.batch
 * sequences. */
typedef struct GrusBody {
  const char *name; /* "x86-64-v3" */
  GrusNeeds needs;
  int (*run)(const size_t *lengths, const void *const *in, void *const *out);
  int (*batch_run)(const size_t *lengths, const void *const *in, void *const *out);
  int (*reset)(void *state, const void *const *init);
  int (*step)(void *state, const void *const *in, void *const *out);
  int (*push)(void *window, const void *const *in, void *const *out);
} GrusBody;

typedef struct GrusLibrary {
  uint32_t abi;  /* GRUS_LIBRARY_ABI */
  uint32_t size; /* of this struct: fields are only ever added at its end */
  const GrusProgram *program;
  size_t batch;           /* how many sequences a body computes together; 1: one at a time */
  size_t stack;           /* bytes of stack that are enough for a call */
  size_t first_output;    /* how many calls after a reset give no output */
  const uint32_t *lags;   /* for each port: how many steps at the start of a stream have no value */
  const GrusBody *bodies; /* the best first */
  size_t body_count;
} GrusLibrary;

/* grus_program computes one sequence or one step a call, with the best body. A state begins with
 * the number of the body that made it, so a program may copy, move and store it. A processor that
 * cannot run that body returns GRUS_BAD_PROCESSOR. */
extern const GrusProgram grus_program;
extern const GrusLibrary grus_library;

/* The body that this processor runs; NULL: none. */
const GrusBody *grus_body(void);

/* Computes `rows` sequences. in and out have one pointer per port, at its first sequence; strides
 * are bytes from one sequence to the next, NULL: they lie one after another. lengths[i * rows + r]
 * is length i of sequence r. *done (may be NULL): sequences computed; after an error the next one
 * is the one with the error, and its outputs and those after it are not written. */
int grus_rows(size_t rows, const size_t *lengths, const void *const *in, const size_t *in_strides,
              void *const *out, const size_t *out_strides, size_t *done);

/* Makes `calls` calls of step or push. Strides as above, from one call to the next. *done: calls
 * made; *outputs (both may be NULL): outputs written, one after another: a call that gives none
 * takes no place. */
int grus_steps(void *state, size_t calls, const void *const *in, const size_t *in_strides,
               void *const *out, const size_t *out_strides, size_t *done, size_t *outputs);

#ifdef __cplusplus
}
#endif

#endif
