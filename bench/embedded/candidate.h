/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What is measured: one step of LSTM or GRU and Dense(4). */
#ifndef GRUS_BENCH_CANDIDATE_H
#define GRUS_BENCH_CANDIDATE_H

void candidate_reset(void);
void candidate_step(const float *x, float *y); /* x [D], y [4] */

#endif
