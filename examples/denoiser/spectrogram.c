/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* spectrogram: two sounds, one above the other, as a picture.
 *
 *   cc -O2 -o spectrogram spectrogram.c -lm -lz
 *   ./spectrogram noisy.wav denoised.wav before_after.png
 *
 * In: two mono .wav files of the same rate. Out: an 8-bit RGB PNG. Time runs to the right,
 * frequency up, from 0 to half the rate; a horizontal tick every 1 kHz, a vertical one every
 * second. Colour is the power of a Hann-windowed frame in dB, over RANGE dB below the loudest of
 * the first sound. */
#include "wav.h"

#include <math.h>
#include <zlib.h>

enum { FRAME = 512, ROWS = FRAME / 2, COLUMNS = 1000, MARGIN = 12, TICK = 6 };
enum { WIDTH = COLUMNS + 2 * MARGIN, HEIGHT = 2 * ROWS + 3 * MARGIN };
static const double RANGE = 75, PI = 3.14159265358979323846;

/* Dark to light through violet, red and yellow; red, green, blue at equal distances of 0..1. */
static const double COLOURS[6][3] = {{2, 2, 10},    {62, 12, 96},   {145, 30, 105},
                                     {220, 70, 60}, {250, 160, 30}, {252, 253, 190}};

/* power [column][row], dB: the frame centred on each column, row 0 the lowest frequency. */
static void analyse(const Wav *wav, size_t length, double *power) {
  static double cosine[FRAME], sine[FRAME], window[FRAME];
  for (int n = 0; n < FRAME; n++) {
    cosine[n] = cos(2 * PI * n / FRAME);
    sine[n] = sin(2 * PI * n / FRAME);
    window[n] = 0.5 - 0.5 * cosine[n];
  }
  for (int column = 0; column < COLUMNS; column++) {
    double frame[FRAME];
    long start = (long)((double)length * column / COLUMNS) - FRAME / 2;
    for (int n = 0; n < FRAME; n++) {
      long at = start + n;
      frame[n] = at >= 0 && at < (long)wav->count ? window[n] * wav->samples[at] : 0;
    }
    for (int row = 0; row < ROWS; row++) {
      double re = 0, im = 0;
      for (int n = 0, phase = 0; n < FRAME; n++, phase = (phase + row) % FRAME) {
        re += frame[n] * cosine[phase];
        im += frame[n] * sine[phase];
      }
      power[column * ROWS + row] = 10 * log10(re * re + im * im + 1e-12);
    }
  }
}

static void pixel_set(unsigned char *image, int x, int y, double level) {
  double at = 5 * (level < 0 ? 0 : level > 1 ? 1 : level);
  int i = at >= 5 ? 4 : (int)at;
  for (int c = 0; c < 3; c++)
    image[3 * (y * WIDTH + x) + c] =
        (unsigned char)(COLOURS[i][c] + (at - i) * (COLOURS[i + 1][c] - COLOURS[i][c]));
}

/* One panel with its top at y, and its ticks in the margin. */
static void panel_draw(unsigned char *image, int y, const double *power, double top, double seconds,
                       double rate) {
  for (int column = 0; column < COLUMNS; column++)
    for (int row = 0; row < ROWS; row++)
      pixel_set(image, MARGIN + column, y + ROWS - 1 - row,
                1 - (top - power[column * ROWS + row]) / RANGE);
  for (int second = 0; second <= (int)seconds; second++)
    for (int i = 0; i < TICK; i++) {
      int x = MARGIN + (int)(second / seconds * (COLUMNS - 1));
      memset(image + 3 * ((y + ROWS + 1 + i) * WIDTH + x), 90, 3);
    }
  for (int f = 0; f <= (int)(rate / 2); f += 1000)
    for (int i = 0; i < TICK; i++) {
      int row = (int)(f / (rate / 2) * (ROWS - 1));
      memset(image + 3 * ((y + ROWS - 1 - row) * WIDTH + MARGIN - 2 - i), 90, 3);
    }
}

static void big_endian(unsigned char *to, uint32_t value) {
  for (int i = 0; i < 4; i++)
    to[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* A PNG chunk: length, name, data, CRC of name and data. */
static void chunk_write(FILE *file, const char *name, const unsigned char *data, size_t size) {
  unsigned char length[4], check[4];
  uLong crc = crc32(crc32(0, Z_NULL, 0), (const Bytef *)name, 4);
  if (size) crc = crc32(crc, data, (uInt)size);
  big_endian(length, (uint32_t)size);
  big_endian(check, (uint32_t)crc);
  fwrite(length, 1, 4, file);
  fwrite(name, 1, 4, file);
  if (size) fwrite(data, 1, size, file);
  fwrite(check, 1, 4, file);
}

static void png_write(const char *path, const unsigned char *image) {
  static unsigned char lines[HEIGHT * (3 * WIDTH + 1)],
      packed[sizeof lines + sizeof lines / 500 + 64];
  unsigned char head[13] = {0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0}; /* 8 bits, RGB */
  uLongf size = sizeof packed;
  for (int y = 0; y < HEIGHT; y++) { /* each line starts with filter 0: as it is */
    lines[y * (3 * WIDTH + 1)] = 0;
    memcpy(lines + y * (3 * WIDTH + 1) + 1, image + 3 * y * WIDTH, 3 * WIDTH);
  }
  FILE *file = fopen(path, "wb");
  if (!file) wav_fail(path, "cannot be written");
  if (compress2(packed, &size, lines, sizeof lines, 9) != Z_OK) wav_fail(path, "cannot be packed");
  big_endian(head, WIDTH);
  big_endian(head + 4, HEIGHT);
  fwrite("\x89PNG\r\n\x1a\n", 1, 8, file);
  chunk_write(file, "IHDR", head, sizeof head);
  chunk_write(file, "IDAT", packed, size);
  chunk_write(file, "IEND", NULL, 0);
  int failed = ferror(file);
  if (fclose(file) || failed) wav_fail(path, "cannot be written");
}

int main(int argc, char **argv) {
  static double power[2][COLUMNS * ROWS];
  static unsigned char image[3 * WIDTH * HEIGHT];
  if (argc != 4) {
    fprintf(stderr, "use: %s before.wav after.wav picture.png\n", argv[0]);
    return 2;
  }
  Wav before = wav_read(argv[1]), after = wav_read(argv[2]);
  if (before.rate != after.rate) wav_fail(argv[2], "has another sample rate than the first");
  double top = -120, seconds = (double)before.count / before.rate;
  analyse(&before, before.count, power[0]);
  analyse(&after, before.count, power[1]);
  for (int i = 0; i < COLUMNS * ROWS; i++)
    if (power[0][i] > top) top = power[0][i];
  memset(image, 255, sizeof image);
  for (int i = 0; i < 2; i++)
    panel_draw(image, MARGIN + i * (ROWS + MARGIN), power[i], top, seconds, before.rate);
  png_write(argv[3], image);
  free(before.samples);
  free(after.samples);
  return 0;
}
