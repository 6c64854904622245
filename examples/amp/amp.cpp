// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// amp A.bin B.bin: one compiled amplifier, two captures. Plays a second of a plucked note through A,
// changes to B in the middle, and prints what a listener and an audio thread care about: the greatest
// step between neighbouring samples around the change, and how often memory was asked for.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

#include "amp.h"

static unsigned allocations;

void *operator new(std::size_t size) {
  allocations++;
  if (void *p = std::malloc(size ? size : 1)) return p;
  throw std::bad_alloc();
}
void operator delete(void *p) noexcept { std::free(p); }
void operator delete(void *p, std::size_t) noexcept { std::free(p); }

namespace {

constexpr int rate = 48000, fade = rate / 100; // 10 ms

/* A block of weights, checked once, before it is played. */
class Capture {
public:
  explicit Capture(const char *path) {
    std::FILE *file = std::fopen(path, "rb");
    if (!file) fail(path, "cannot be read");
    words.resize(AMP_WEIGHT_BLOCK / sizeof(Line) + 1);
    std::size_t n = std::fread(words.data(), 1, words.size() * sizeof(Line), file);
    std::fclose(file);
    int status = amp_weights_check(words.data(), n);
    if (status == GRUS_DAMAGED) fail(path, "is damaged");
    if (status != GRUS_OK) fail(path, "is not a capture of this amplifier");
  }
  const void *weights() const { return words.data(); }

private:
  struct alignas(64) Line {
    unsigned char byte[64];
  };
  static void fail(const char *path, const char *what) {
    std::fprintf(stderr, "amp: %s %s\n", path, what);
    std::exit(1);
  }
  std::vector<Line> words;
};

/* Two voices: the next one listens for 10 ms from silence, then the old one fades out in 10 ms. */
class Player {
public:
  explicit Player(const Capture &first) : now(first.weights()) { amp_reset(&voice); }
  void change(const Capture &capture) {
    next = capture.weights();
    amp_reset(&next_voice);
    left = 2 * fade;
  }
  float play(float x) {
    float in[1] = {x}, out[1];
    amp_step(&voice, in, out, now);
    if (left == 0) return out[0];
    float other[1], share = left > fade ? 1.0f : static_cast<float>(left) / fade;
    left--;
    amp_step(&next_voice, in, other, next);
    float y = share * out[0] + (1 - share) * other[0];
    if (left == 0) {
      voice = next_voice;
      now = next;
    }
    return y;
  }

private:
  amp_state voice, next_voice;
  const void *now, *next = nullptr;
  int left = 0;
};

float note(int t) {
  double s = t / static_cast<double>(rate);
  return static_cast<float>(0.4 * std::exp(-s) * (std::sin(2 * 3.14159265358979 * 110 * s) + 0.3 * std::sin(2 * 3.14159265358979 * 330 * s)));
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: amp A.bin B.bin\n");
    return 2;
  }
  Capture a(argv[1]), b(argv[2]);
  Player alone_a(a), alone_b(b), player(a);
  unsigned before = allocations;
  float last_a = 0, last_b = 0, last = 0, ordinary = 0, around = 0, apart = 0;
  for (int t = 0; t < rate; t++) {
    if (t == rate / 2) player.change(b);
    float x = note(t), ya = alone_a.play(x), yb = alone_b.play(x), y = player.play(x);
    if (t > rate / 4) ordinary = std::fmax(ordinary, std::fmax(std::fabs(ya - last_a), std::fabs(yb - last_b)));
    apart = std::fmax(apart, std::fabs(ya - yb));
    if (t >= rate / 2 && t < rate / 2 + 3 * fade) around = std::fmax(around, std::fabs(y - last));
    last_a = ya;
    last_b = yb;
    last = y;
  }
  // A straight fade adds at most its share of what lies between the two.
  bool smooth = around <= ordinary + apart / fade, settled = std::fabs(last - last_b) < 1e-6f;
  std::printf("greatest step between samples: %.5f while playing, %.5f around the change; no click: %s\n",
              static_cast<double>(ordinary), static_cast<double>(around), smooth ? "yes" : "no");
  std::printf("memory asked for while playing: %u times; after the change it plays B: %s\n", allocations - before, settled ? "yes" : "no");
  return smooth && settled && allocations == before ? 0 : 1;
}
