/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the printers of descriptors share: of programs (program.c) and of shared libraries
 * (library.c). */
#ifndef GRUS_BACKEND_PROGRAM_INTERNAL_H
#define GRUS_BACKEND_PROGRAM_INTERNAL_H

#include "backend/program.h"

typedef struct ProgramPrint {
  const KirModule *m;
  const char *prefix; /* of the model's functions */
  const char *who;    /* the functions around them are WHO_run, WHO_reset, WHO_step, WHO_push */
  Text *out;
} ProgramPrint;

/* A string of C; NULL: the word NULL. */
void program_string(Text *out, const char *s);
/* `ports` and `lengths_of`. */
void program_ports(ProgramPrint *p);
/* The functions that turn arrays of pointers into calls of the model's entries. */
void program_calls(ProgramPrint *p);
/* The name of one of them, or NULL if models of this kind have none. */
const char *program_entry(const ProgramPrint *p, KirFuncKind kind, const char *name);
/* The fields of a GrusProgram up to lengths. */
void program_head(ProgramPrint *p, const COptions *options);
/* What its state is called, "state" or "window"; NULL: it has none. */
const char *program_object(const KirModule *m);

#endif
