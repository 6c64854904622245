/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* OpenBLAS as a peer: the step one writes by hand with a BLAS. Two products a step; the product
 * with all inputs first, as one sgemm, where the call is a whole sequence. The activations are
 * loops over exp that the C++ compiler turns into vectors (-ffast-math, libmvec). */
#include <cblas.h>
#include <cmath>

#include "peer.hpp"

namespace {

inline float sigmoid(float x) {
  return 1.0f / (1.0f + std::exp(-x));
}
inline float tanh_by_exp(float x) {
  return 2.0f / (1.0f + std::exp(-2.0f * x)) - 1.0f;
}

class OpenBlas {
public:
  OpenBlas(const Task &t, int variant) : task(t), gates(task_gates(t)), rows(gates * t.hidden) {
    if (variant) throw std::invalid_argument("no such variant");
    std::size_t batch = t.batch, steps = t.one_step ? 1 : t.steps;
    products_x = Floats(steps * batch * rows);
    products_h = Floats(batch * rows);
    h = Floats(batch * t.hidden), c = Floats(batch * t.hidden);
    reset();
  }

  void reset() {
    std::memset(h.data(), 0, sizeof(float) * task.batch * task.hidden);
    std::memset(c.data(), 0, sizeof(float) * task.batch * task.hidden);
  }

  void call(const float *x, float *y) {
    int steps = task.one_step ? 1 : task.steps, batch = task.batch;
    if (!task.one_step) reset();
    multiply(task.w, task.bw, x, task.in, steps * batch, products_x.data());
    for (int s = 0; s < steps; s++) {
      multiply(task.u, task.bu, h.data(), task.hidden, batch, products_h.data());
      for (int b = 0; b < batch; b++) {
        const float *from_x = products_x.data() + ((std::size_t)s * batch + b) * rows;
        const float *from_h = products_h.data() + (std::size_t)b * rows;
        (task.gru ? gru : lstm)(from_x, from_h, h.data() + b * task.hidden,
                                c.data() + b * task.hidden, task.hidden);
      }
      std::memcpy(y + (std::size_t)s * batch * task.hidden, h.data(),
                  sizeof(float) * batch * task.hidden);
    }
  }

private:
  /* out [n][rows] = bias + x [n][size] * m [rows][size] transposed */
  void multiply(const float *m, const float *bias, const float *x, int size, int n, float *out) {
    for (int k = 0; k < n; k++)
      std::memcpy(out + (std::size_t)k * rows, bias, sizeof(float) * rows);
    if (n == 1)
      cblas_sgemv(CblasRowMajor, CblasNoTrans, rows, size, 1, m, size, x, 1, 1, out, 1);
    else
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, rows, size, 1, x, size, m, size, 1,
                  out, rows);
  }

  static void lstm(const float *__restrict a, const float *__restrict b, float *__restrict h,
                   float *__restrict c, int n) {
    for (int j = 0; j < n; j++) {
      float i = sigmoid(a[j] + b[j]), f = sigmoid(a[n + j] + b[n + j]);
      float g = tanh_by_exp(a[2 * n + j] + b[2 * n + j]), o = sigmoid(a[3 * n + j] + b[3 * n + j]);
      c[j] = f * c[j] + i * g;
      h[j] = o * tanh_by_exp(c[j]);
    }
  }

  static void gru(const float *__restrict a, const float *__restrict b, float *__restrict h,
                  float *__restrict, int n) {
    for (int j = 0; j < n; j++) {
      float r = sigmoid(a[j] + b[j]), z = sigmoid(a[n + j] + b[n + j]);
      float g = tanh_by_exp(a[2 * n + j] + r * b[2 * n + j]);
      h[j] = z * h[j] + (1 - z) * g;
    }
  }

  Task task;
  int gates, rows;
  Floats products_x, products_h; /* [steps * batch][rows], [batch][rows] */
  Floats h, c;                   /* [batch][hidden] */
};

} // namespace

DEFINE_PEER(OpenBlas)
