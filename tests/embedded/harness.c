/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runs a model's test vectors on the target and compares with the reference evaluator's outputs:
 * every element within 1e-6 of the output's largest magnitude (at least 1). Prints no floating
 * point, so that small C libraries do. Exit code 0: all agree. */
#include "vectors.h"

#include <stdint.h>
#include <stdio.h>

enum { MAX_PORTS = 40, STATE_BYTES = 64 * 1024, OUT_BYTES = 32 * 1024 };

static union {
  unsigned char bytes[STATE_BYTES];
  double align;
} state;
static union {
  unsigned char bytes[OUT_BYTES];
  double align;
} outputs;

static float fetch(GrusElem elem, const void *p, size_t i) {
  switch (elem) {
  case GRUS_ELEM_I8: return ((const int8_t *)p)[i];
  case GRUS_ELEM_I16: return ((const int16_t *)p)[i];
  case GRUS_ELEM_I32: return (float)((const int32_t *)p)[i];
  case GRUS_ELEM_U8: return ((const uint8_t *)p)[i];
  case GRUS_ELEM_U16: return ((const uint16_t *)p)[i];
  default: return ((const float *)p)[i];
  }
}

static float magnitude(float x) {
  return x < 0 ? -x : x;
}

/* Largest error of one output of one call as a share of its largest magnitude. */
static float compare(const GrusPort *port, const void *got, const VectorOut *out, int call) {
  const float *want = out->expected + (size_t)call * out->per_call;
  float scale = 1, worst = 0;
  for (size_t i = 0; i < out->compared; i++)
    if (magnitude(want[i]) > scale) scale = magnitude(want[i]);
  for (size_t i = 0; i < out->compared; i++) {
    float error = magnitude(fetch(port->elem, got, i) - want[i]) / scale;
    if (!(error <= worst)) worst = error; /* a NaN stays */
  }
  return worst;
}

static int one_call(const GrusProgram *p, const void *const *in, void *const *out) {
  if (p->kind == GRUS_KIND_RUN) return p->run(vector_lengths, in, out);
  return p->kind == GRUS_KIND_STREAM ? p->step(&state, in, out) : p->push(&state, in, out);
}

int main(void) {
  const GrusProgram *p = &grus_program;
  const void *in[MAX_PORTS], *init[MAX_PORTS];
  const GrusPort *out_port[MAX_PORTS];
  void *out[MAX_PORTS];
  size_t used = 0;
  int n_in = 0, n_init = 0, n_out = 0, answers = 0;
  float worst = 0;
  for (size_t i = 0; i < p->port_count; i++) {
    if (p->ports[i].role == GRUS_ROLE_INIT) {
      init[n_init] = vector_init[n_init].data;
      n_init++;
    }
    if (p->ports[i].role == GRUS_ROLE_IN) n_in++;
    if (p->ports[i].role != GRUS_ROLE_OUT) continue;
    out_port[n_out] = &p->ports[i];
    out[n_out] = outputs.bytes + used;
    used += (vector_out[n_out].per_call * 4 + 15) / 16 * 16;
    n_out++;
  }
  if (p->state_size > sizeof state || used > sizeof outputs) {
    printf("%s: the harness has too little memory\n", p->name);
    return 2;
  }
  if (p->reset) p->reset(&state, init);
  for (int call = 0; call < vector_calls; call++) {
    for (int i = 0; i < n_in; i++)
      in[i] = (const unsigned char *)vector_in[i].data + (size_t)call * vector_in[i].bytes_per_call;
    int status = one_call(p, in, out);
    if (status == GRUS_NO_OUTPUT) continue;
    if (status != GRUS_OK) {
      printf("%s: call %d returned %d\n", p->name, call, status);
      return 1;
    }
    for (int i = 0; i < n_out; i++) {
      float error = compare(out_port[i], out[i], &vector_out[i], answers);
      if (!(error <= worst)) worst = error;
    }
    answers++;
  }
  printf("%s: %d calls, %d answers, largest error %ld e-9\n", p->name, vector_calls, answers,
         (long)(worst * 1e9f));
  return answers > 0 && worst <= 1e-6f ? 0 : 1;
}
