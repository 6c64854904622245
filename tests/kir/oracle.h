/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One question for fuzzers and generators: does what the compiler makes of a model compute what the
 * reference evaluator says? From text to KIR and its interpreter, on random weights and inputs. */
#ifndef GRUS_TESTS_KIR_ORACLE_H
#define GRUS_TESTS_KIR_ORACLE_H

#include "base/text.h"

#include <stdint.h>

typedef enum Verdict {
  REFUSED,     /* the text is no model, or one that this compiler does not build; *what says why */
  TOO_LARGE,   /* it would take too long here */
  NOT_TELLING, /* its numbers grow beyond what can be compared, or a small change of the input
                  changes them as much */
  AGREES,
  DIFFERS, /* *what says how */
  VERDICTS
} Verdict;

/* What is compared with the evaluator, and what with the interpreter, bit by bit, after it. */
typedef enum OracleBackend { ORACLE_INTERPRETER, ORACLE_LLVM, ORACLE_C } OracleBackend;

/* bits decide about the target, batch, chunk and functions. Missing types of outputs are filled
 * in. */
Verdict oracle_ask(const char *text, size_t len, uint64_t bits, OracleBackend backend, char *what,
                   size_t size);

/* A model from bytes: each decides something, and what is left out decides by itself. */
void oracle_make_model(const uint8_t *bytes, size_t n, Text *out);

#endif
