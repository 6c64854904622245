/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* segments: where somebody speaks in a sound, as text and as a picture.
 *
 *   cc -O2 -I../denoiser -o segments segments.c
 *   ./segments people.wav speech.csv [picture.svg]
 *
 * In: a mono .wav file, and the probability of speech of each of its steps, one a line; step k is
 * the SIZE samples from k * HOP on. Out: the beginning and end of each segment in seconds, one
 * segment a line. A segment begins with a step of at least BEGIN and ends where QUIET steps in a
 * row are below END. The picture shows the waveform over the probability, segments in green. */
#include "wav.h"

enum { SIZE = 512, HOP = 256, QUIET = 12 };
static const double BEGIN = 0.5, END = 0.35;

typedef struct Segment {
  size_t first, end; /* steps */
} Segment;

typedef struct Activity {
  double *speech; /* probabilities */
  size_t steps;
  Segment *segments;
  size_t count;
} Activity;

static void *grow(void *memory, size_t count, size_t size) {
  void *grown = realloc(memory, count * size);
  if (!grown) {
    fprintf(stderr, "segments: out of memory\n");
    exit(1);
  }
  return grown;
}

/* A first line that is no number is a heading. */
static void activity_read(Activity *a, const char *path) {
  char line[64], *end;
  size_t capacity = 0;
  FILE *file = fopen(path, "r");
  if (!file) wav_fail(path, "cannot be opened");
  for (int heading = 1; fgets(line, sizeof line, file); heading = 0) {
    double p = strtod(line, &end);
    if (end == line && heading) continue;
    if (end == line || !(p >= 0 && p <= 1)) wav_fail(path, "holds a line that is no probability");
    if (a->steps == capacity) {
      capacity = capacity ? 2 * capacity : 1024;
      a->speech = (double *)grow(a->speech, capacity, sizeof *a->speech);
    }
    a->speech[a->steps++] = p;
  }
  fclose(file);
  if (a->steps == 0) wav_fail(path, "holds no probabilities");
}

static void activity_split(Activity *a) {
  size_t first = 0, last = 0; /* the last step that was not below END */
  int inside = 0;
  for (size_t k = 0; k < a->steps; k++) {
    if (!inside && a->speech[k] >= BEGIN) {
      inside = 1;
      first = k;
    }
    if (a->speech[k] >= END) last = k;
    if (inside && (k - last >= QUIET || k + 1 == a->steps)) {
      a->segments = (Segment *)grow(a->segments, a->count + 1, sizeof *a->segments);
      a->segments[a->count].first = first;
      a->segments[a->count++].end = last + 1;
      inside = 0;
    }
  }
}

static double seconds_of(size_t step, const Wav *wav) {
  return (double)step * HOP / wav->rate;
}

static double seconds_end(size_t end, const Wav *wav) {
  return (double)((end - 1) * HOP + SIZE) / wav->rate;
}

/* ---- the picture, in units of a pixel ---- */

enum { WIDTH = 1000, LEFT = 44, TOP = 12, WAVE = 150, GAP = 16, CURVE = 90, BOTTOM = 28 };
enum { CURVE_TOP = TOP + WAVE + GAP, FLOOR = CURVE_TOP + CURVE, HEIGHT = FLOOR + BOTTOM };

static double x_of(double seconds, const Wav *wav) {
  return LEFT + seconds * wav->rate / (double)wav->count * (WIDTH - LEFT - TOP);
}

/* The least and the largest sample of each column, as one closed outline. */
static void wave_draw(FILE *out, const Wav *wav) {
  enum { COLUMNS = WIDTH - LEFT - TOP };
  double low[COLUMNS], high[COLUMNS], loudest = 1e-6;
  for (size_t i = 0; i < wav->count; i++) {
    double size = wav->samples[i] < 0 ? -wav->samples[i] : wav->samples[i];
    if (size > loudest) loudest = size;
  }
  for (size_t c = 0; c < COLUMNS; c++) {
    size_t from = c * wav->count / COLUMNS, to = (c + 1) * wav->count / COLUMNS;
    low[c] = high[c] = wav->samples[from];
    for (size_t i = from; i < to; i++) {
      if (wav->samples[i] < low[c]) low[c] = wav->samples[i];
      if (wav->samples[i] > high[c]) high[c] = wav->samples[i];
    }
  }
  fputs("<path fill=\"#456\" d=\"", out);
  for (int c = 0; c < COLUMNS; c++)
    fprintf(out, "%c%d %.1f", c ? 'L' : 'M', LEFT + c, TOP + WAVE / 2.0 * (1 - high[c] / loudest));
  for (int c = COLUMNS - 1; c >= 0; c--)
    fprintf(out, "L%d %.1f", LEFT + c, TOP + WAVE / 2.0 * (1 - low[c] / loudest) + 0.5);
  fputs("Z\"/>\n", out);
}

static void curve_draw(FILE *out, const Activity *a, const Wav *wav) {
  fputs("<path fill=\"none\" stroke=\"#07a\" stroke-width=\"1.5\" d=\"", out);
  for (size_t k = 0; k < a->steps; k++)
    fprintf(out, "%c%.1f %.1f", k ? 'L' : 'M',
            x_of(seconds_of(k, wav) + SIZE / 2.0 / wav->rate, wav), FLOOR - CURVE * a->speech[k]);
  fputs("\"/>\n", out);
}

static void axes_draw(FILE *out, const Wav *wav) {
  for (int i = 0; i <= 2; i++) {
    int y = FLOOR - i * CURVE / 2;
    fprintf(out, "<path stroke=\"#bbb\" d=\"M%d %dH%d\"/>\n", LEFT, y, WIDTH - TOP);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%g</text>\n", LEFT - 6, y + 4,
            i / 2.0);
  }
  double seconds = (double)wav->count / wav->rate;
  int step = seconds > 60 ? (int)(seconds / 20) : seconds > 20 ? 2 : 1;
  for (int s = 0; s <= (int)seconds; s += step)
    fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d s</text>\n", x_of(s, wav),
            HEIGHT - 10, s);
}

static void picture_write(const char *path, const Activity *a, const Wav *wav) {
  FILE *out = fopen(path, "w");
  if (!out) wav_fail(path, "cannot be written");
  fprintf(out,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
          "height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n"
          "<title>Voice activity: waveform and probability of speech</title>\n"
          "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
          WIDTH, HEIGHT, WIDTH, HEIGHT);
  for (size_t i = 0; i < a->count; i++) {
    double from = x_of(seconds_of(a->segments[i].first, wav), wav);
    double to = x_of(seconds_end(a->segments[i].end, wav), wav);
    fprintf(out, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"#cec\"/>\n", from,
            TOP, to - from, FLOOR - TOP);
  }
  wave_draw(out, wav);
  axes_draw(out, wav);
  curve_draw(out, a, wav);
  fputs("</svg>\n", out);
  int failed = ferror(out);
  if (fclose(out) || failed) wav_fail(path, "cannot be written");
}

int main(int argc, char **argv) {
  Activity a = {NULL, 0, NULL, 0};
  if (argc != 3 && argc != 4) {
    fprintf(stderr, "use: %s sound.wav speech.csv [picture.svg]\n", argv[0]);
    return 2;
  }
  Wav wav = wav_read(argv[1]);
  activity_read(&a, argv[2]);
  if ((a.steps - 1) * HOP + SIZE > wav.count) wav_fail(argv[2], "has more steps than the sound");
  activity_split(&a);
  for (size_t i = 0; i < a.count; i++)
    printf("%7.2f s to %7.2f s\n", seconds_of(a.segments[i].first, &wav),
           seconds_end(a.segments[i].end, &wav));
  if (argc == 4) picture_write(argv[3], &a, &wav);
  free(a.speech);
  free(a.segments);
  free(wav.samples);
  return 0;
}
