/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wav.h: reads a mono RIFF .wav of 16-bit integers or 32-bit floats.
 * In: a path. Out: samples, -1..1, and the rate. A file it cannot read ends the program with a
 * message: the programs of this folder do one thing each. Little-endian machines only. */
#ifndef DENOISER_WAV_H
#define DENOISER_WAV_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Wav {
  double *samples; /* malloc'd */
  size_t count;
  uint32_t rate; /* samples a second */
} Wav;

static void wav_fail(const char *path, const char *why) {
  fprintf(stderr, "%s: %s\n", path, why);
  exit(1);
}

/* Bytes of the data chunk -> samples. */
static void wav_convert(Wav *wav, const unsigned char *data, size_t width) {
  for (size_t i = 0; i < wav->count; i++) {
    int16_t integer;
    float real;
    if (width == 2) memcpy(&integer, data + 2 * i, 2), wav->samples[i] = integer / 32768.0;
    if (width == 4) memcpy(&real, data + 4 * i, 4), wav->samples[i] = (double)real;
  }
}

/* A chunk header is 4 letters and a 32-bit size; sizes are padded to even. A size beyond the end of
 * the file, as written by programs that stream, means up to the end. */
static Wav wav_read(const char *path) {
  Wav wav = {NULL, 0, 0};
  FILE *file = fopen(path, "rb");
  unsigned char head[12], format[16] = {0};
  if (!file) wav_fail(path, "cannot be opened");
  if (fread(head, 1, 12, file) != 12 || memcmp(head, "RIFF", 4) || memcmp(head + 8, "WAVE", 4))
    wav_fail(path, "is not a RIFF .wav file");
  while (fread(head, 1, 8, file) == 8) {
    uint32_t size;
    memcpy(&size, head + 4, 4);
    if (!memcmp(head, "fmt ", 4) && size >= 16 && size < 4096) {
      if (fread(format, 1, 16, file) != 16) break;
      fseek(file, (long)(size - 16 + size % 2), SEEK_CUR);
    } else if (!memcmp(head, "data", 4)) {
      size_t width = format[14] / 8u, capacity = 0, got = 0, n;
      unsigned char *data = NULL;
      if (format[2] != 1) wav_fail(path, "has more than one channel");
      if (width != 2 && width != 4) wav_fail(path, "has neither 16 nor 32 bits a sample");
      do {
        capacity = capacity ? 2 * capacity : 65536;
        data = (unsigned char *)realloc(data, capacity);
        if (!data) wav_fail(path, "is too long");
        n = fread(data + got, 1, capacity - got, file);
        got += n;
      } while (got == capacity && got < size);
      if (got > size) got = size;
      memcpy(&wav.rate, format + 4, 4);
      wav.count = got / width;
      wav.samples = (double *)malloc((wav.count + 1) * sizeof *wav.samples);
      if (!wav.samples) wav_fail(path, "is too long");
      wav_convert(&wav, data, width);
      free(data);
      break;
    } else {
      fseek(file, (long)(size + size % 2), SEEK_CUR);
    }
  }
  fclose(file);
  if (!wav.samples || wav.count == 0 || wav.rate == 0) wav_fail(path, "holds no sound");
  return wav;
}

#endif
