/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fft.h: the Fourier transform of 512 samples and back.
 *
 *   X[k] = sum over n of x[n] e^(-2 pi i k n / 512)        k = 0..256; the rest is their conjugate
 *   x[n] = 1/512 sum over k of X[k] e^(+2 pi i k n / 512)
 *
 * In f32 with rotations from double: within 1e-6 of the largest result. */
#ifndef DENOISE_DTLN_FFT_H
#define DENOISE_DTLN_FFT_H

#include <math.h>

enum { FFT_SIZE = 512, FFT_BINS = FFT_SIZE / 2 + 1 };

typedef struct Complex {
  float re, im;
} Complex;

typedef struct Fft {
  Complex turn[FFT_SIZE / 2]; /* e^(-2 pi i k / 512) */
  Complex z[FFT_SIZE];
} Fft;

static void fft_init(Fft *f) {
  const double pi = 3.14159265358979323846;
  for (int k = 0; k < FFT_SIZE / 2; k++) {
    f->turn[k].re = (float)cos(2 * pi * k / (double)FFT_SIZE);
    f->turn[k].im = (float)-sin(2 * pi * k / (double)FFT_SIZE);
  }
}

/* z in place, radix 2 (Cooley and Tukey): sorted by reversed bits, then sums of pairs, of fours,
 * ... */
static void fft_in_place(Fft *f) {
  for (int i = 0, j = 0; i < FFT_SIZE; i++) {
    int bit = FFT_SIZE / 2;
    if (i < j) {
      Complex t = f->z[i];
      f->z[i] = f->z[j];
      f->z[j] = t;
    }
    for (; j & bit; bit >>= 1)
      j ^= bit;
    j |= bit;
  }
  for (int half = 1; half < FFT_SIZE; half *= 2)
    for (int begin = 0; begin < FFT_SIZE; begin += 2 * half)
      for (int k = 0; k < half; k++) {
        Complex w = f->turn[k * (FFT_SIZE / 2 / half)], *a = &f->z[begin + k], *b = a + half;
        Complex t = {w.re * b->re - w.im * b->im, w.re * b->im + w.im * b->re};
        b->re = a->re - t.re;
        b->im = a->im - t.im;
        a->re += t.re;
        a->im += t.im;
      }
}

static void fft_forward(Fft *f, const float x[FFT_SIZE], Complex spectrum[FFT_BINS]) {
  for (int n = 0; n < FFT_SIZE; n++) {
    f->z[n].re = x[n];
    f->z[n].im = 0;
  }
  fft_in_place(f);
  for (int k = 0; k < FFT_BINS; k++)
    spectrum[k] = f->z[k];
}

/* The conjugate of the transform of the conjugate goes back; real parts need no conjugate at the
 * end. */
static void fft_inverse(Fft *f, const Complex spectrum[FFT_BINS], float x[FFT_SIZE]) {
  for (int k = 0; k < FFT_BINS; k++) {
    f->z[k].re = spectrum[k].re;
    f->z[k].im = -spectrum[k].im;
    if (k > 0) f->z[FFT_SIZE - k] = spectrum[k];
  }
  f->z[0].im = f->z[FFT_SIZE / 2].im = 0; /* of a real signal they are */
  fft_in_place(f);
  for (int n = 0; n < FFT_SIZE; n++)
    x[n] = f->z[n].re / (float)FFT_SIZE;
}

#endif
