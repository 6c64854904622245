/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as what the command line says of a model of another framework: a fixture is imported
 * with it, or refused. The first byte chooses the fixture; then lines, each a letter and a text, to
 * an empty one; the rest is the file of --config. */
#include "../import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_TEXTS = 8, LARGEST = 1 << 16, FIXTURES = 5 };

static const char *const fixture[FIXTURES] = {
    "onnx/fixtures/gru_after.onnx", "graph/tflite/fixtures/arithmetic.tflite",
    "keras/fixtures/activations.keras", "onnx/fixtures/conv.onnx",
    "graph/tflite/fixtures/batch_matmul.tflite"};
static struct {
  uint8_t *bytes;
  size_t n;
} file[FIXTURES];

static void read_fixtures(void) {
  for (int i = 0; i < FIXTURES && !file[FIXTURES - 1].bytes; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", GRUS_CONFORMANCE, fixture[i]);
    FILE *in = fopen(path, "rb");
    file[i].bytes = malloc(LARGEST);
    if (!in || !file[i].bytes) abort();
    file[i].n = fread(file[i].bytes, 1, LARGEST, in);
    fclose(in);
  }
}

/* The options of the lines; what follows them. */
static const char *options_of(Arena *arena, char *text, ImportOptions *options) {
  const char **state = ARENA_ARRAY(arena, const char *, MOST_TEXTS),
             **set = ARENA_ARRAY(arena, const char *, MOST_TEXTS);
  char *line = text, *end;
  for (; *line && *line != '\n'; line = end) {
    end = strchr(line, '\n');
    if (end)
      *end++ = 0;
    else
      end = line + strlen(line);
    const char *value = *line ? line + 1 : line;
    if (*line == 't') options->time = value;
    if (*line == 'i') options->input = value;
    if (*line == 'g') options->signature = value;
    if (*line == 'S') options->stream = true;
    if (*line == 's' && options->n_states < MOST_TEXTS) state[options->n_states++] = value;
    if (*line == 'x' && options->n_sets < MOST_TEXTS) set[options->n_sets++] = value;
  }
  options->state = state;
  options->set = set;
  return *line == '\n' ? line + 1 : NULL;
}

/* The file of --config: one that is written anew each time. */
static const char *config_of(const char *text) {
  static char path[64];
  static FILE *out;
  if (!out) {
    out = tmpfile();
    if (!out) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(out));
  }
  rewind(out);
  if (ftruncate(fileno(out), 0) != 0) abort();
  fputs(text, out);
  fflush(out);
  return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void import(Arena *arena, const uint8_t *data, size_t size) {
  Sources sources = {.arena = arena};
  Diags *diags = diags_new(arena, &sources);
  int which = data[0] % FIXTURES;
  ForeignFile foreign_file = {
      .arena = arena, .path = "fuzz", .data = {file[which].bytes, file[which].n}};
  ImportOptions options = {0};
  const char *config =
      options_of(arena, arena_strndup(arena, (const char *)data + 1, size - 1), &options);
  if (config && *config) options.config = config_of(config);
  Foreign *foreign = foreign_import(&foreign_file, &options, diags);
  if (!foreign && !diags->n_errors) __builtin_trap(); /* refused without a word */
  fuzz_print(arena, foreign);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  read_fixtures();
  return size ? fuzz_in_arena(import, data, size) : 0;
}
