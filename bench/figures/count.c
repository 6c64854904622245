/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Counts the instructions of one call of a model under QEMU with `-icount shift=0`, where an
 * instruction takes a nanosecond: on Arm by the counter of SysTick, on RISC-V by instret. Linked to
 * the program that `figures` writes. Prints the mean of some calls on invented numbers, after one
 * that is not counted. */
#include "grus_host.h"

#include <stdint.h>
#include <stdio.h>

enum { MAX_PORTS = 40, CALLS = 4, MAX_LENGTHS = 8 };

static union {
  unsigned char bytes[64 * 1024];
  double align;
} state;
static union {
  unsigned char bytes[96 * 1024];
  double align;
} memory;

#ifdef __riscv
static uint32_t now(void) {
  uint32_t n;
  __asm volatile("rdinstret %0" : "=r"(n));
  return n;
}

static uint32_t between(uint32_t before, uint32_t after) {
  return after - before;
}
#else
static volatile uint32_t *const systick = (volatile uint32_t *)0xE000E010u;

static uint32_t now(void) {
  return systick[2];
}

/* Down from 2^24 - 1, NANOSECONDS each. */
static uint32_t between(uint32_t before, uint32_t after) {
  return (uint32_t)(((before - after) & 0xFFFFFFu) * (double)NANOSECONDS);
}
#endif

static size_t bytes_of(const GrusPort *port) {
  enum { WIDEST = 4 };
  size_t n = WIDEST;
  for (size_t k = 0; k < port->rank; k++)
    n *= port->axes[k].size;
  return n;
}

static void fill(const GrusPort *port, void *to, uint32_t *seed) {
  size_t n = bytes_of(port);
  for (size_t i = 0; port->elem == GRUS_ELEM_F32 && i < n / sizeof(float); i++) {
    *seed = *seed * 1664525u + 1013904223u;
    ((float *)to)[i] = (float)(int32_t)(*seed >> 8) * 1.1920929e-7f - 1.0f;
  }
  for (size_t i = 0; port->elem != GRUS_ELEM_F32 && i < n; i++)
    ((unsigned char *)to)[i] = 0;
}

static int one_call(const GrusProgram *p, const void *const *in, void *const *out) {
  size_t lengths[MAX_LENGTHS];
  for (size_t i = 0; i < p->length_count && i < MAX_LENGTHS; i++)
    lengths[i] = p->lengths[i].bound;
  if (p->kind == GRUS_KIND_RUN) return p->run(lengths, in, out);
  return p->kind == GRUS_KIND_STREAM ? p->step(&state, in, out) : p->push(&state, in, out);
}

int main(void) {
  extern const GrusProgram grus_program;
  const GrusProgram *p = &grus_program;
  const GrusPort *in_port[MAX_PORTS];
  const void *in[MAX_PORTS], *init[MAX_PORTS];
  void *out[MAX_PORTS];
  size_t used = 0, n_in = 0, n_init = 0, n_out = 0;
  uint32_t seed = 1, sum = 0;
#ifndef __riscv
  systick[1] = 0xFFFFFFu;
  systick[2] = 0;
  systick[0] = 5;
#endif
  for (size_t i = 0; i < p->port_count; i++) {
    void *at = memory.bytes + used;
    used += (bytes_of(&p->ports[i]) + 15) / 16 * 16;
    if (used > sizeof memory || p->state_size > sizeof state) return 2;
    fill(&p->ports[i], at, &seed);
    if (p->ports[i].role == GRUS_ROLE_INIT) init[n_init++] = at;
    if (p->ports[i].role == GRUS_ROLE_OUT) out[n_out++] = at;
    if (p->ports[i].role == GRUS_ROLE_IN) {
      in_port[n_in] = &p->ports[i];
      in[n_in++] = at;
    }
  }
  if (p->reset) p->reset(&state, init);
  one_call(p, in, out);
  for (int call = 0; call < CALLS; call++) {
    for (size_t i = 0; i < n_in; i++)
      fill(in_port[i], (void *)(uintptr_t)in[i], &seed);
    uint32_t before = now();
    one_call(p, in, out);
    sum += between(before, now());
  }
  printf("%lu\n", (unsigned long)(sum / CALLS));
  return 0;
}
