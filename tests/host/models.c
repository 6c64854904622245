/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Models written by hand, as generated code would describe them: `models NAME [ARG]...` runs one.
 *
 *   total    whole     x f32[time 4, channel 3], site index(3), gain f32[2] -> sum f32[3], twice
 * f32[time 4, 3] planar   whole, batch 2   x f32[axis 2, time 3] -> y f32[axis 2, time 3] = x + 1,
 * peak f32 words    bounded   words index(300)[time n <= 5], caps f32[time n, 2] -> mean f32, tags
 * index(7)[time n] clean    stream    frame f32[time .. @ 100 Hz, band 2], start h f32[2] -> gain:
 * sums of two frames audio    stream    pcm f32[time .. @ 16000 Hz, 1] -> half (160 a call), level
 * (1 a call) voice    stream    pcm i16[time .. @ 8000 Hz, 1] -> out i16 pair     stream    a
 * f32[time .., 1], b f32[time .., 1], k f32 -> s = a + k b fall     window    accel f32[time 4 @ 50
 * Hz, axis 2] every 2 -> energy f32
 *   pairs    bounded, batch 2   x f32[time n <= 7, 2] -> y f32[time <= 3, 3] */
#include "grus_host.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const GrusAxis time4_channel3[] = {{4, NULL}, {3, "channel"}};
static const GrusAxis three[] = {{3, NULL}}, two[] = {{2, NULL}},
                      time4_3[] = {{4, NULL}, {3, NULL}};

/* total: sum[c] = gain[0] * sum over time of x + gain[1] * site */
static int total_run(const size_t *lengths, const void *const *in, void *const *out) {
  const float(*x)[3] = (const float(*)[3])in[0];
  const uint8_t *site = in[1];
  const float *gain = in[2];
  float *sum = out[0], *twice = out[1];
  (void)lengths;
  for (int c = 0; c < 3; c++)
    sum[c] = gain[1] * (float)*site;
  for (int t = 0; t < 4; t++)
    for (int c = 0; c < 3; c++) {
      sum[c] += gain[0] * x[t][c];
      twice[t * 3 + c] = 2 * x[t][c];
    }
  return GRUS_OK;
}

static const GrusPort total_ports[] = {
    {"x", "one gesture\nrecorded at rest", GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 2, time4_channel3, 0,
     GRUS_TIME_FIXED, -1, 1, 0, 0, 0, 0},
    {"site", "facility 0, 1 or 2", GRUS_ROLE_IN, GRUS_ELEM_U8, 3, 0, NULL, -1, GRUS_TIME_NONE, -1,
     1, 0, 0, 0, 0},
    {"gain", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 1, two, -1, GRUS_TIME_NONE, -1, 1, 0, 0, 0, 0},
    {"sum", "per channel", GRUS_ROLE_OUT, GRUS_ELEM_F32, 0, 1, three, -1, GRUS_TIME_NONE, -1, 1, 0,
     0, 0, 0},
    {"twice", NULL, GRUS_ROLE_OUT, GRUS_ELEM_F32, 0, 2, time4_3, 0, GRUS_TIME_FIXED, -1, 1, 0, 0, 0,
     0},
};
static const GrusProgram total = {GRUS_HOST_ABI,
                                  GRUS_KIND_RUN,
                                  "total",
                                  "Sums over time.",
                                  "grus 0.0",
                                  1,
                                  total_ports,
                                  COUNT(total_ports),
                                  NULL,
                                  0,
                                  0,
                                  1,
                                  total_run,
                                  NULL,
                                  NULL,
                                  NULL};

static const GrusAxis axis2_time3[] = {{2, "axis"}, {3, NULL}};

static int planar_run(const size_t *lengths, const void *const *in, void *const *out) {
  const float *x = in[0];
  float *y = out[0], *peak = out[1];
  (void)lengths;
  for (int b = 0; b < 2; b++) {
    peak[b] = x[b * 6];
    for (int i = 0; i < 6; i++) {
      y[b * 6 + i] = x[b * 6 + i] + 1;
      if (x[b * 6 + i] > peak[b]) peak[b] = x[b * 6 + i];
    }
  }
  return GRUS_OK;
}

static const GrusPort planar_ports[] = {
    {"x", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 2, axis2_time3, 1, GRUS_TIME_FIXED, -1, 1, 0, 0, 0,
     0},
    {"y", NULL, GRUS_ROLE_OUT, GRUS_ELEM_F32, 0, 2, axis2_time3, 1, GRUS_TIME_FIXED, -1, 1, 0, 0, 0,
     0},
    {"peak", NULL, GRUS_ROLE_OUT, GRUS_ELEM_F32, 0, 0, NULL, -1, GRUS_TIME_NONE, -1, 1, 0, 0, 0, 0},
};
static const GrusProgram planar = {GRUS_HOST_ABI,
                                   GRUS_KIND_RUN,
                                   "planar",
                                   NULL,
                                   "grus 0.0",
                                   2,
                                   planar_ports,
                                   COUNT(planar_ports),
                                   NULL,
                                   0,
                                   0,
                                   1,
                                   planar_run,
                                   NULL,
                                   NULL,
                                   NULL};

static const GrusAxis time5[] = {{5, NULL}}, time5_2[] = {{5, NULL}, {2, "cap"}};
static const GrusLength words_lengths[] = {{"n", 5}};

static int words_run(const size_t *lengths, const void *const *in, void *const *out) {
  const uint16_t *words = in[0];
  const float *caps = in[1];
  float *mean = out[0];
  uint8_t *tags = out[1];
  size_t n = lengths[0];
  if (n < 1 || n > 5) return GRUS_BAD_LENGTH;
  *mean = 0;
  memset(tags, 0, 5);
  for (size_t t = 0; t < n; t++) {
    *mean += ((float)words[t] + caps[2 * t] + caps[2 * t + 1]) / (float)n;
    tags[t] = (uint8_t)(words[t] % 7);
  }
  return GRUS_OK;
}

static const GrusPort words_ports[] = {
    {"words", NULL, GRUS_ROLE_IN, GRUS_ELEM_U16, 300, 1, time5, 0, GRUS_TIME_BOUNDED, 0, 1, 0, 0, 0,
     0},
    {"caps", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 2, time5_2, 0, GRUS_TIME_BOUNDED, 0, 1, 0, 0, 0,
     0},
    {"mean", NULL, GRUS_ROLE_OUT, GRUS_ELEM_F32, 0, 0, NULL, -1, GRUS_TIME_NONE, -1, 1, 0, 0, 0, 0},
    {"tags", NULL, GRUS_ROLE_OUT, GRUS_ELEM_U8, 7, 1, time5, 0, GRUS_TIME_BOUNDED, 0, 1, 0, 0, 0,
     0},
};
static const GrusProgram words = {GRUS_HOST_ABI,
                                  GRUS_KIND_RUN,
                                  "words",
                                  NULL,
                                  "grus 0.0",
                                  1,
                                  words_ports,
                                  COUNT(words_ports),
                                  words_lengths,
                                  1,
                                  0,
                                  1,
                                  words_run,
                                  NULL,
                                  NULL,
                                  NULL};

/* pairs: the sums of steps 0..2, 2..4, 4..6 of up to 7 and of both of those; two samples a run */
static const GrusAxis time7_2[] = {{7, NULL}, {2, NULL}}, time3_3[] = {{3, NULL}, {3, NULL}};
static const GrusLength pairs_lengths[] = {{"n", 7}};

static int pairs_run(const size_t *lengths, const void *const *in, void *const *out) {
  const float *x = in[0];
  float *y = out[0];
  for (int b = 0; b < 2; b++)
    if (lengths[b] < 3 || lengths[b] > 7) return GRUS_BAD_LENGTH;
  for (size_t b = 0; b < 2; b++)
    for (size_t t = 0; t < (lengths[b] - 3) / 2 + 1; t++) {
      const float *from = x + b * 14 + t * 4;
      float *to = y + b * 9 + t * 3;
      to[0] = from[0] + from[2] + from[4];
      to[1] = from[1] + from[3] + from[5];
      to[2] = to[0] + to[1];
    }
  return GRUS_OK;
}

static const GrusPort pairs_ports[] = {
    {"x", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 2, time7_2, 0, GRUS_TIME_BOUNDED, 0, 1, 0, 0, 0, 0},
    {"y", NULL, GRUS_ROLE_OUT, GRUS_ELEM_F32, 0, 2, time3_3, 0, GRUS_TIME_BOUNDED, 0, 1, 0, 0, 3,
     2},
};
static const GrusProgram pairs = {GRUS_HOST_ABI,
                                  GRUS_KIND_RUN,
                                  "pairs",
                                  NULL,
                                  "grus 0.0",
                                  2,
                                  pairs_ports,
                                  COUNT(pairs_ports),
                                  pairs_lengths,
                                  1,
                                  0,
                                  1,
                                  pairs_run,
                                  NULL,
                                  NULL,
                                  NULL};

static const GrusAxis step_band2[] = {{1, NULL}, {2, "band"}};

typedef struct CleanState {
  float h[2];
} CleanState;

static int clean_reset(void *state, const void *const *init) {
  memcpy(((CleanState *)state)->h, init[0], sizeof(float[2]));
  return GRUS_OK;
}

static int clean_step(void *state, const void *const *in, void *const *out) {
  CleanState *s = state;
  const float *frame = in[0];
  float *gain = out[0];
  for (int i = 0; i < 2; i++) {
    gain[i] = s->h[i] + frame[i];
    s->h[i] = frame[i];
  }
  return GRUS_OK;
}

static const GrusPort clean_ports[] = {
    {"frame", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 2, step_band2, 0, GRUS_TIME_STREAM, -1, 1, 0,
     100, 0, 0},
    {"h", NULL, GRUS_ROLE_INIT, GRUS_ELEM_F32, 0, 1, two, -1, GRUS_TIME_NONE, -1, 1, 0, 0, 0, 0},
    {"gain", NULL, GRUS_ROLE_OUT, GRUS_ELEM_F32, 0, 2, step_band2, 0, GRUS_TIME_STREAM, -1, 1, 0,
     100, 0, 0},
};
static const GrusProgram clean = {GRUS_HOST_ABI,
                                  GRUS_KIND_STREAM,
                                  "clean",
                                  "Sum of two neighbouring frames.",
                                  "grus 0.0",
                                  1,
                                  clean_ports,
                                  COUNT(clean_ports),
                                  NULL,
                                  0,
                                  sizeof(CleanState),
                                  4,
                                  NULL,
                                  clean_reset,
                                  clean_step,
                                  NULL};

static const GrusAxis step160_1[] = {{160, NULL}, {1, NULL}}, step1_1[] = {{1, NULL}, {1, NULL}};

static int audio_reset(void *state, const void *const *init) {
  (void)init;
  *(int *)state = 0;
  return GRUS_OK;
}

/* The first call fills history: no output. */
static int audio_step(void *state, const void *const *in, void *const *out) {
  const float *pcm = in[0];
  float *half = out[0], *level = out[1];
  if ((*(int *)state)++ == 0) return GRUS_NO_OUTPUT;
  *level = 0;
  for (int i = 0; i < 160; i++) {
    half[i] = pcm[i] / 2;
    *level += pcm[i] * pcm[i] / 160;
  }
  return GRUS_OK;
}

static const GrusPort audio_ports[] = {
    {"pcm", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 2, step160_1, 0, GRUS_TIME_STREAM, -1, 1, 0,
     16000, 0, 0},
    {"half", NULL, GRUS_ROLE_OUT, GRUS_ELEM_F32, 0, 2, step160_1, 0, GRUS_TIME_STREAM, -1, 1, 0,
     16000, 0, 0},
    {"level", NULL, GRUS_ROLE_OUT, GRUS_ELEM_F32, 0, 2, step1_1, 0, GRUS_TIME_STREAM, -1, 160, 0,
     100, 0, 0},
};
static const GrusProgram audio = {
    GRUS_HOST_ABI, GRUS_KIND_STREAM,   "audio",    NULL, "grus 0.0",  1,
    audio_ports,   COUNT(audio_ports), NULL,       0,    sizeof(int), 4,
    NULL,          audio_reset,        audio_step, NULL};

static int voice_step(void *state, const void *const *in, void *const *out) {
  (void)state;
  *(int16_t *)out[0] = *(const int16_t *)in[0];
  return GRUS_OK;
}

static const GrusPort voice_ports[] = {
    {"pcm", NULL, GRUS_ROLE_IN, GRUS_ELEM_I16, 0, 2, step1_1, 0, GRUS_TIME_STREAM, -1, 1, 0, 8000,
     0, 0},
    {"out", NULL, GRUS_ROLE_OUT, GRUS_ELEM_I16, 0, 2, step1_1, 0, GRUS_TIME_STREAM, -1, 1, 0, 8000,
     0, 0},
};
static const GrusProgram voice = {
    GRUS_HOST_ABI, GRUS_KIND_STREAM,   "voice",    NULL, "grus 0.0",  1,
    voice_ports,   COUNT(voice_ports), NULL,       0,    sizeof(int), 4,
    NULL,          audio_reset,        voice_step, NULL};

static int pair_step(void *state, const void *const *in, void *const *out) {
  (void)state;
  *(float *)out[0] = *(const float *)in[0] + *(const float *)in[2] * *(const float *)in[1];
  return GRUS_OK;
}

static const GrusPort pair_ports[] = {
    {"a", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 2, step1_1, 0, GRUS_TIME_STREAM, -1, 1, 0, 0, 0, 0},
    {"b", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 2, step1_1, 0, GRUS_TIME_STREAM, -1, 1, 0, 0, 0, 0},
    {"k", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 0, NULL, -1, GRUS_TIME_NONE, -1, 1, 0, 0, 0, 0},
    {"s", NULL, GRUS_ROLE_OUT, GRUS_ELEM_F32, 0, 2, step1_1, 0, GRUS_TIME_STREAM, -1, 1, 0, 0, 0,
     0},
};
static const GrusProgram pair = {GRUS_HOST_ABI, GRUS_KIND_STREAM,  "pair",    NULL, "grus 0.0",  1,
                                 pair_ports,    COUNT(pair_ports), NULL,      0,    sizeof(int), 4,
                                 NULL,          audio_reset,       pair_step, NULL};

static const GrusAxis window4_axis2[] = {{4, NULL}, {2, "axis"}};

typedef struct FallWindow {
  float ring[4];
  unsigned filled, since;
} FallWindow;

static int fall_reset(void *window, const void *const *init) {
  (void)init;
  memset(window, 0, sizeof(FallWindow));
  return GRUS_OK;
}

static int fall_push(void *window, const void *const *in, void *const *out) {
  FallWindow *w = window;
  const float *accel = in[0];
  w->ring[w->filled++ % 4] = accel[0] * accel[0] + accel[1] * accel[1];
  if (w->filled < 4 || (w->filled - 4) % 2) return GRUS_NO_OUTPUT;
  *(float *)out[0] = w->ring[0] + w->ring[1] + w->ring[2] + w->ring[3];
  return GRUS_OK;
}

static const GrusPort fall_ports[] = {
    {"accel", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 2, window4_axis2, 0, GRUS_TIME_WINDOW, -1, 1, 2,
     50, 0, 0},
    {"energy", NULL, GRUS_ROLE_OUT, GRUS_ELEM_F32, 0, 0, NULL, -1, GRUS_TIME_NONE, -1, 1, 0, 0, 0,
     0},
};
static const GrusProgram fall = {
    GRUS_HOST_ABI, GRUS_KIND_WINDOW,  "fall", NULL,     "grus 0.0",         1,
    fall_ports,    COUNT(fall_ports), NULL,   0,        sizeof(FallWindow), 4,
    NULL,          fall_reset,        NULL,   fall_push};

int main(int argc, char **argv) {
  static const GrusProgram *const programs[] = {&total, &planar, &words, &clean, &audio,
                                                &voice, &pair,   &fall,  &pairs};
  for (size_t i = 0; argc > 1 && i < COUNT(programs); i++)
    if (strcmp(argv[1], programs[i]->name) == 0) return grus_main(programs[i], argc - 1, argv + 1);
  fprintf(stderr, "usage: %s NAME [ARG]...\n", argv[0]);
  return 2;
}
