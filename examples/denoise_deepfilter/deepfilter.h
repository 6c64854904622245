/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* deepfilter.h: DeepFilterNet3 around its three networks, one frame of 480 samples (10 ms at 48
 * kHz) a call.
 *
 *   spectrum = FFT of the last 960 samples under a window        481 complex numbers
 *   erb      = energy of 32 bands in dB, less its mean so far    what the encoder reads
 *   low      = the lowest 96 bins, divided by their size so far  the same
 *   gains    = erb_dec(enc(erb, low))                            one for each band
 *   taps     = df_dec(enc(erb, low))                             five complex ones for each low bin
 *
 * The frame before the last becomes
 *
 *   bin k < 96:  the sum of taps[k] * spectrum[k] over the last five frames, the deep filter
 *   others:      gain of its band * spectrum[k]
 *
 * The networks look two frames ahead, so a frame is complete two frames later. */
#ifndef DENOISE_DEEPFILTER_DEEPFILTER_H
#define DENOISE_DEEPFILTER_DEEPFILTER_H

#include "df_dec.h"
#include "enc.h"
#include "erb_dec.h"
#include "fft.h"

#include <string.h>

enum {
  RATE = 48000,
  FRAME = FFT_SIZE / 2,
  BANDS = 32,
  LEAST_BINS = 2, /* of a band */
  LOW = 96,       /* bins that are filtered */
  TAPS = 5,
  AHEAD = 2,                   /* frames that the networks look ahead */
  LATE = FRAME + AHEAD * FRAME /* samples by which the result is late */
};

typedef struct DeepFilter {
  enc_state enc;
  erb_dec_state erb_dec;
  df_dec_state df_dec;
  Fft fft;
  float window[FFT_SIZE], past[FRAME], sum[FRAME];
  int width[BANDS]; /* bins of each band */
  float mean[BANDS], size[LOW];
  Complex spectrum[TAPS][FFT_BINS]; /* the last frames, the oldest first */
} DeepFilter;

/* Bands of equal width on the ERB scale (Glasberg and Moore 1990), of two bins at least. */
static void bands_init(int width[BANDS]) {
  const double q = 9.265, least = 24.7;
  double step = q * log1p((double)RATE / 2 / (least * q)) / (double)BANDS;
  int before = 0, borrowed = 0, all = 0;
  for (int b = 0; b < BANDS; b++) {
    double end = least * q * (exp((b + 1) * step / q) - 1);
    int bin = (int)floor(end / ((double)RATE / (double)FFT_SIZE) + 0.5),
        n = bin - before - borrowed;
    borrowed = n < LEAST_BINS ? LEAST_BINS - n : 0;
    width[b] = n < LEAST_BINS ? LEAST_BINS : n;
    before = bin;
    all += width[b];
  }
  width[BANDS - 1] += FFT_BINS - all;
}

static void deepfilter_reset(DeepFilter *d) {
  const double pi = 3.14159265358979323846;
  memset(d, 0, sizeof *d);
  fft_init(&d->fft);
  bands_init(d->width);
  for (int n = 0; n < FFT_SIZE; n++) { /* the window of Vorbis */
    double s = sin(pi * (n + 0.5) / (double)FFT_SIZE);
    d->window[n] = (float)sin(pi / 2 * s * s);
  }
  for (int b = 0; b < BANDS; b++)
    d->mean[b] = (float)(-60 - 30.0 * b / (BANDS - 1));
  for (int k = 0; k < LOW; k++)
    d->size[k] = (float)(1e-3 - 9e-4 * k / (LOW - 1));
  enc_reset(&d->enc);
  erb_dec_reset(&d->erb_dec);
  df_dec_reset(&d->df_dec);
}

/* The newest of the last five spectra. */
static void analyse(DeepFilter *d, const float samples[FRAME]) {
  float block[FFT_SIZE];
  Complex *newest = d->spectrum[TAPS - 1];
  memmove(d->spectrum[0], d->spectrum[1], (TAPS - 1) * sizeof d->spectrum[0]);
  memcpy(block, d->past, sizeof d->past);
  memcpy(block + FRAME, samples, sizeof d->past);
  memcpy(d->past, samples, sizeof d->past);
  for (int n = 0; n < FFT_SIZE; n++)
    block[n] *= d->window[n] / (float)FFT_SIZE;
  fft_forward(&d->fft, block, newest);
}

/* What the encoder reads. */
static void features(DeepFilter *d, float erb[BANDS], float low[2][LOW]) {
  const float keep = 0.99f; /* a second */
  const Complex *x = d->spectrum[TAPS - 1];
  for (int b = 0, k = 0; b < BANDS; b++) {
    float energy = 0;
    for (int end = k + d->width[b]; k < end; k++)
      energy += (x[k].re * x[k].re + x[k].im * x[k].im) / (float)d->width[b];
    float level = 10 * log10f(energy + 1e-10f);
    d->mean[b] = level * (1 - keep) + d->mean[b] * keep;
    erb[b] = (level - d->mean[b]) / 40;
  }
  for (int k = 0; k < LOW; k++) {
    d->size[k] = sqrtf(x[k].re * x[k].re + x[k].im * x[k].im) * (1 - keep) + d->size[k] * keep;
    low[0][k] = x[k].re / sqrtf(d->size[k]);
    low[1][k] = x[k].im / sqrtf(d->size[k]);
  }
}

/* The frame before the last: gains of the bands, and the filter on the lowest bins. */
static void apply(const DeepFilter *d, const float gain[BANDS], float taps[LOW][2 * TAPS],
                  Complex y[FFT_BINS]) {
  const Complex *x = d->spectrum[TAPS - 1 - AHEAD];
  for (int b = 0, k = 0; b < BANDS; b++)
    for (int end = k + d->width[b]; k < end; k++) {
      y[k].re = x[k].re * gain[b];
      y[k].im = x[k].im * gain[b];
    }
  for (int k = 0; k < LOW; k++) {
    Complex sum = {0, 0};
    for (int t = 0; t < TAPS; t++) {
      Complex tap = {taps[k][2 * t], taps[k][2 * t + 1]};
      Complex part = fft_times(d->spectrum[t][k], tap);
      sum.re += part.re;
      sum.im += part.im;
    }
    y[k] = sum;
  }
}

static void synthesise(DeepFilter *d, const Complex y[FFT_BINS], float samples[FRAME]) {
  float block[FFT_SIZE];
  fft_inverse(&d->fft, y, block);
  for (int n = 0; n < FRAME; n++) {
    samples[n] = d->sum[n] + block[n] * d->window[n];
    d->sum[n] = block[FRAME + n] * d->window[FRAME + n];
  }
}

/* Takes 480 samples, gives the 480 that came LATE before them. */
static void deepfilter_step(DeepFilter *d, const float noisy[FRAME], float clean[FRAME]) {
  float erb[BANDS], low[2][LOW], gain[BANDS], taps[LOW][2 * TAPS];
  float e0[64][32], e1[64][16], e2[64][8], e3[64][8], emb[512], c0[64][LOW], snr[1], alpha[1];
  Complex y[FFT_BINS];
  analyse(d, noisy);
  features(d, erb, low);
  enc_step(&d->enc, erb, (const float(*)[LOW])low, e0, e1, e2, e3, emb, c0, snr);
  erb_dec_step(&d->erb_dec, emb, (const float(*)[8])e3, (const float(*)[8])e2,
               (const float(*)[16])e1, (const float(*)[32])e0, gain);
  df_dec_step(&d->df_dec, emb, (const float(*)[LOW])c0, taps, alpha);
  apply(d, gain, taps, y);
  synthesise(d, y, clean);
}

#endif
