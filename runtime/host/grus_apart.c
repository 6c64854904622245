/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus_main of a program that makes the calls that another process wrote down: `program REQUESTS
 * RESULTS`. `grus verify` and `grus bench` build it for `--run-with`, so that the model runs on
 * another processor, usually in an emulator.
 *
 * REQUESTS is a file of requests. RESULTS gets the 32 bits of apart_magic, then the answers in the
 * same order. Numbers are in the byte order of this processor:
 *
 *   'R' lengths (64 bits each), inputs  ->  status (32 bits), outputs
 *   'Z' initial states                  ->  status
 *   'C' inputs of a step or push        ->  status, outputs
 *   'T' n (64 bits)                     ->  nanoseconds (64 bits) of n more calls with those inputs
 *
 * Values are the buffers of grus_host.h, one after the other in the order of the ports. */
#include "grus_host.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { APART_ALIGN = 64, APART_FAILED = 3 };
static const uint32_t apart_magic = 0x53555247u;

typedef struct Apart {
  const GrusProgram *program;
  FILE *requests, *results;
  void *state;
  size_t *lengths;
  void **in, **init, **out; /* buffers by role */
} Apart;

static void *apart_memory(size_t bytes) {
  char *memory = calloc(1, bytes + 2 * APART_ALIGN);
  if (!memory) exit(APART_FAILED);
  return memory + (APART_ALIGN - (uintptr_t)memory % APART_ALIGN);
}

static size_t apart_bytes(const GrusProgram *program, const GrusPort *port) {
  static const size_t size[] = {4, 2, 1, 2, 4, 1, 2}; /* as GrusElem has them */
  size_t n = program->batch * size[port->elem];
  for (int i = 0; i < port->rank; i++)
    if (!(port->time == GRUS_TIME_WINDOW && i == port->time_axis)) n *= port->axes[i].size;
  return n;
}

static void **apart_buffers(const GrusProgram *program, GrusRole role) {
  void **buffer = apart_memory((program->port_count + 1) * sizeof *buffer);
  size_t n = 0;
  for (size_t i = 0; i < program->port_count; i++)
    if (program->ports[i].role == role)
      buffer[n++] = apart_memory(apart_bytes(program, &program->ports[i]));
  return buffer;
}

static void apart_take(Apart *a, void *to, size_t bytes) {
  if (bytes && fread(to, 1, bytes, a->requests) != bytes) exit(APART_FAILED);
}

static void apart_give(Apart *a, const void *from, size_t bytes) {
  if (bytes && fwrite(from, 1, bytes, a->results) != bytes) exit(APART_FAILED);
}

static void apart_ports(Apart *a, GrusRole role, void *const *buffer) {
  size_t n = 0;
  for (size_t i = 0; i < a->program->port_count; i++) {
    const GrusPort *port = &a->program->ports[i];
    if (port->role != role) continue;
    if (role == GRUS_ROLE_OUT)
      apart_give(a, buffer[n], apart_bytes(a->program, port));
    else
      apart_take(a, buffer[n], apart_bytes(a->program, port));
    n++;
  }
}

static int apart_call(Apart *a) {
  const GrusProgram *p = a->program;
  const void *const *in = (const void *const *)a->in;
  if (p->kind == GRUS_KIND_RUN) return p->run(p->length_count ? a->lengths : NULL, in, a->out);
  return p->kind == GRUS_KIND_STREAM ? p->step(a->state, in, a->out)
                                     : p->push(a->state, in, a->out);
}

static void apart_status(Apart *a, int status) {
  int32_t word = status;
  apart_give(a, &word, sizeof word);
}

static uint64_t apart_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void apart_time(Apart *a) {
  uint64_t n, start, ns;
  apart_take(a, &n, sizeof n);
  start = apart_now();
  for (uint64_t i = 0; i < n; i++)
    apart_call(a);
  ns = apart_now() - start;
  apart_give(a, &ns, sizeof ns);
}

static void apart_request(Apart *a, int what) {
  uint64_t length;
  switch (what) {
  case 'R':
    for (size_t i = 0; i < a->program->length_count * a->program->batch; i++) {
      apart_take(a, &length, sizeof length);
      a->lengths[i] = (size_t)length;
    }
    apart_ports(a, GRUS_ROLE_IN, a->in);
    apart_status(a, apart_call(a));
    apart_ports(a, GRUS_ROLE_OUT, a->out);
    break;
  case 'Z':
    apart_ports(a, GRUS_ROLE_INIT, a->init);
    apart_status(a, a->program->reset(a->state, (const void *const *)a->init));
    break;
  case 'C':
    apart_ports(a, GRUS_ROLE_IN, a->in);
    apart_status(a, apart_call(a));
    apart_ports(a, GRUS_ROLE_OUT, a->out);
    break;
  case 'T': apart_time(a); break;
  default: exit(APART_FAILED);
  }
}

int grus_main(const GrusProgram *program, int argc, char **argv) {
  Apart a = {program, NULL, NULL, NULL, NULL, NULL, NULL, NULL};
  if (argc != 3) return GRUS_EXIT_USAGE;
  a.requests = fopen(argv[1], "rb");
  a.results = fopen(argv[2], "wb");
  if (!a.requests || !a.results) return APART_FAILED;
  a.state = apart_memory(program->state_size);
  a.lengths = apart_memory((program->length_count * program->batch + 1) * sizeof *a.lengths);
  a.in = apart_buffers(program, GRUS_ROLE_IN);
  a.init = apart_buffers(program, GRUS_ROLE_INIT);
  a.out = apart_buffers(program, GRUS_ROLE_OUT);
  apart_give(&a, &apart_magic, sizeof apart_magic);
  for (int what = fgetc(a.requests); what != EOF; what = fgetc(a.requests))
    apart_request(&a, what);
  return fclose(a.results) == 0 ? GRUS_EXIT_OK : APART_FAILED;
}
