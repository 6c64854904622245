/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus as a peer: calls what `grus build --c-arrays=flat` made of the model `net`, through the
 * header it wrote. -DNET_HEADER names that header, -DNET_STREAM says that the model is a stream. */
#define _POSIX_C_SOURCE 200112L
#include NET_HEADER

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "peer.h"

typedef struct Peer {
  Task task;
  float *x, *y; /* one step a call: [steps][batch][in], [batch][hidden]; else as in the task */
#ifdef NET_STREAM
  net_state state;
#endif
} Peer;

static void *aligned(size_t bytes) {
  void *memory;
  return posix_memalign(&memory, 64, bytes) ? NULL : memory;
}

void *peer_make(const Task *task, int variant) {
  const Task t = *task;
  size_t rows = (size_t)t.steps * (size_t)t.batch, in = (size_t)t.in;
  Peer *p = variant ? NULL : aligned(sizeof *p);
  if (!p) return NULL;
  p->task = t;
  p->x = aligned(rows * in * sizeof(float));
  p->y = aligned(rows * (size_t)t.hidden * sizeof(float));
  for (size_t b = 0; b < (size_t)t.batch; b++)
    for (size_t s = 0; s < (size_t)t.steps; s++) {
      size_t from = b * (size_t)t.steps + s, to = t.one_step ? s * (size_t)t.batch + b : from;
      memcpy(p->x + to * in, t.x + from * in, in * sizeof(float));
    }
#ifdef NET_STREAM
  net_reset(&p->state);
#endif
  return p;
}

void peer_run(void *peer, float *y) {
  Peer *p = peer;
#ifdef NET_STREAM
  const Task t = p->task;
  size_t hidden = (size_t)t.hidden;
  net_reset(&p->state);
  for (size_t s = 0; s < (size_t)t.steps; s++) {
    net_step(&p->state, p->x + s * (size_t)t.batch * (size_t)t.in, p->y);
    for (size_t b = 0; b < (size_t)t.batch; b++)
      memcpy(y + (b * (size_t)t.steps + s) * hidden, p->y + b * hidden, hidden * sizeof(float));
  }
#else
  net_run(p->x, y);
#endif
}

double peer_time(void *peer, long calls) {
  Peer *p = peer;
  struct timespec from, to;
#ifdef NET_STREAM
  size_t row = (size_t)p->task.batch * (size_t)p->task.in, s = 0, steps = (size_t)p->task.steps;
#endif
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (long k = 0; k < calls; k++) {
#ifdef NET_STREAM
    net_step(&p->state, p->x + s * row, p->y);
    if (++s == steps) s = 0;
#else
    net_run(p->x, p->y);
#endif
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  return (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
}
