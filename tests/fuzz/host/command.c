/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes, a word a line, as the command line of a program: refused with a message and one of the
 * documented exit codes, or options that name every input. Nothing is opened. */
#include "host_posix.h"

#include "host_options.h"

#include <stdlib.h>
#include <string.h>

static const GrusAxis time5_2[] = {{5, NULL}, {2, "ch"}}, plain3[] = {{3, NULL}};
static const GrusLength lengths[] = {{"n", 5}};
static const GrusPort ports[] = {
    {"x", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 2, time5_2, 0, GRUS_TIME_BOUNDED, 0, 1, 0, 16000, 0,
     0},
    {"site", NULL, GRUS_ROLE_IN, GRUS_ELEM_U8, 3, 0, NULL, -1, GRUS_TIME_NONE, -1, 1, 0, 0, 0, 0},
    {"h0", NULL, GRUS_ROLE_INIT, GRUS_ELEM_F32, 0, 1, plain3, -1, GRUS_TIME_NONE, -1, 1, 0, 0, 0,
     0},
    {"y", NULL, GRUS_ROLE_OUT, GRUS_ELEM_F32, 0, 1, plain3, -1, GRUS_TIME_NONE, -1, 1, 0, 0, 0, 0},
};
enum { PORTS = sizeof ports / sizeof *ports, MOST_WORDS = 64 };

static void check(bool holds) {
  if (!holds) abort();
}

/* The words of text, which is cut up. */
static int split(char *text, char **argv) {
  static char name[] = "program";
  int n = 0;
  argv[n++] = name;
  for (char *word = text, *end; n < MOST_WORDS - 1 && *word; word = end) {
    end = strchr(word, '\n');
    if (end)
      *end++ = 0;
    else
      end = word + strlen(word);
    argv[n++] = word;
  }
  argv[n] = NULL;
  return n;
}

static void parse(const GrusProgram *program, const HostLog *log, int argc, char **argv) {
  const char *values[PORTS + 1] = {0}, *counts[2] = {0};
  HostOptions options;
  memset(&options, 0, sizeof options);
  options.wav_bits = -1;
  options.values = values;
  options.lengths = counts;
  int status = host_options_parse(program, log, argc, argv, &options);
  check(status == GRUS_EXIT_OK || status == GRUS_EXIT_USAGE || status == GRUS_EXIT_FILE);
  for (int i = 0; i < PORTS && !status && !options.help && !options.version; i++)
    check(values[i] != NULL || ports[i].role != GRUS_ROLE_IN);
  for (int i = 0; i < PORTS; i++)
    if (values[i]) host_is_numbers(values[i]);
  for (int i = 1; i < argc; i++)
    host_option_words(argv[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static FILE *nowhere;
  if (!nowhere) nowhere = fopen("/dev/null", "w");
  if (!nowhere) abort();
  const HostLog log = {nowhere, "fuzz", false, false};
  for (int kind = GRUS_KIND_RUN; kind <= GRUS_KIND_WINDOW; kind++) {
    GrusProgram program = {GRUS_HOST_ABI, (GrusKind)kind, "fuzz",  NULL, "", 1,
                           ports,         PORTS,          lengths, 1,    0,  1,
                           NULL,          NULL,           NULL,    NULL};
    char *text = malloc(size + 1), *argv[MOST_WORDS];
    if (!text) abort();
    memcpy(text, data, size);
    text[size] = 0;
    parse(&program, &log, split(text, argv), argv);
    free(text);
  }
  return 0;
}
