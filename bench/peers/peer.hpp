/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What all peers in C++ share: their inputs step by step, and the functions of peer.h.
 *
 * A peer is a class made of (Task, variant) with reset() and call(x, y), where x and y are
 * [steps of a call][batch][in] and [steps of a call][batch][hidden]. */
#ifndef GRUS_BENCH_PEER_HPP
#define GRUS_BENCH_PEER_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <vector>

#include "peer.h"

/* Memory on the lines of the cache. */
class Floats {
public:
  explicit Floats(std::size_t n = 0) : memory(n + 16) {}
  float *data() {
    return reinterpret_cast<float *>((reinterpret_cast<std::uintptr_t>(memory.data()) + 63) / 64 *
                                     64);
  }

private:
  std::vector<float> memory;
};

inline int task_gates(const Task &t) {
  return t.gru ? 3 : 4;
}

template <class Peer> struct Runner {
  Task task;
  Peer peer;
  Floats x, y; /* [steps][batch][in], [steps][batch][hidden] */

  Runner(const Task &t, int variant)
      : task(t), peer(t, variant), x((std::size_t)t.steps * t.batch * t.in),
        y((std::size_t)t.steps * t.batch * t.hidden) {
    for (int b = 0; b < t.batch; b++)
      for (int s = 0; s < t.steps; s++)
        std::memcpy(x.data() + ((std::size_t)s * t.batch + b) * t.in,
                    t.x + ((std::size_t)b * t.steps + s) * t.in, sizeof(float) * t.in);
  }

  void run(float *out) {
    const Task &t = task;
    std::size_t row = (std::size_t)t.batch * t.hidden;
    peer.reset();
    if (t.one_step)
      for (int s = 0; s < t.steps; s++)
        peer.call(x.data() + (std::size_t)s * t.batch * t.in, y.data() + s * row);
    else
      peer.call(x.data(), y.data());
    for (int b = 0; b < t.batch; b++)
      for (int s = 0; s < t.steps; s++)
        std::memcpy(out + ((std::size_t)b * t.steps + s) * t.hidden,
                    y.data() + s * row + (std::size_t)b * t.hidden, sizeof(float) * t.hidden);
  }

  double time(long calls) {
    timespec from, to;
    std::size_t row = (std::size_t)task.batch * task.in;
    float *in = x.data(), *out = y.data();
    int s = 0;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (long k = 0; k < calls; k++) {
      peer.call(in + s * row, out);
      if (task.one_step && ++s == task.steps) s = 0;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    return (to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
  }
};

#define DEFINE_PEER(Peer)                                                                          \
  void *peer_make(const Task *task, int variant) {                                                 \
    try {                                                                                          \
      return new Runner<Peer>(*task, variant);                                                     \
    } catch (const std::exception &) {                                                             \
      return nullptr;                                                                              \
    }                                                                                              \
  }                                                                                                \
  void peer_run(void *peer, float *y) {                                                            \
    static_cast<Runner<Peer> *>(peer)->run(y);                                                     \
  }                                                                                                \
  double peer_time(void *peer, long calls) {                                                       \
    return static_cast<Runner<Peer> *>(peer)->time(calls);                                         \
  }

#endif
