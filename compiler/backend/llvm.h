/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR -> machine code, through LLVM. The functions have the interface that the header of the C
 * backend declares: the same names, parameters and state struct. */
#ifndef GRUS_BACKEND_LLVM_H
#define GRUS_BACKEND_LLVM_H

#include "backend/c.h"
#include "backend/stack_use.h"
#include "base/diag.h"

typedef enum LlvmOutput { LLVM_OBJECT, LLVM_ASSEMBLY, LLVM_IR_TEXT, LLVM_BITCODE } LlvmOutput;

/* A model's entries as the host calls them (GrusProgram of runtime/host/grus_host.h); those the
 * model does not have are NULL. */
typedef struct LlvmEntries {
  int (*run)(const size_t *lengths, const void *const *in, void *const *out);
  int (*reset)(void *state, const void *const *init);
  int (*step)(void *state, const void *const *in, void *const *out);
  int (*push)(void *window, const void *const *in, void *const *out);
  size_t state_size; /* bytes of the state or window struct */
} LlvmEntries;

typedef struct LlvmOptions {
  const char *prefix;   /* "kws": kws_run; NULL: the model's name */
  const char *compiler; /* "grus 0.2.0", named in debug info; may be NULL */
  const char *target;   /* a triple, or a name of the table of machines; NULL: this machine */
  const char *cpu;      /* as LLVM names it, or "native"; NULL: what target implies */
  const char *features; /* "+fma,-avx", added to those of target and cpu; may be NULL */
  char level;           /* '0' to '3', 's', 'z' */
  CScratch scratch;
  bool debug;         /* line tables that lead to the source of the model */
  LlvmEntries *calls; /* not NULL: entries by arrays of pointers too, and sets its state_size */
  StackUses *stack;   /* of an object; NULL: is not asked for */
} LlvmOptions;

/* "19.1.7"; NULL if this compiler was built without LLVM. */
const char *backend_llvm_version(void);

/* Whether LLVM is there and could not be loaded, as without memory; a file of it that is not there
 * is the same as a compiler without LLVM. */
bool backend_llvm_failed(void);

/* Whether a target of this name can be compiled for; "cortex-m4" and any triple LLVM knows. */
bool backend_llvm_has_target(const char *target);

/* Appends the file's bytes to out. False after reporting E805. */
bool backend_llvm(const KirModule *m, const LlvmOptions *options, LlvmOutput output, Diags *diags,
                  Text *out);

/* The same code in this process's memory, for as long as the arena of diags lasts. False after
 * reporting E805. */
bool backend_llvm_jit(const KirModule *m, const LlvmOptions *options, Diags *diags,
                      LlvmEntries *out);

/* LLVM was left in the middle of a call: nothing of it is touched again, its memory is lost. */
void backend_llvm_abandon(void);

#endif
