/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What bench/compare asks of a peer: a shared library with these three functions. It is loaded
 * beside the others into one process, so that all are timed in turn, in one run, on one core.
 *
 * In: one recurrent layer with its weights in PyTorch's layout (rows of a gate after the other:
 * LSTM i f g o; GRU r z n, reset after), and the sequences it reads. Out: what the layer gives, and
 * the time of its calls. A call is what a user of the peer writes for one step of all the streams
 * (one_step), or for the whole of all the sequences. The peer brings weights and inputs into the
 * layout it likes best when it is made, outside the time. */
#ifndef GRUS_BENCH_PEER_H
#define GRUS_BENCH_PEER_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Task {
  int gru;      /* 0: LSTM, 1: GRU */
  int one_step; /* a call is one step; the state stays with the caller */
  int in, hidden, steps, batch;
  const float *w;  /* [gates * hidden][in] */
  const float *u;  /* [gates * hidden][hidden] */
  const float *bw; /* [gates * hidden], beside w */
  const float *bu; /* [gates * hidden], beside u */
  const float *x;  /* [batch][steps][in] */
} Task;

/* NULL when the peer has no such case. `variant` counts the ways in which the same library can be
 * used. The arrays of the task outlive the peer. */
void *peer_make(const Task *task, int variant);
/* From a state of zero over all steps; y is [batch][steps][hidden]. */
void peer_run(void *peer, float *y);
/* Nanoseconds of so many calls; one-step calls go through the steps of x again and again. */
double peer_time(void *peer, long calls);

#ifdef __cplusplus
}
#endif
#endif
