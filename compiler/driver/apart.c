/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calls of a program in another process; see apart.h, and runtime/host/grus_apart.c for the files
 * that lead to it and back. */
#include "driver/apart.h"

#include "driver/emulator.h"
#include "driver/jit.h"

#include <stdio.h>
#include <string.h>

enum { BLOCKS = 100, LIMIT_BYTES = 1 << 30 };
/* What results begin with, and the same in the other order of bytes. */
static const uint32_t magic = 0x53555247u, turned = 0x47525553u;
static const double block_ns = 2e6, most_ns = 5e9;

/* The program in use: its entries are called without a context of ours. */
static struct {
  const GrusProgram *program;
  const char *exe, *requests_path, *results_path;
  Text requests;
  size_t n_results; /* bytes that the requests make */
  bool answers;
  const char *results;
  size_t at;
} apart;

static size_t bytes_of(const GrusPort *port) {
  return apart.program->batch * trial_port_bytes(port);
}

static void add(const void *data, size_t bytes) {
  text_add_n(&apart.requests, data, bytes);
}

static void add_ports(GrusRole role, const void *const *buffer) {
  size_t n = 0;
  for (size_t i = 0; i < apart.program->port_count; i++)
    if (apart.program->ports[i].role == role) add(buffer[n++], bytes_of(&apart.program->ports[i]));
}

static void take(void *to, size_t bytes) {
  memcpy(to, apart.results + apart.at, bytes);
  apart.at += bytes;
}

static int answer(void *const *out) {
  int32_t status;
  size_t n = 0;
  take(&status, sizeof status);
  for (size_t i = 0; out && i < apart.program->port_count; i++)
    if (apart.program->ports[i].role == GRUS_ROLE_OUT)
      take(out[n++], bytes_of(&apart.program->ports[i]));
  return status;
}

/* The bytes that a call adds to the results. */
static void expect(bool outputs) {
  apart.n_results += sizeof(int32_t);
  for (size_t i = 0; outputs && i < apart.program->port_count; i++)
    if (apart.program->ports[i].role == GRUS_ROLE_OUT)
      apart.n_results += bytes_of(&apart.program->ports[i]);
}

static int call_run(const size_t *lengths, const void *const *in, void *const *out) {
  if (apart.answers) return answer(out);
  add("R", 1);
  for (size_t i = 0; lengths && i < apart.program->length_count * apart.program->batch; i++) {
    uint64_t length = lengths[i];
    add(&length, sizeof length);
  }
  add_ports(GRUS_ROLE_IN, in);
  expect(true);
  return GRUS_OK;
}

static int call_reset(void *state, const void *const *init) {
  (void)state;
  if (apart.answers) return answer(NULL);
  add("Z", 1);
  add_ports(GRUS_ROLE_INIT, init);
  expect(false);
  return GRUS_OK;
}

static int call_step(void *state, const void *const *in, void *const *out) {
  (void)state;
  if (apart.answers) return answer(out);
  add("C", 1);
  add_ports(GRUS_ROLE_IN, in);
  expect(true);
  return GRUS_OK;
}

const GrusProgram *apart_program(Session *s, const KirModule *m, const char *dir, const char *exe) {
  LlvmEntries entries = {
      .run = call_run, .reset = call_reset, .step = call_step, .push = call_step, .state_size = 8};
  GrusProgram *program = ARENA_NEW(s->arena, GrusProgram);
  *program = *jit_describe(m, &entries, s->arena);
  if (program->kind != GRUS_KIND_STREAM) program->step = NULL;
  if (program->kind != GRUS_KIND_WINDOW) program->push = NULL;
  if (program->kind == GRUS_KIND_RUN) program->reset = NULL;
  memset(&apart, 0, sizeof apart);
  apart.program = program;
  apart.exe = exe;
  apart.requests_path = file_join(s->arena, dir, "requests");
  apart.results_path = file_join(s->arena, dir, "results");
  apart.requests = text_new(s->arena);
  return program;
}

bool apart_is(const GrusProgram *program) {
  return apart.program == program;
}

void apart_begin(void) {
  apart.requests.len = 0;
  apart.n_results = 0;
  apart.answers = false;
}

static bool fail(Session *s, const char *what) {
  session_error(s, "the program that `--run-with` runs %s", what);
  s->file_trouble = true;
  return false;
}

bool apart_answer(Session *s) {
  const char **argv = ARENA_ARRAY(s->arena, const char *, emulator_room(s) + 4), *reason;
  int n = emulator_words(s, argv);
  size_t len;
  argv[n++] = apart.exe;
  argv[n++] = apart.requests_path;
  argv[n++] = apart.results_path;
  const Text *r = &apart.requests;
  if (!file_put(apart.requests_path, text_str(r), r->len, &reason)) {
    session_file_error(s, apart.requests_path, "write", reason);
    return false;
  }
  remove(apart.results_path); /* the results of earlier calls */
  int code = run_command_within(s, argv, emulator_seconds(s));
  if (code < 0) return false;
  if (code > 0) return fail(s, arena_printf(s->arena, "ended with exit code %d", code));
  apart.results = file_read(s->arena, apart.results_path, LIMIT_BYTES, &len, &reason);
  if (!apart.results) return fail(s, "left no results");
  if (len >= sizeof turned && memcmp(apart.results, &turned, sizeof turned) == 0)
    return fail(s, "is for a processor with another order of bytes; grus can build for it, but not "
                   "compare or measure");
  if (len < sizeof magic || memcmp(apart.results, &magic, sizeof magic) != 0)
    return fail(s, "left results that are not those of a model");
  if (len != sizeof magic + apart.n_results) return fail(s, "left incomplete results");
  apart.at = sizeof magic;
  apart.answers = true;
  return true;
}

/* `blocks` times of n calls each, after the calls that are noted, in nanoseconds. */
static bool time_blocks(Session *s, uint64_t n, int blocks, double *ns) {
  size_t requests = apart.requests.len, results = apart.n_results;
  apart.answers = false;
  for (int i = 0; i < blocks; i++) {
    add("T", 1);
    add(&n, sizeof n);
  }
  apart.n_results += (size_t)blocks * sizeof(uint64_t);
  bool good = apart_answer(s);
  apart.at += results;
  for (int i = 0; good && i < blocks; i++) {
    uint64_t time;
    take(&time, sizeof time);
    ns[i] = (double)time / (double)n;
  }
  apart.requests.len = requests;
  apart.n_results = results;
  return good;
}

bool apart_times(Session *s, long least, Spread *out) {
  enum { TRIALS = 8 };
  double *ns = ARENA_ARRAY(s->arena, double, BLOCKS);
  if (!time_blocks(s, TRIALS, 1, ns)) return false;
  double n = block_ns / (*ns > 1 ? *ns : 1), blocks = most_ns / (block_ns > *ns ? block_ns : *ns);
  if (n < (double)least) n = (double)least;
  if (n < 1) n = 1;
  if (blocks > (double)BLOCKS) blocks = (double)BLOCKS;
  if (blocks < 1) blocks = 1;
  if (!time_blocks(s, (uint64_t)n, (int)blocks, ns)) return false;
  *out = measure_spread(ns, (int)blocks);
  return true;
}
