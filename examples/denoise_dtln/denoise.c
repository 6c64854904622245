/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* denoise: the noise out of speech, with the two networks of DTLN as grus compiles them.
 *
 *   denoise noisy.wav clean.wav
 *
 * In: a mono .wav of 16 kHz, of any length. Out: one as long, in the same format, in time with the
 * first.
 *
 * Every 128 samples the last 512 are taken:
 *   spectrum   = FFT of the block                      257 complex numbers
 *   mask       = model_1(|spectrum|)                   257 factors, 0..1
 *   block'     = inverse FFT of mask * spectrum        the phase stays as it was
 *   block''    = model_2(block')                       512 samples
 * and the blocks'' are added where they overlap. So a sample is complete 384 samples (24 ms) after
 * it came; the program leaves out the first 384 and ends with 384 zeros. Memory does not grow. */
#include "../denoise_wav.h"
#include "fft.h"
#include "model_1.h"
#include "model_2.h"

#include <string.h>

enum { BLOCK = FFT_SIZE, HOP = 128, LATE = BLOCK - HOP, RATE = 16000 };

typedef struct Denoiser {
  model_1_state mask;
  model_2_state filter;
  Fft fft;
  float in[BLOCK], sum[BLOCK]; /* the last samples; what is complete of them stands first in sum */
} Denoiser;

static void denoiser_reset(Denoiser *d) {
  memset(d, 0, sizeof *d);
  fft_init(&d->fft);
  model_1_reset(&d->mask);
  model_2_reset(&d->filter);
}

/* Takes 128 samples, gives the 128 that came 384 before them. */
static void denoiser_step(Denoiser *d, const float noisy[HOP], float clean[HOP]) {
  Complex spectrum[FFT_BINS];
  float magnitude[FFT_BINS], mask[FFT_BINS], block[BLOCK], filtered[BLOCK];
  memmove(d->in, d->in + HOP, LATE * sizeof *d->in);
  memcpy(d->in + LATE, noisy, HOP * sizeof *noisy);
  fft_forward(&d->fft, d->in, spectrum);
  for (int k = 0; k < FFT_BINS; k++)
    magnitude[k] = sqrtf(spectrum[k].re * spectrum[k].re + spectrum[k].im * spectrum[k].im);
  model_1_step(&d->mask, magnitude, mask);
  for (int k = 0; k < FFT_BINS; k++) {
    spectrum[k].re *= mask[k];
    spectrum[k].im *= mask[k];
  }
  fft_inverse(&d->fft, spectrum, block);
  model_2_step(&d->filter, block, filtered);
  memmove(d->sum, d->sum + HOP, LATE * sizeof *d->sum);
  memset(d->sum + LATE, 0, HOP * sizeof *d->sum);
  for (int n = 0; n < BLOCK; n++)
    d->sum[n] += filtered[n];
  memcpy(clean, d->sum, HOP * sizeof *clean);
}

static void step(void *state, const float *noisy, float *clean) {
  denoiser_step(state, noisy, clean);
}

int main(int argc, char **argv) {
  static Denoiser d;
  denoiser_reset(&d);
  return denoise_wav(&(DenoiseWav){RATE, HOP, LATE, &d, step}, argc, argv);
}
