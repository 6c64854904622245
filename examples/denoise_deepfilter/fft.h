/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fft.h: the Fourier transform of 960 samples and back.
 *
 *   X[k] = sum over n of x[n] e^(-2 pi i k n / 960)        k = 0..480; the rest is their conjugate
 *   x[n] = sum over k of X[k] e^(+2 pi i k n / 960)        not divided by 960
 *
 * In f32 with rotations from double: within 1e-6 of the largest result. */
#ifndef DENOISE_DEEPFILTER_FFT_H
#define DENOISE_DEEPFILTER_FFT_H

#include <math.h>

enum { FFT_SIZE = 960, FFT_BINS = FFT_SIZE / 2 + 1, FFT_MOST_RADIX = 5 };

typedef struct Complex {
  float re, im;
} Complex;

typedef struct Fft {
  Complex turn[FFT_SIZE]; /* e^(-2 pi i k / 960) */
} Fft;

static void fft_init(Fft *f) {
  const double pi = 3.14159265358979323846;
  for (int k = 0; k < FFT_SIZE; k++) {
    f->turn[k].re = (float)cos(2 * pi * k / (double)FFT_SIZE);
    f->turn[k].im = (float)-sin(2 * pi * k / (double)FFT_SIZE);
  }
}

static Complex fft_times(Complex a, Complex b) {
  Complex c = {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  return c;
}

/* y = transform of x[0], x[step], x[2 step] ..., 960 / step of them: parts of 2, 3 or 5 (Cooley and
 * Tukey), each transformed by itself, then turned and added. */
static void fft_part(const Fft *f, const Complex *x, int step, Complex *y) {
  int n = FFT_SIZE / step, radix = n % 2 == 0 ? 2 : n % 3 == 0 ? 3 : 5, m = n / radix;
  if (n == 1) {
    y[0] = x[0];
    return;
  }
  for (int r = 0; r < radix; r++)
    fft_part(f, x + r * step, step * radix, y + r * m);
  for (int k = 0; k < m; k++) {
    Complex part[FFT_MOST_RADIX];
    for (int r = 0; r < radix; r++)
      part[r] = fft_times(y[r * m + k], f->turn[r * k * step]);
    for (int q = 0; q < radix; q++) {
      Complex sum = part[0];
      for (int r = 1; r < radix; r++) {
        Complex turned = fft_times(part[r], f->turn[q * r % radix * (FFT_SIZE / radix)]);
        sum.re += turned.re;
        sum.im += turned.im;
      }
      y[q * m + k] = sum;
    }
  }
}

static void fft_forward(const Fft *f, const float x[FFT_SIZE], Complex spectrum[FFT_BINS]) {
  Complex in[FFT_SIZE], out[FFT_SIZE];
  for (int n = 0; n < FFT_SIZE; n++) {
    in[n].re = x[n];
    in[n].im = 0;
  }
  fft_part(f, in, 1, out);
  for (int k = 0; k < FFT_BINS; k++)
    spectrum[k] = out[k];
}

/* The transform of the conjugate goes back, to the conjugate: of real samples they are the same. */
static void fft_inverse(const Fft *f, const Complex spectrum[FFT_BINS], float x[FFT_SIZE]) {
  Complex in[FFT_SIZE], out[FFT_SIZE];
  for (int k = 0; k < FFT_BINS; k++) {
    in[k].re = spectrum[k].re;
    in[k].im = -spectrum[k].im;
    if (k > 0) in[FFT_SIZE - k] = spectrum[k];
  }
  in[0].im = in[FFT_SIZE / 2].im = 0; /* of a real signal they are */
  fft_part(f, in, 1, out);
  for (int n = 0; n < FFT_SIZE; n++)
    x[n] = out[n].re;
}

#endif
