/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* denoise_wav.h: a noisy .wav to a clean one through a denoiser that takes and gives one frame of
 * samples a call, `late` samples later, by libsndfile. Memory does not grow. */
#ifndef EXAMPLES_DENOISE_WAV_H
#define EXAMPLES_DENOISE_WAV_H

#include <sndfile.h>
#include <stdio.h>
#include <string.h>

enum { DENOISE_WAV_MOST = 1024 /* samples of a frame */ };

typedef struct DenoiseWav {
  int rate;        /* Hz, of the sound that the networks were trained on */
  int frame, late; /* samples; late is a multiple of frame */
  void *state;     /* reset */
  void (*step)(void *state, const float *noisy, float *clean);
} DenoiseWav;

/* False if not all could be written. The first `late` samples are left out, and as many zeros
 * follow the last, so that the result is in time with what came in. */
static int denoise_stream(const DenoiseWav *d, SNDFILE *in, SNDFILE *out) {
  float noisy[DENOISE_WAV_MOST], clean[DENOISE_WAV_MOST];
  sf_count_t taken = 0, given = 0;
  for (sf_count_t k = 0;; k++) {
    sf_count_t got = sf_readf_float(in, noisy, d->frame), n;
    if (got < 0) got = 0;
    memset(noisy + got, 0, (size_t)(d->frame - got) * sizeof *noisy);
    taken += got;
    d->step(d->state, noisy, clean);
    if (k < d->late / d->frame) continue;
    n = taken - given < d->frame ? taken - given : d->frame;
    if (n > 0 && sf_writef_float(out, clean, n) != n) return 0;
    given += n;
    if (given == taken) return 1;
  }
}

/* The main of a program: NAME noisy.wav clean.wav. */
static int denoise_wav(const DenoiseWav *d, int argc, char **argv) {
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
  if (info.channels != 1 || info.samplerate != d->rate) {
    fprintf(stderr, "%s has %d channels at %d Hz; the networks were trained on one at %d Hz\n",
            argv[1], info.channels, info.samplerate, d->rate);
    return 1;
  }
  SNDFILE *out = sf_open(argv[2], SFM_WRITE, &info);
  if (!out) {
    fprintf(stderr, "%s: %s\n", argv[2], sf_strerror(NULL));
    return 1;
  }
  sf_command(out, SFC_SET_CLIPPING, NULL, SF_TRUE);
  int ok = denoise_stream(d, in, out);
  sf_close(in);
  ok &= sf_close(out) == 0;
  if (!ok) fprintf(stderr, "%s cannot be written\n", argv[2]);
  return !ok;
}

#endif
