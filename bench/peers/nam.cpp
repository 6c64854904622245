/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A capture of Neural Amp Modeler in blocks of 64 samples: its own engine and what grus makes of
 * the same file, in turn, in one process. Built by hand, with the engine's sources beside:
 *
 *   grus import x.nam -o x.grus && grus build x.grus --target=native --chunk 64 --prefix nam_net -o
 * net.o c++ -std=c++20 -Ofast -march=native -DNDEBUG -DNAM_SAMPLE_FLOAT -ICORE
 * -ICORE/Dependencies/nlohmann -I/usr/include/eigen3 -I. nam.cpp CORE/NAM/[a-z]*.cpp
 * CORE/NAM/wavenet/[a-z]*.cpp net.o -o nam nam x.nam
 */
#include "NAM/dsp.h"
#include "NAM/get_dsp.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>
extern "C" {
#include "net.h"
}

enum { BLOCK = 64, SAMPLES = 9600, ROUNDS = 40 };

static nam_net_state state __attribute__((aligned(64)));

template <typename Call> static double time_of(Call call) {
  auto from = std::chrono::steady_clock::now();
  for (size_t at = 0; at < SAMPLES; at += BLOCK)
    call(at);
  std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - from;
  return taken.count() / SAMPLES;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  auto engine = nam::get_dsp(std::filesystem::path(argv[1]));
  engine->Reset(48000, BLOCK);
  nam_net_reset(&state);
  std::vector<float> x(SAMPLES), y(BLOCK);
  std::vector<NAM_SAMPLE> in(BLOCK), out(BLOCK);
  for (size_t i = 0; i < x.size(); i++)
    x[i] = 0.5f * std::sin((float)i * 0.05f) * std::sin((float)i * 0.0007f);
  std::vector<double> theirs, ours;
  double apart = 0;
  for (int round = 0; round < ROUNDS; round++) {
    theirs.push_back(time_of([&](size_t at) {
      std::copy_n(&x[at], BLOCK, in.begin());
      NAM_SAMPLE *from[] = {in.data()}, *to[] = {out.data()};
      engine->process(from, to, BLOCK);
    }));
    ours.push_back(time_of([&](size_t at) {
      nam_net_step(&state, (const float(*)[1]) & x[at], (float(*)[1])y.data());
    }));
    for (int i = 0; i < BLOCK; i++)
      apart = std::max(apart, (double)std::fabs(out[i] - y[i]));
  }
  std::sort(theirs.begin(), theirs.end());
  std::sort(ours.begin(), ours.end());
  printf("a sample: its engine %.0f ns, grus %.0f ns, ratio %.2f; difference %.0e\n",
         theirs[ROUNDS / 2], ours[ROUNDS / 2], theirs[ROUNDS / 2] / ours[ROUNDS / 2], apart);
  return 0;
}
