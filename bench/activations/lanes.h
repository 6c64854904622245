/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Vectors of N floats and N integers with the primitives of core/grus_math.h, so that its text can
 * be compiled for lanes: operations are those of GNU vector extensions, one to one. */
#ifndef GRUS_BENCH_LANES_H
#define GRUS_BENCH_LANES_H

#include <immintrin.h>
#include <stdint.h>

#define LANES_TYPES(N)                                                                             \
  typedef float Vector##N __attribute__((vector_size(4 * N)));                                     \
  typedef int32_t Mask##N __attribute__((vector_size(4 * N)));                                     \
  struct Int##N {                                                                                  \
    Mask##N v;                                                                                     \
    Int##N(Mask##N m) : v(m) {}                                                                    \
    Int##N(int32_t i) : v(Mask##N{} + i) {}                                                        \
    friend Int##N operator+(Int##N a, Int##N b) {                                                  \
      return a.v + b.v;                                                                            \
    }                                                                                              \
    friend Int##N operator-(Int##N a, Int##N b) {                                                  \
      return a.v - b.v;                                                                            \
    }                                                                                              \
    friend Int##N operator&(Int##N a, Int##N b) {                                                  \
      return a.v & b.v;                                                                            \
    }                                                                                              \
  };                                                                                               \
  struct Float##N {                                                                                \
    Vector##N v;                                                                                   \
    Float##N() {}                                                                                  \
    Float##N(Vector##N a) : v(a) {}                                                                \
    Float##N(float a) : v(Vector##N{} + a) {}                                                      \
    explicit Float##N(Int##N i) : v(__builtin_convertvector(i.v, Vector##N)) {}                    \
    friend Float##N operator+(Float##N a, Float##N b) {                                            \
      return a.v + b.v;                                                                            \
    }                                                                                              \
    friend Float##N operator-(Float##N a, Float##N b) {                                            \
      return a.v - b.v;                                                                            \
    }                                                                                              \
    friend Float##N operator*(Float##N a, Float##N b) {                                            \
      return a.v * b.v;                                                                            \
    }                                                                                              \
    friend Float##N operator/(Float##N a, Float##N b) {                                            \
      return a.v / b.v;                                                                            \
    }                                                                                              \
    friend Float##N operator-(Float##N a) {                                                        \
      return -a.v;                                                                                 \
    }                                                                                              \
    friend Mask##N operator<(Float##N a, Float##N b) {                                             \
      return a.v < b.v;                                                                            \
    }                                                                                              \
    friend Mask##N operator>(Float##N a, Float##N b) {                                             \
      return a.v > b.v;                                                                            \
    }                                                                                              \
    friend Mask##N operator<=(Float##N a, Float##N b) {                                            \
      return a.v <= b.v;                                                                           \
    }                                                                                              \
    friend Mask##N operator==(Float##N a, Float##N b) {                                            \
      return a.v == b.v;                                                                           \
    }                                                                                              \
  };

LANES_TYPES(8)
LANES_TYPES(16)

/* a < b ? a : b and a > b ? a : b exactly: NaN gives the second operand. */
static inline Float8 lanes_min(Float8 a, Float8 b) {
  return (Vector8)_mm256_min_ps(a.v, b.v);
}
static inline Float8 lanes_max(Float8 a, Float8 b) {
  return (Vector8)_mm256_max_ps(a.v, b.v);
}
static inline Float8 lanes_mad(Float8 a, Float8 b, Float8 c) {
  return (Vector8)_mm256_fmadd_ps(a.v, b.v, c.v);
}
#ifdef __AVX512F__
static inline Float16 lanes_min(Float16 a, Float16 b) {
  return (Vector16)_mm512_min_ps(a.v, b.v);
}
static inline Float16 lanes_max(Float16 a, Float16 b) {
  return (Vector16)_mm512_max_ps(a.v, b.v);
}
static inline Float16 lanes_mad(Float16 a, Float16 b, Float16 c) {
  return (Vector16)_mm512_fmadd_ps(a.v, b.v, c.v);
}
#endif

#endif
