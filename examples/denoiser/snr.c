/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* snr: how much nearer to the clean recording the denoised one is than the noisy one.
 *
 *   cc -O2 -o snr snr.c -lm && ./snr clean.wav noisy.wav denoised.wav
 *
 * In: three mono .wav files that start at the same moment. Compared as far as the shortest goes.
 * Out: SNR = 10 log10(sum clean^2 / sum (x - clean)^2) of both, in dB, and the gain. */
#include "wav.h"

#include <math.h>

static double snr(const Wav *clean, const Wav *x, size_t n) {
  double signal = 0, error = 0;
  for (size_t i = 0; i < n; i++) {
    double d = x->samples[i] - clean->samples[i];
    signal += clean->samples[i] * clean->samples[i];
    error += d * d;
  }
  return 10 * log10(signal / error);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "use: %s clean.wav noisy.wav denoised.wav\n", argv[0]);
    return 2;
  }
  Wav wav[3];
  size_t n = SIZE_MAX;
  for (int i = 0; i < 3; i++) {
    wav[i] = wav_read(argv[1 + i]);
    if (wav[i].rate != wav[0].rate) wav_fail(argv[1 + i], "has another sample rate");
    if (wav[i].count < n) n = wav[i].count;
  }
  double before = snr(&wav[0], &wav[1], n), after = snr(&wav[0], &wav[2], n);
  printf("SNR %.2f dB -> %.2f dB, gain %.2f dB over %.2f s\n", before, after, after - before,
         (double)n / wav[0].rate);
  for (int i = 0; i < 3; i++)
    free(wav[i].samples);
  return 0;
}
