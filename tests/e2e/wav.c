/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sounds of arrays, and sounds against arrays.
 *
 *   wav make SOUND.npy COUNT SOUND.wav               mono, 16 kHz, 32-bit floats
 *   wav compare FOUND.wav COUNT WANTED.npy N LATE MOST
 *   wav triple SOUND.wav TRIPLE.wav                  three times the rate, on straight lines
 *   wav third SOUND.wav THIRD.wav                    every third sample
 *
 * In: an array of one axis, of which the first COUNT samples are meant. compare: FOUND must have
 * COUNT samples between -1 and 1; the first N may differ by MOST from WANTED, which is LATE samples
 * later. */
#include "import/weights_file.h"

#include <math.h>
#include <setjmp.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_npy(Arena *arena, const char *path, int64_t count, Tensor *out) {
  Mapped file;
  const char *reason = "is shorter";
  if (file_map(arena, path, &file, &reason) && npy_parse(arena, file, out, &reason) &&
      out->count >= count)
    return true;
  fprintf(stderr, "%s: %s\n", path, reason);
  return false;
}

static int make(Arena *arena, const char *from, int64_t count, const char *to) {
  Tensor t;
  SF_INFO info = {.samplerate = 16000, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
  if (!read_npy(arena, from, count, &t)) return 1;
  float *x = ARENA_ARRAY(arena, float, count + 1);
  for (int64_t k = 0; k < count; k++)
    x[k] = (float)tensor_get(&t, k);
  SNDFILE *out = sf_open(to, SFM_WRITE, &info);
  bool ok = out && sf_writef_float(out, x, count) == count;
  if (!ok) fprintf(stderr, "%s: %s\n", to, sf_strerror(out));
  return sf_close(out) != 0 || !ok;
}

static int compare(Arena *arena, const char *found, int64_t count, const char *wanted, int64_t n,
                   int64_t late, double most) {
  Tensor t;
  SF_INFO info = {0};
  SNDFILE *in = sf_open(found, SFM_READ, &info);
  if (!read_npy(arena, wanted, n + late, &t)) return 1;
  if (!in || info.channels != 1 || info.samplerate != 16000 || info.frames != count) {
    fprintf(stderr,
            "%s: %s, %d channels at %d Hz, %lld samples; wanted 1 at 16000 Hz, %lld samples\n",
            found, sf_strerror(in), info.channels, info.samplerate, (long long)info.frames,
            (long long)count);
    return 1;
  }
  float *x = ARENA_ARRAY(arena, float, count + 1);
  bool ok = sf_readf_float(in, x, count) == count;
  double error = 0, loudest = 0;
  for (int64_t k = 0; k < count; k++) {
    double y = k < n ? tensor_get(&t, k + late) : 0, distance = k < n ? fabs((double)x[k] - y) : 0;
    error = distance > error || isnan(distance) ? distance : error;
    loudest = fmax(loudest, fabs(y));
    ok &= fabsf(x[k]) <= 1; /* false of NaN */
  }
  sf_close(in);
  ok &= error <= most && (loudest > 0 || n == 0);
  printf("%lld samples, %lld compared, up to %.2f, largest difference %.1e (at most %.0e): %s\n",
         (long long)count, (long long)n, loudest, error, most, ok ? "ok" : "DIFFERENT");
  return !ok;
}

/* samples * times / by of a mono sound, at a rate that follows. */
static int rate_change(Arena *arena, const char *from, const char *to, int times, int by) {
  SF_INFO info = {0};
  SNDFILE *in = sf_open(from, SFM_READ, &info);
  if (!in || info.channels != 1) {
    fprintf(stderr, "%s: %s, or not mono\n", from, sf_strerror(in));
    return 1;
  }
  int64_t n = info.frames, n_out = n * times / by;
  float *x = ARENA_ARRAY(arena, float, n + 1), *y = ARENA_ARRAY(arena, float, n_out + 1);
  bool ok = sf_readf_float(in, x, n) == n;
  x[n] = 0;
  for (int64_t k = 0; k < n_out; k++) {
    int64_t at = k * by / times, rest = k * by % times;
    y[k] = x[at] + (x[at + 1] - x[at]) * (float)rest / (float)times;
  }
  sf_close(in);
  info.samplerate = info.samplerate * times / by;
  SNDFILE *out = sf_open(to, SFM_WRITE, &info);
  ok = ok && out && sf_writef_float(out, y, n_out) == n_out;
  if (!ok) fprintf(stderr, "%s: %s\n", to, sf_strerror(out));
  return sf_close(out) != 0 || !ok;
}

static int run(Arena *arena, int argc, char **argv) {
  if (argc == 5 && strcmp(argv[1], "make") == 0)
    return make(arena, argv[2], atoll(argv[3]), argv[4]);
  if (argc == 8 && strcmp(argv[1], "compare") == 0)
    return compare(arena, argv[2], atoll(argv[3]), argv[4], atoll(argv[5]), atoll(argv[6]),
                   atof(argv[7]));
  if (argc == 4 && strcmp(argv[1], "triple") == 0)
    return rate_change(arena, argv[2], argv[3], 3, 1);
  if (argc == 4 && strcmp(argv[1], "third") == 0) return rate_change(arena, argv[2], argv[3], 1, 3);
  return 2;
}

int main(int argc, char **argv) {
  jmp_buf oom;
  if (setjmp(oom)) return 3;
  Arena *arena = arena_new(&oom);
  int status = run(arena, argc, argv);
  arena_free(arena);
  return status;
}
