/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* differential COUNT [SEED [all|llvm|c]]: that many random models through the oracle. Prints those
 * that differ, or all, and how many of each verdict there were. llvm and c compile each as well,
 * and compare bits. */
#include "oracle.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 48 };

static const char *const name[VERDICTS] = {"refused", "too large", "not telling", "agree",
                                           "DIFFER"};

static uint64_t next(uint64_t *state) { /* splitmix64 */
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return z ^ z >> 31;
}

static Verdict one(uint64_t seed, bool show, OracleBackend backend) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  volatile Verdict verdict = TOO_LARGE;
  uint8_t bytes[BYTES];
  char what[400];
  uint64_t state = seed;
  for (int i = 0; i < BYTES; i++)
    bytes[i] = (uint8_t)next(&state);
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (!arena) return TOO_LARGE;
    Text text = text_new(arena);
    oracle_make_model(bytes, sizeof bytes, &text);
    uint64_t bits = next(&state);
    verdict = oracle_ask(text_str(&text), text.len, bits, backend, what, sizeof what);
    if (verdict == DIFFERS || show)
      printf("seed %llu, bits %llx, %s: %s\n%s\n", (unsigned long long)seed,
             (unsigned long long)bits, name[verdict], what, text_str(&text));
  }
  arena_free(arena);
  return verdict;
}

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 1000;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  const char *word = argc > 3 ? argv[3] : "";
  bool show = strcmp(word, "all") == 0;
  OracleBackend backend = strcmp(word, "llvm") == 0 ? ORACLE_LLVM
                          : strcmp(word, "c") == 0  ? ORACLE_C
                                                    : ORACLE_INTERPRETER;
  if (backend == ORACLE_C) setenv("CC", "cc", 0);
  long verdicts[VERDICTS] = {0};
  setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
  for (long i = 0; i < count; i++)
    verdicts[one(seed + (uint64_t)i, show, backend)]++;
  for (int i = 0; i < VERDICTS; i++)
    printf("%s%ld %s", i ? ", " : "", verdicts[i], name[i]);
  printf("\n");
  return verdicts[DIFFERS] != 0 || verdicts[AGREES] == 0;
}
