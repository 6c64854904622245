/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The entry points: reads the command line, sets up messages and signals, and runs one of the
 * loops. */
#include "host_posix.h"

#include "host_options.h"
#include "host_run.h"
#include "host_signal.h"
#include "host_system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool main_on_terminal(FILE *file) {
  int fd = fileno(file);
  return fd >= 0 && host_system_is_terminal(fd);
}

static bool main_colour(HostWhen when, FILE *err) {
  if (when != HOST_AUTO) return when == HOST_ALWAYS;
  const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
  return !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0) && main_on_terminal(err);
}

/* The value of --color, wherever it is, because the first message already needs it. */
static HostWhen main_early_colour(int argc, char **argv) {
  HostWhen when = HOST_AUTO;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--") == 0) break;
    if (strcmp(argv[i], "--color=always") == 0) when = HOST_ALWAYS;
    if (strcmp(argv[i], "--color=never") == 0) when = HOST_NEVER;
  }
  return when;
}

static int main_flush_text(const HostLog *log) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return GRUS_EXIT_OK;
  int failure = errno;
  clearerr(stdout);
  return host_error(log, GRUS_EXIT_FILE, "standard output: cannot write: %s", strerror(failure));
}

static int main_dispatch(const GrusProgram *program, HostLog *log, const char *name,
                         const HostOptions *options) {
  log->quiet = options->quiet;
  log->colour = main_colour(options->colour, log->err);
  if (options->help) {
    host_help(program, name, stdout);
    return main_flush_text(log);
  }
  if (options->version) {
    printf("%s, compiled by %s\n", program->name, program->compiler);
    return main_flush_text(log);
  }
  bool progress = options->progress == HOST_ALWAYS ||
                  (options->progress == HOST_AUTO && main_on_terminal(log->err));
  progress = progress && !options->quiet;
  if (program->kind == GRUS_KIND_RUN) return host_run_whole(program, log, options, progress);
  if (program->batch == 1) return host_run_stream(program, log, options, progress);
  host_error(log, GRUS_EXIT_USAGE, "`%s` was built for %zu streams at a time; a program runs one",
             program->name, program->batch);
  host_detail(log, "try", "building without --batch");
  return GRUS_EXIT_USAGE;
}

static int main_run(const GrusProgram *program, int argc, char **argv, FILE *err,
                    bool finite_only) {
  const char *name = argc > 0 && argv[0] && *argv[0] ? argv[0] : program->name;
  const char *slash = strrchr(name, '/');
  HostLog log = {err, slash && slash[1] ? slash + 1 : name, false, false};
  log.colour = main_colour(main_early_colour(argc, argv), err);
  if (program->abi != GRUS_HOST_ABI)
    return host_error(&log, GRUS_EXIT_USAGE, "model code of interface %u, this runtime has %d",
                      (unsigned)program->abi, GRUS_HOST_ABI);
  HostOptions options;
  memset(&options, 0, sizeof options);
  options.wav_bits = -1;
  options.finite_only = finite_only;
  options.values = calloc(program->port_count + 1, sizeof *options.values);
  options.lengths = calloc(program->length_count + 1, sizeof *options.lengths);
  int status;
  if (!options.values || !options.lengths) {
    status = host_error(&log, GRUS_EXIT_FILE, "not enough memory");
  } else {
    host_signal_install();
    status = host_options_parse(program, &log, argc, argv, &options);
    if (!status) status = main_dispatch(program, &log, name, &options);
    host_signal_restore();
  }
  free(options.values);
  free(options.lengths);
  return status;
}

int grus_host_run(const GrusProgram *program, int argc, char **argv, FILE *err) {
  return main_run(program, argc, argv, err, false);
}

int grus_host_run_finite(const GrusProgram *program, int argc, char **argv, FILE *err) {
  return main_run(program, argc, argv, err, true);
}

int grus_main(const GrusProgram *program, int argc, char **argv) {
  host_system_begin(argc, argv);
  int status = grus_host_run(program, argc, argv, stderr);
  if (status <= 128) return status;
  /* End by the signal, as if it had not been caught, so that a shell sees it. */
  host_system_die(status - 128);
  return status;
}
