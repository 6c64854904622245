/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* denoise: the noise out of speech, with the three networks of DeepFilterNet3 as grus compiles
 * them.
 *
 *   denoise noisy.wav clean.wav
 *
 * In: a mono .wav of 48 kHz, of any length. Out: one as long, in the same format, in time with the
 * first: the program leaves out the first samples, by which the networks are late, and ends with as
 * many zeros. Memory does not grow. */
#include "deepfilter.h"

#include <sndfile.h>
#include <stdio.h>

/* False if not all could be written. */
static int denoise(SNDFILE *in, SNDFILE *out) {
  static DeepFilter d;
  float noisy[FRAME], clean[FRAME];
  sf_count_t taken = 0, given = 0;
  deepfilter_reset(&d);
  for (sf_count_t k = 0;; k++) {
    sf_count_t got = sf_readf_float(in, noisy, FRAME), n;
    if (got < 0) got = 0;
    memset(noisy + got, 0, (size_t)(FRAME - got) * sizeof *noisy);
    taken += got;
    deepfilter_step(&d, noisy, clean);
    if (k < LATE / FRAME) continue;
    n = taken - given < FRAME ? taken - given : FRAME;
    if (n > 0 && sf_writef_float(out, clean, n) != n) return 0;
    given += n;
    if (given == taken) return 1;
  }
}

int main(int argc, char **argv) {
  SF_INFO info = {0};
  if (argc != 3) {
    fprintf(stderr, "use: %s noisy.wav clean.wav\n", argv[0]);
    return 2;
  }
  SNDFILE *in = sf_open(argv[1], SFM_READ, &info);
  if (!in) {
    fprintf(stderr, "%s: %s\n", argv[1], sf_strerror(NULL));
    return 1;
  }
  if (info.channels != 1 || info.samplerate != RATE) {
    fprintf(stderr, "%s has %d channels at %d Hz; the networks were trained on one at %d Hz\n",
            argv[1], info.channels, info.samplerate, RATE);
    return 1;
  }
  SNDFILE *out = sf_open(argv[2], SFM_WRITE, &info);
  if (!out) {
    fprintf(stderr, "%s: %s\n", argv[2], sf_strerror(NULL));
    return 1;
  }
  sf_command(out, SFC_SET_CLIPPING, NULL, SF_TRUE);
  int ok = denoise(in, out);
  sf_close(in);
  ok &= sf_close(out) == 0;
  if (!ok) fprintf(stderr, "%s cannot be written\n", argv[2]);
  return !ok;
}
