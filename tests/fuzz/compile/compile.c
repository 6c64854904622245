/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as a model, as text where they begin with `grus`, else as the choices of a generator:
 * refused, or compiled to KIR that passes its verifier and computes, interpreted, what the
 * evaluator does. */
#include "tests/kir/oracle.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  enum { BITS = 8 };
  jmp_buf oom;
  Arena *volatile arena = NULL;
  char what[400] = "";
  uint64_t bits = 0;
  if (size < BITS) return 0;
  memcpy(&bits, data + size - BITS, BITS);
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (!arena) return 0;
    Text text = text_new(arena);
    if (memcmp(data, "grus", 4) == 0)
      text_add_n(&text, (const char *)data, size - BITS);
    else
      oracle_make_model(data, size - BITS, &text);
    if (oracle_ask(text_str(&text), text.len, bits, ORACLE_INTERPRETER, what, sizeof what) ==
        DIFFERS) {
      fprintf(stderr, "%s\nbits %llx: %s\n", text_str(&text), (unsigned long long)bits, what);
      abort();
    }
  }
  arena_free(arena);
  return 0;
}
