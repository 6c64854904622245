/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The back half of the pipeline: one model of a file, weights bound, lowered, printed, compiled. */
#ifndef GRUS_DRIVER_BUILD_H
#define GRUS_DRIVER_BUILD_H

#include "backend/c.h"
#include "backend/stack_use.h"
#include "driver/session.h"
#include "lower/lower.h"

/* Loads file number 0 of the command, chooses the model (--model, E804), binds its weights. NULL
 * after reporting. Diagnostics are not printed yet. */
Model *build_model(Session *s, const Source **source);
/* Binds the weights files that the models name, if they exist, to report errors in them. */
void build_check_weights(Session *s, Program *program, const Source *source);
/* Binds weights as --weights, the source, or neither say. False after reporting. */
bool build_bind(Session *s, Model *model, const Source *source);
/* The same, but with random weights if the model names no file, or a file that does not exist yet.
 */
bool build_bind_or_invent(Session *s, Model *model, const Source *source);
/* Random weights for a model without weights, for commands that need only sizes. Opens no file. */
void build_bind_for_sizes(Model *model);
/* --weights=extern */
bool weights_are_extern(const Options *o);
/* Lowers with the options of the command line for one target. NULL after reporting. */
KirModule *build_lower_for(Session *s, const Model *model, const Source *source,
                           const struct Target *target);
/* The same with another batch than --batch says. */
KirModule *build_lower_batch(Session *s, const Model *model, const Source *source,
                             const struct Target *target, int64_t batch);
/* Lowers with the options of the command line: for --target, else for this machine (for_host: the
 * code will run here) or for any. NULL after reporting. */
KirModule *build_lower(Session *s, const Model *model, const Source *source, bool for_host);

/* A new temporary folder, removed with all its files when the arena is freed;
 * until then signals are held (interrupts.h). NULL after reporting. */
const char *temp_dir(Session *s);
/* Removes it now. */
void temp_dir_remove(const char *dir);
/* Runs a command and waits. Its exit code; -1 after reporting that it could not be started. When
 * output is not NULL, standard error goes to that file. */
int run_command(Session *s, const char *const *argv, const char *output);
/* The same for at most so many seconds; 0: without a limit. Also returns -1 after reporting that
 * the time is over. */
int run_command_within(Session *s, const char *const *argv, long seconds);
/* Runs a C compiler, given with options as one text of words between blanks, with further
 * arguments. False after reporting what it said. */
bool run_compiler(Session *s, const char *command, const char *dir, const char *const *args);
/* The C compiler: $CC or cc. */
const char *c_compiler(void);
/* Folder of the runtime's host sources; NULL after reporting. */
const char *runtime_dir(Session *s);
/* Makes dir/PREFIX.o, and PREFIX.h beside it: with the C compiler from PREFIX.c, or with LLVM.
 * *stack, if not NULL, gets what its entries need, as far as the compiler says it. */
bool compile_object(Session *s, const KirModule *m, const COptions *c, const char *dir, bool pic,
                    StackUses *stack);
/* What is linked around a model. */
typedef enum ProgramForm {
  PROGRAM_ALONE,   /* an executable that reads and writes files of data */
  PROGRAM_LIBRARY, /* a shared object with grus_program */
  PROGRAM_APART    /* an executable that takes calls from here, for apart.h */
} ProgramForm;

/* compile_object plus the program around it, linked to `out`. */
bool compile_program(Session *s, const KirModule *m, const COptions *c, const char *dir,
                     const char *out, ProgramForm form);

#endif
