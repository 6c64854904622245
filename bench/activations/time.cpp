/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Costs of the functions of core/grus_math.h: scalar, 8 and 16 lanes, beside libm and libmvec.
 * Out: nanoseconds per element over an array in L1 (best of many), and nanoseconds of one vector
 * whose input waits for the previous result. Needs AVX2 and fma; AVX-512 for 16 lanes. */
#include "lanes.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>

#define LANES 8
#include "lanes_math.inc"
#ifdef __AVX512F__
#define LANES 16
#include "lanes_math.inc"
#endif
#include "core/grus_math.h"

extern "C" {
__m256 _ZGVdN8v_tanhf(__m256);
__m256 _ZGVdN8v_expf(__m256);
__m256 _ZGVdN8v_expm1f(__m256);
__m256 _ZGVdN8v_logf(__m256);
}

namespace {

enum { N = 1024, ROUNDS = 400, REPEATS = 60 };
alignas(64) float x[N], y[N];

double now() {
  using namespace std::chrono;
  return duration<double, std::nano>(steady_clock::now().time_since_epoch()).count();
}

/* V is float or a Float struct. */
template <class V, class F> double throughput(F f) {
  double best = 1e30;
  for (int k = 0; k < REPEATS; k++) {
    double t = now();
    for (int r = 0; r < ROUNDS / 10; r++) {
      for (size_t i = 0; i < N; i += sizeof(V) / 4) {
        V v;
        memcpy((void *)&v, x + i, sizeof v);
        v = f(v);
        memcpy(y + i, &v, sizeof v);
      }
      asm volatile("" ::: "memory");
    }
    t = (now() - t) / (ROUNDS / 10) / N;
    best = t < best ? t : best;
  }
  return best;
}

/* The next input is the result times 0 plus a constant: a product and a sum are part of the chain.
 */
template <class V, class F> double latency(F f) {
  double best = 1e30;
  for (int k = 0; k < REPEATS; k++) {
    V v, one, zero;
    for (size_t i = 0; i < sizeof(V) / 4; i++) {
      float a = 0.7f, b = 0.0f;
      memcpy((char *)&one + 4 * i, &a, 4);
      memcpy((char *)&zero + 4 * i, &b, 4);
    }
    asm volatile("" : "+m"(zero), "+m"(one));
    v = one;
    double t = now();
    for (int r = 0; r < ROUNDS; r++)
      v = f(v) * zero + one;
    t = (now() - t) / ROUNDS;
    asm volatile("" ::"m"(v));
    best = t < best ? t : best;
  }
  return best;
}

#define SCALAR(f)    [](float a) { return f(a); }
#define VECTOR(n, f) [](Float##n a) { return lanes##n::f(a); }
#define MVEC(f)      [](Float8 a) { return Float8((Vector8)_ZGVdN8v_##f((__m256)a.v)); }

#ifdef __AVX512F__
#define WIDE(f) throughput<Float16>(VECTOR(16, f)), latency<Float16>(VECTOR(16, f))
#else
#define WIDE(f) NAN, NAN
#endif
#define TIME(f)                                                                                    \
  printf("%-18s %7.2f %7.2f   %7.3f %7.2f   %7.3f %7.2f\n", #f, throughput<float>(SCALAR(f)),      \
         latency<float>(SCALAR(f)), throughput<Float8>(VECTOR(8, f)),                              \
         latency<Float8>(VECTOR(8, f)), WIDE(f))
#define TIME_LIBM(f, scalar)                                                                       \
  printf("%-18s %7.2f %7.2f\n", #f, throughput<float>(scalar), latency<float>(scalar))
#define TIME_MVEC(f)                                                                               \
  printf("libmvec %-10s                   %7.3f %7.2f\n", #f, throughput<Float8>(MVEC(f)),         \
         latency<Float8>(MVEC(f)))

float libm_sigmoid(float a) {
  return 1 / (1 + expf(-a));
}
float libm_softplus(float a) {
  return log1pf(expf(a));
}
float libm_gelu(float a) {
  return 0.5f * a * (1 + erff(a * 0.70710678f));
}

} // namespace

int main() {
  for (int i = 0; i < N; i++)
    x[i] = 0.01f + 7.0f * (float)i / N;
  printf("%-18s %15s   %15s   %15s\n", "ns: each, in chain", "scalar", "8 lanes", "16 lanes");
  TIME(grus_tanh);
  TIME(grus_sigmoid);
  TIME(grus_exp);
  TIME(grus_expm1);
  TIME(grus_log);
  TIME(grus_softplus);
  TIME(grus_gelu);
  TIME(grus_gelu_tanh);
  TIME(grus_sqrt);
  TIME(grus_tanh_fast);
  TIME(grus_sigmoid_fast);
  TIME(grus_exp_fast);
  TIME_LIBM(tanhf, SCALAR(tanhf));
  TIME_LIBM(sigmoid by expf, SCALAR(libm_sigmoid));
  TIME_LIBM(expf, SCALAR(expf));
  TIME_LIBM(expm1f, SCALAR(expm1f));
  TIME_LIBM(logf, SCALAR(logf));
  TIME_LIBM(softplus by log1pf, SCALAR(libm_softplus));
  TIME_LIBM(gelu by erff, SCALAR(libm_gelu));
  TIME_MVEC(tanhf);
  TIME_MVEC(expf);
  TIME_MVEC(expm1f);
  TIME_MVEC(logf);
  return 0;
}
