/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* denoise: the noise out of speech, with the three networks of DeepFilterNet3 as grus compiles
 * them.
 *
 *   denoise noisy.wav clean.wav
 *
 * In: a mono .wav of 48 kHz, of any length. Out: one as long, in the same format, in time with the
 * first: the program leaves out the first samples, by which the networks are late, and ends with as
 * many zeros. Memory does not grow. */
#include "../denoise_wav.h"
#include "deepfilter.h"

static void step(void *state, const float *noisy, float *clean) {
  deepfilter_step(state, noisy, clean);
}

int main(int argc, char **argv) {
  static DeepFilter d;
  deepfilter_reset(&d);
  return denoise_wav(&(DenoiseWav){RATE, FRAME, LATE, &d, step}, argc, argv);
}
