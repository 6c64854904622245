/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The values of options: text in, a field of Options out. */
#include "driver/option_set.h"

#include "base/names.h"
#include "model/graph/identifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool pick(const char *value, const char *const *names, int n, int *out) {
  for (int i = 0; i < n; i++)
    if (strcmp(value, names[i]) == 0) {
      *out = i;
      return true;
    }
  return false;
}

static bool parse_count(const char *value, long low, long *out) {
  char *end;
  long n = strtol(value, &end, 10);
  if (*end || end == value || n < low || n > 1000000) return false;
  *out = n;
  return true;
}

static bool parse_long(const char *value, long *out) {
  char *end;
  errno = 0;
  *out = strtol(value, &end, 10);
  return !*end && end != value && *out > 0 && errno == 0;
}

static bool is_name(const char *s) {
  size_t n = identifier_length(s);
  return n && !s[n];
}

/* "16KiB", "64k", "4096": bytes. */
static bool parse_bytes(const char *value, int64_t *out) {
  static const struct {
    const char *unit;
    int64_t factor;
  } units[] = {{"", 1},      {"B", 1},     {"k", 1024},    {"K", 1024},      {"KiB", 1024},
               {"kB", 1000}, {"KB", 1000}, {"M", 1 << 20}, {"MiB", 1 << 20}, {"MB", 1000000}};
  char *end;
  double n = strtod(value, &end);
  for (size_t i = 0; end != value && i < sizeof units / sizeof *units; i++)
    if (strcmp(end, units[i].unit) == 0 && n > 0 && n < 1e12) {
      *out = (int64_t)(n * (double)units[i].factor);
      return true;
    }
  return false;
}

static bool parse_number(const char *value, double *out) {
  char *end;
  *out = strtod(value, &end);
  return end != value && !*end && *out >= 0;
}

/* "50%": a share, more than none and less than all. */
static bool parse_share(const char *value, double *out) {
  char *end;
  *out = strtod(value, &end) / 100;
  return end != value && strcmp(end, "%") == 0 && *out > 0 && *out < 1;
}

/* "40", "40dB", "40 dB" */
static bool parse_decibels(const char *value, double *out) {
  char *end;
  *out = strtod(value, &end);
  if (end == value || !(*out >= 0) || *out > 1e6) return false;
  while (*end == ' ')
    end++;
  return !*end || strcmp(end, "dB") == 0 || strcmp(end, "db") == 0;
}

/* "argmax", "argmax:1%", "argmax:0.01" */
static bool parse_metric(const char *value, Options *o) {
  static const char word[] = "argmax";
  const char *share = value + sizeof word - 1;
  char *end;
  if (strncmp(value, word, sizeof word - 1) != 0) return false;
  o->argmax = true;
  if (!*share) return true;
  if (*share != ':') return false;
  o->argmax_share = strtod(share + 1, &end);
  if (end == share + 1) return false;
  if (*end == '%') {
    o->argmax_share /= 100;
    end++;
  }
  return !*end && o->argmax_share >= 0 && o->argmax_share <= 1;
}

static bool option_define(Arena *arena, Options *o, const char *value) {
  const char *eq = strchr(value, '=');
  if (!eq || eq == value) return false;
  Define d = {.name = arena_strndup(arena, value, (size_t)(eq - value)), .value = eq + 1};
  ARENA_PUSH(arena, o->define, o->n_defines, o->cap_defines, d);
  return true;
}

static bool lint_known(const char *name) {
  if (strncmp(name, "no-", 3) == 0) name += 3;
  if (strcmp(name, "all") == 0 || strcmp(name, "notes") == 0) return true;
  DiagCode code = diag_code_find(name);
  return code != DIAG_CODE_COUNT && diag_info[code].level == LEVEL_WARNING;
}

bool option_set(Arena *arena, Options *o, OptionId id, const char *value, const char **problem) {
  static const char *const formats[] = {"human", "short", "gcc", "json", "sarif"};
  static const char *const colors[] = {"auto", "always", "never"};
  static const char *const places[] = {"stack", "static", "caller"};
  static const char *const weight_forms[] = {"best", "numbers", "strings"};
  int choice = 0;
  switch (id) {
  case OPTION_define:
    *problem = arena_printf(arena, "-D needs NAME=VALUE, found `%s`", value);
    return option_define(arena, o, value);
  case OPTION_include:
    ARENA_PUSH(arena, o->include, o->n_includes, o->cap_includes, value);
    return true;
  case OPTION_root: o->root = value; return true;
  case OPTION_fix:
    o->fix = value ? FIXES_ASK : FIXES_APPLY;
    *problem = "--fix takes nothing or `=ask`";
    return !value || strcmp(value, "ask") == 0;
  case OPTION_check: o->check = true; return true;
  case OPTION_model: o->model = value; return true;
  case OPTION_out: o->out = value; return true;
  case OPTION_emit: o->emit = value; return true;
  case OPTION_weights: o->weights = value; return true;
  case OPTION_precision:
    *problem = arena_printf(arena, "--precision is one of %s, not `%s`", PRECISIONS, value);
    o->precision = value;
    return words_index(PRECISIONS, value) >= 0;
  case OPTION_ranges: o->ranges = value; return true;
  case OPTION_target: o->target = value; return true;
  case OPTION_cc: o->cc = value; return true;
  case OPTION_run_with: o->run_with = value; return true;
  case OPTION_dispatch: o->dispatch = true; return true;
  case OPTION_flush: o->flush = true; return true;
  case OPTION_zip: o->zip = true; return true;
  case OPTION_trace: o->trace = true; return true;
  case OPTION_selftest:
    o->selftest = true;
    o->selftest_code = value;
    return true;
  case OPTION_cpu: o->cpu = value; return true;
  case OPTION_features: o->features = value; return true;
  case OPTION_debug: o->debug = true; return true;
  case OPTION_backend:
    *problem = arena_printf(arena, "--backend is c or llvm, not `%s`", value);
    o->backend = value;
    return strcmp(value, "c") == 0 || strcmp(value, "llvm") == 0;
  case OPTION_prefix:
    *problem = arena_printf(arena, "--prefix needs a name that C can have, found `%s`", value);
    o->prefix = value;
    return is_name(value) && !name_taken_in_c(value) && strcmp(value, "grus") != 0;
  case OPTION_against: o->against = value; return true;
  case OPTION_dump_after: o->dump_after = value; return true;
  case OPTION_dep: o->dep = true; return true;
  case OPTION_dep_file: o->dep_file = value; return true;
  case OPTION_dep_target: o->dep_target = value; return true;
  case OPTION_dep_phony: o->dep_phony = true; return true;
  case OPTION_stdio: return true;
  case OPTION_json: o->json = true; return true;
  case OPTION_dot: o->dot = true; return true;
  case OPTION_html: o->html = true; return true;
  case OPTION_svg: o->svg = true; return true;
  case OPTION_optimise:
    *problem = arena_printf(arena, "-O is 0, 1, 2, 3 or s, not `%s`", value);
    o->optimise = value;
    return value[0] && strchr("0123s", value[0]) && !value[1];
  case OPTION_queue:
    *problem = arena_printf(arena, "--queue needs a number from 1 to 1000000, found `%s`", value);
    return parse_count(value, 1, &o->queue);
  case OPTION_batch:
    *problem = arena_printf(arena, "--batch needs a number from 1 to 1000000, found `%s`", value);
    return parse_count(value, 1, &o->batch);
  case OPTION_chunk:
    *problem = arena_printf(arena, "--chunk needs a number from 1 to 1000000, found `%s`", value);
    return parse_count(value, 1, &o->chunk);
  case OPTION_steps:
    *problem = arena_printf(arena, "--steps needs a number from 1 to 1000000, found `%s`", value);
    return parse_count(value, 1, &o->steps);
  case OPTION_timeout:
    *problem = arena_printf(
        arena, "--timeout needs a number of seconds from 1 to 1000000, found `%s`", value);
    return parse_count(value, 1, &o->timeout);
  case OPTION_c_arrays:
    *problem = arena_printf(arena, "--c-arrays is nested or flat, not `%s`", value);
    o->flat_arrays = strcmp(value, "flat") == 0;
    return o->flat_arrays || strcmp(value, "nested") == 0;
  case OPTION_c_weights:
    *problem = arena_printf(arena, "--c-weights is best, numbers or strings, not `%s`", value);
    return pick(value, weight_forms, 3, &o->c_weights);
  case OPTION_math:
    *problem = arena_printf(arena, "--math is accurate or fast, not `%s`", value);
    o->math_fast = strcmp(value, "fast") == 0;
    return o->math_fast || strcmp(value, "accurate") == 0;
  case OPTION_vectors:
    *problem = arena_printf(arena, "--vectors is gnu or iso, not `%s`", value);
    o->iso = strcmp(value, "iso") == 0;
    return o->iso || strcmp(value, "gnu") == 0;
  case OPTION_scratch:
    *problem = arena_printf(arena, "--scratch is stack, static or caller, not `%s`", value);
    o->scratch_given = true;
    return pick(value, places, 3, &o->scratch);
  case OPTION_max_ram:
    *problem = arena_printf(arena, "--max-ram needs a size such as 16KiB, found `%s`", value);
    return parse_bytes(value, &o->max_ram);
  case OPTION_max_flash:
    *problem = arena_printf(arena, "--max-flash needs a size such as 64KiB, found `%s`", value);
    return parse_bytes(value, &o->max_flash);
  case OPTION_max_stack:
    *problem = arena_printf(arena, "--max-stack needs a size such as 2KiB, found `%s`", value);
    return parse_bytes(value, &o->max_stack);
  case OPTION_max_cycles:
    *problem = arena_printf(arena, "--max-cycles needs a number of cycles, found `%s`", value);
    return parse_long(value, &o->max_cycles);
  case OPTION_size:
    *problem = arena_printf(arena, "--size needs a number from 0 to 1, found `%s`", value);
    o->has_size = parse_number(value, &o->size) && o->size >= 0 && o->size <= 1;
    return o->has_size;
  case OPTION_atol:
    *problem = arena_printf(arena, "--atol needs a number, found `%s`", value);
    return parse_number(value, &o->atol);
  case OPTION_rtol:
    *problem = arena_printf(arena, "--rtol needs a number, found `%s`", value);
    return parse_number(value, &o->rtol);
  case OPTION_snr:
    *problem =
        arena_printf(arena, "--snr needs a number of decibels, at least 0, found `%s`", value);
    return parse_decibels(value, &o->snr);
  case OPTION_prune:
    *problem = arena_printf(
        arena,
        "--prune needs a share of the blocks, above 0%% and below 100%%, such as 50%%, found `%s`",
        value);
    return parse_share(value, &o->prune);
  case OPTION_metric:
    *problem = arena_printf(arena,
                            "--metric is argmax, or argmax with the share that may differ, such as "
                            "argmax:1%%, not `%s`",
                            value);
    return parse_metric(value, o);
  case OPTION_write: o->write = true; return true;
  case OPTION_warn:
    *problem =
        arena_printf(arena, "-W: no lint named `%s`; `grus explain lints` lists them", value);
    ARENA_PUSH(arena, o->warn, o->n_warns, o->cap_warns, value);
    return lint_known(value);
  case OPTION_werror:
    if (!value) {
      o->werror_all = true;
      return true;
    }
    *problem =
        arena_printf(arena, "--werror: no lint named `%s`; `grus explain lints` lists them", value);
    ARENA_PUSH(arena, o->werror, o->n_werrors, o->cap_werrors, value);
    return lint_known(value);
  case OPTION_diagnostics:
    *problem =
        arena_printf(arena, "--diagnostics is human, short, gcc, json or sarif, not `%s`", value);
    if (!pick(value, formats, 5, &choice)) return false;
    o->format = (RenderFormat)choice;
    return true;
  case OPTION_color:
    *problem = arena_printf(arena, "--color is auto, always or never, not `%s`", value);
    if (!pick(value, colors, 3, &choice)) return false;
    o->color = (ColorMode)choice;
    return true;
  case OPTION_max_errors:
    *problem = arena_printf(arena, "--max-errors needs a number, found `%s`", value);
    return parse_count(value, 0, &o->max_errors);
  case OPTION_config: o->config = value; return true;
  case OPTION_stream: o->stream = true; return true;
  case OPTION_list: o->list = true; return true;
  case OPTION_template: o->template = true; return true;
  case OPTION_time: o->time = value; return true;
  case OPTION_input: o->input = value; return true;
  case OPTION_signature: o->signature = value; return true;
  case OPTION_no_check: o->no_check = true; return true;
  case OPTION_allow_nan: o->allow_nan = true; return true;
  case OPTION_keep_zeros: o->keep_zeros = true; return true;
  case OPTION_set:
    *problem = arena_printf(arena, "--set needs NAME=VALUE, found `%s`", value);
    ARENA_PUSH(arena, o->set, o->n_sets, o->cap_sets, value);
    return strchr(value, '=') != NULL;
  case OPTION_state:
    *problem = arena_printf(arena, "--state needs IN=OUT, found `%s`", value);
    ARENA_PUSH(arena, o->state, o->n_states, o->cap_states, value);
    return strchr(value, '=') != NULL;
  case OPTION_quiet: o->quiet = true; return true;
  case OPTION_verbose: o->verbose = true; return true;
  case OPTION_help: o->help = true; return true;
  case OPTION_version: o->version = true; return true;
  case OPTION_COUNT: break;
  }
  return false;
}
