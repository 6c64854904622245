/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus bench: the time of a call on this machine, in repeated blocks, beside the time this machine
 * needs just to read the model's weights once, measured in the same run. One thread, warm caches. */
#include "backend/report.h"
#include "driver/trial.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLOCKS = 400, BLOCK_NS = 500000 };

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

typedef struct Spread {
  double min, median, p99;
} Spread;

static Spread spread_of(double *ns, int n) {
  qsort(ns, (size_t)n, sizeof *ns, by_value);
  return (Spread){ns[0], ns[n / 2], ns[(n * 99) / 100]};
}

/* One model ready to be called again and again on the same random input. */
typedef struct Subject {
  const GrusProgram *program;
  const void **in;
  void **out;
  void *state;
  size_t *lengths;
} Subject;

static size_t port_bytes(const GrusPort *p) {
  size_t n = 4;
  for (int i = 0; i < p->rank; i++)
    n *= p->axes[i].size;
  return n;
}

static Subject subject_new(Session *s, const GrusProgram *program) {
  Subject b = {.program = program,
               .in = ARENA_ARRAY(s->arena, const void *, program->port_count + 1),
               .out = ARENA_ARRAY(s->arena, void *, program->port_count + 1),
               .lengths = ARENA_ARRAY(s->arena, size_t, program->length_count * program->batch + 1)};
  int n_in = 0, n_out = 0, n_init = 0;
  const void **init = ARENA_ARRAY(s->arena, const void *, program->port_count + 1);
  uint64_t seed = 1;
  for (size_t i = 0; i < program->port_count; i++) {
    const GrusPort *p = &program->ports[i];
    size_t bytes = port_bytes(p) * (program->kind == GRUS_KIND_RUN ? program->batch : 1);
    char *data = arena_alloc(s->arena, bytes + 64);
    for (size_t k = 0; p->role != GRUS_ROLE_OUT && p->elem == GRUS_ELEM_F32 && k < bytes / 4; k++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      ((float *)(void *)data)[k] = (float)((double)(seed >> 40) * 0x1p-23 - 1);
    }
    if (p->role == GRUS_ROLE_OUT) b.out[n_out++] = data;
    else if (p->role == GRUS_ROLE_INIT) init[n_init++] = data;
    else b.in[n_in++] = data;
  }
  for (size_t i = 0; i < program->length_count * program->batch; i++)
    b.lengths[i] = program->lengths[i / program->batch].bound;
  b.state = arena_alloc(s->arena, program->state_size + 128);
  b.state = (void *)(((uintptr_t)b.state + 63) / 64 * 64);
  if (program->reset) program->reset(b.state, init);
  return b;
}

static void call(const Subject *b) {
  const GrusProgram *p = b->program;
  if (p->kind == GRUS_KIND_RUN) p->run(b->lengths, b->in, b->out);
  else if (p->kind == GRUS_KIND_STREAM) p->step(b->state, b->in, b->out);
  else p->push(b->state, b->in, b->out);
}

/* Nanoseconds a call, in BLOCKS blocks of about BLOCK_NS. */
static Spread time_calls(Session *s, const Subject *b) {
  long n = 1;
  for (;;) {
    double start = now_ns();
    for (long i = 0; i < n; i++)
      call(b);
    double spent = now_ns() - start;
    if (spent > BLOCK_NS / 2 || n > 1 << 24) break;
    n *= 2;
  }
  int blocks = BLOCKS;
  double *ns = ARENA_ARRAY(s->arena, double, blocks), begin = now_ns();
  for (int k = 0; k < blocks; k++) {
    double start = now_ns();
    for (long i = 0; i < n; i++)
      call(b);
    ns[k] = (now_ns() - start) / (double)n;
    if (now_ns() - begin > 5e9) blocks = k + 1; /* a slow model: fewer blocks */
  }
  return spread_of(ns, blocks);
}

/* Reads n vectors of 64 bytes, a multiple of 8, with the widest loads the machine has: eight sums, so
 * that no chain of additions is waited for. */
typedef uint64_t Wide __attribute__((vector_size(64)));
#define DEFINE_READER(name, attribute)                                                             \
  attribute static uint64_t name(const Wide *data, size_t n) {                                     \
    Wide sum[8] = {{0}};                                                                           \
    for (size_t i = 0; i < n; i += 8)                                                              \
      for (int j = 0; j < 8; j++)                                                                  \
        sum[j] += data[i + (size_t)j];                                                             \
    uint64_t all = 0;                                                                              \
    for (int j = 0; j < 8; j++)                                                                    \
      for (int k = 0; k < 8; k++)                                                                  \
        all += sum[j][k];                                                                          \
    return all;                                                                                    \
  }
DEFINE_READER(read_any, )
#if defined(__x86_64__)
DEFINE_READER(read_avx2, __attribute__((target("avx2"))))
DEFINE_READER(read_avx512, __attribute__((target("avx512f"))))
#endif

typedef uint64_t Reader(const Wide *, size_t);

static Reader *widest_reader(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return read_avx512;
  if (__builtin_cpu_supports("avx2")) return read_avx2;
#endif
  return read_any;
}

/* Nanoseconds to read `bytes` once, the median of 60 blocks. */
static double time_reading(Session *s, int64_t bytes) {
  enum { TIMES = 60 };
  size_t n = ((size_t)bytes / 64 + 8) / 8 * 8;
  volatile uint64_t sink = 0;
  char *memory = arena_alloc(s->arena, n * sizeof(Wide) + 64);
  Wide *data = (Wide *)(((uintptr_t)memory + 63) / 64 * 64);
  long repeat = (long)(4000000 / (bytes / 8 + 1)) + 1;
  double ns[TIMES];
  Reader *reader = widest_reader();
  for (int k = 0; k < TIMES; k++) {
    double start = now_ns();
    for (long r = 0; r < repeat; r++)
      sink = sink + reader(data, n);
    ns[k] = (now_ns() - start) / (double)repeat;
  }
  return spread_of(ns, TIMES).median;
}

static void print(Session *s, const Model *model, const KirModule *m, Spread t, double reading) {
  Report report = report_new(m, s->arena);
  Text out = text_new(s->arena);
  int64_t steps = m->run_kind == KIR_STREAM ? m->steps_per_call : 1;
  if (s->options->json) {
    text_add(&out, "{\"model\":");
    text_add_json(&out, model->name);
    text_printf(&out, ",\"lanes\":%d,\"ns_per_call\":{\"min\":%.1f,\"median\":%.1f,\"p99\":%.1f},\"base_steps_per_call\":%lld,"
                      "\"batch\":%lld,\"weight_bytes\":%lld,\"macs\":%lld,\"ns_to_read_weights\":%.1f}\n",
                m->lanes, t.min, t.median, t.p99, (long long)steps, (long long)m->batch, (long long)report.flash,
                (long long)report.macs, reading);
  } else {
    text_printf(&out, "%s: %.4g ns a call (median), %.4g least, %.4g p99; one thread, %d lanes\n", model->name, t.median, t.min, t.p99, m->lanes);
    if (m->batch > 1) text_printf(&out, "  %.4g ns a sample of a batch of %lld\n", t.median / (double)m->batch, (long long)m->batch);
    if (report.macs) text_printf(&out, "  %lld multiply-adds, %.3g ns each\n", (long long)report.macs, t.median / (double)report.macs);
    if (report.flash)
      text_printf(&out, "  %lld bytes of weights; reading them once takes %.4g ns here: %.2f times that\n", (long long)report.flash, reading,
                  t.median / reading);
  }
  session_out(text_str(&out), out.len);
}

ExitCode command_bench(Session *s) {
  const Source *source;
  Options *o = s->options;
  if (!o->weights) o->weights = "random:1"; /* times do not depend on the values */
  Model *model = build_model(s, &source);
  KirModule *m = model ? build_lower(s, model, source, true) : NULL;
  session_print_diags(s);
  if (s->usage_trouble) return EXIT_USAGE;
  if (!m || s->diags->n_errors) return session_exit_code(s) == EXIT_DONE ? EXIT_MODEL : session_exit_code(s);
  const GrusProgram *program = trial_load(s, m);
  if (!program) return EXIT_FILE;
  Subject subject = subject_new(s, program);
  int64_t bytes = report_new(m, s->arena).flash;
  print(s, model, m, time_calls(s, &subject), bytes ? time_reading(s, bytes) : 1);
  return EXIT_DONE;
}
