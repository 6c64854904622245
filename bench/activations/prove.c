/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Measures every function over all 2^32 floats, for both meanings of GRUS_MAD.
 *
 *   prove_activations [-s STRIDE] [NAME...]      STRIDE: every STRIDE-th float only
 *
 * Out: a line per function and variant; exit status 1 if a bound of functions.c is broken. */
#include "functions.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 2, SLICES = 256 };

/* A thread takes every THREADS-th slice of the inputs. */
typedef struct Job {
  const Activation *f;
  uint64_t stride;
  unsigned thread;
  Measure m[VARIANT_COUNT];
} Job;

static void *job_run(void *arg) {
  Job *job = arg;
  uint64_t slice = ((uint64_t)1 << 32) / SLICES;
  for (int v = 0; v < VARIANT_COUNT; v++)
    job->m[v] = measure_empty();
  for (uint64_t i = job->thread; i < SLICES; i += THREADS)
    measure_range(job->m, job->f, i * slice, (i + 1) * slice, job->stride);
  return NULL;
}

static int prove(const Activation *f, uint64_t stride) {
  static const char *const variant[] = {"mul+add", "fma"};
  pthread_t thread[THREADS];
  Job job[THREADS];
  int broken = 0;
  for (unsigned i = 0; i < THREADS; i++) {
    job[i] = (Job){.f = f, .stride = stride, .thread = i};
    if (pthread_create(&thread[i], NULL, job_run, &job[i]) != 0) {
      fprintf(stderr, "prove_activations: cannot start a thread\n");
      exit(2);
    }
  }
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(thread[i], NULL);
  for (int v = 0; v < VARIANT_COUNT; v++) {
    Measure m = job[0].m[v];
    for (unsigned i = 1; i < THREADS; i++)
      measure_merge(&m, &job[i].m[v]);
    int over = m.ulp > f->max_ulp || m.abs > f->max_abs || m.low < f->low || m.high > f->high;
    printf("%-18s %-8s ulp %-9.4g at %-16.9g abs %-9.3g at %-16.9g results %.9g .. %.9g%s\n",
           f->name, variant[v], m.ulp, (double)m.ulp_at, m.abs, (double)m.abs_at, (double)m.low,
           (double)m.high, over ? "  OVER ITS BOUND" : "");
    broken |= over;
  }
  fflush(stdout);
  return broken;
}

int main(int argc, char **argv) {
  uint64_t stride = 1;
  int at = 1, broken = 0;
  if (argc > 2 && strcmp(argv[1], "-s") == 0) {
    stride = strtoull(argv[2], NULL, 10);
    at = 3;
  }
  if (stride == 0) {
    fprintf(stderr, "prove_activations: -s needs a number from 1\n");
    return 2;
  }
  for (size_t i = 0; i < activation_count; i++) {
    int wanted = at == argc;
    for (int a = at; a < argc; a++)
      wanted |= strcmp(argv[a], activations[i].name) == 0;
    if (wanted) broken |= prove(&activations[i], stride);
  }
  return broken;
}
