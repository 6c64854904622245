/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads the command line: options; name=value for inputs, outputs and lengths; and the short form
 * IN OUT. */
#include "host_posix.h"

#include "host_options.h"
#include "host_system.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct OptionParser {
  const GrusProgram *program;
  const HostLog *log;
  HostOptions *options;
  const char *positional[2];
  int positional_count;
} OptionParser;

bool host_is_numbers(const char *text) {
  if (text[strspn(text, "+-.0123456789eE,naif")]) return false;
  for (;;) {
    char *end;
    strtod(text, &end);
    if (end == text) return false;
    if (!*end) return true;
    if (*end != ',') return false;
    text = end + 1;
  }
}

void host_options_source(const HostOptions *options, const GrusProgram *program, const HostLog *log,
                         const GrusPort *port, HostSource *source) {
  source->bytes.fd = -1;
  source->log = log;
  source->program = program;
  source->port = port;
  source->nan = options->finite_only ? HOST_NAN_NEVER
                : options->allow_nan ? HOST_NAN_ALLOWED
                                     : HOST_NAN_REFUSED;
  source->id_name = options->id_name;
  source->skip_names = options->skip_names;
}

HostStyle host_options_in_style(const HostOptions *options, const char *path) {
  HostStyle style = host_style_of_path(path);
  if (style.format != HOST_FORMAT_NONE && strcmp(path, "-") != 0) return style;
  return options->in_style;
}

static int options_fail_choice(const HostLog *log, const char *option, const char *value,
                               const char *choices) {
  host_error(log, GRUS_EXIT_USAGE, "%s cannot be `%s`", option, value);
  host_detail(log, "needs", "one of: %s", choices);
  return GRUS_EXIT_USAGE;
}

static int options_when(const HostLog *log, const char *option, const char *value, HostWhen *when) {
  static const char *const names[] = {"auto", "always", "never"};
  for (int i = 0; i < 3; i++)
    if (strcmp(value, names[i]) == 0) {
      *when = (HostWhen)i;
      return GRUS_EXIT_OK;
    }
  return options_fail_choice(log, option, value, "auto always never");
}

static int options_style(const HostLog *log, const char *option, const char *value,
                         HostStyle *style) {
  *style = host_style_named(value);
  if (style->format != HOST_FORMAT_NONE) return GRUS_EXIT_OK;
  return options_fail_choice(log, option, value, host_style_list());
}

static int options_wav_bits(const HostLog *log, const char *value, int *bits) {
  static const char *const names[] = {"float", "16", "24", "32"};
  static const int sizes[] = {0, 16, 24, 32};
  for (int i = 0; i < 4; i++)
    if (strcmp(value, names[i]) == 0) {
      *bits = sizes[i];
      return GRUS_EXIT_OK;
    }
  return options_fail_choice(log, "--wav-bits", value, "16 24 32 float");
}

static int options_rate(const HostLog *log, const char *value, double *rate) {
  char *end;
  *rate = strtod(value, &end);
  if (end != value && !*end && *rate >= 1 && *rate <= 4294967295.0) return GRUS_EXIT_OK;
  host_error(log, GRUS_EXIT_USAGE, "--rate cannot be `%s`", value);
  host_detail(log, "needs", "a number of Hz, for instance 16000");
  return GRUS_EXIT_USAGE;
}

/* Options that take a value, as --name=value or --name value. */
static int options_valued(OptionParser *p, const char *name, const char *value) {
  HostOptions *o = p->options;
  if (strcmp(name, "--out") == 0) {
    o->folder = value;
    return GRUS_EXIT_OK;
  }
  if (strcmp(name, "--in-format") == 0) return options_style(p->log, name, value, &o->in_style);
  if (strcmp(name, "--id") == 0) {
    o->id_name = value;
    return GRUS_EXIT_OK;
  }
  if (strcmp(name, "--skip") == 0) {
    o->skip_names = value;
    return GRUS_EXIT_OK;
  }
  if (strcmp(name, "--rate") == 0) return options_rate(p->log, value, &o->rate);
  if (strcmp(name, "--wav-bits") == 0) return options_wav_bits(p->log, value, &o->wav_bits);
  if (strcmp(name, "--color") == 0) return options_when(p->log, name, value, &o->colour);
  if (strcmp(name, "--progress") == 0) return options_when(p->log, name, value, &o->progress);
  return options_style(p->log, name, value, &o->out_style);
}

static bool *options_switch(HostOptions *o, const char *name) {
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return &o->help;
  if (strcmp(name, "--version") == 0) return &o->version;
  if (strcmp(name, "--quiet") == 0 || strcmp(name, "-q") == 0) return &o->quiet;
  if (strcmp(name, "--allow-nan") == 0) return &o->allow_nan;
  if (strcmp(name, "--no-header") == 0) return &o->no_names;
  return NULL;
}

static const char *const valued[] = {"--out",      "--in-format", "--out-format", "--format",
                                     "--wav-bits", "--rate",      "--color",      "--progress",
                                     "--id",       "--skip"};

int host_option_words(const char *text) {
  HostOptions none;
  size_t length = strcspn(text, "=");
  for (size_t i = 0; i < sizeof valued / sizeof *valued; i++)
    if (strlen(valued[i]) == length && memcmp(valued[i], text, length) == 0)
      return text[length] ? 1 : 2;
  return options_switch(&none, text) ? 1 : 0;
}

/* Reads the option argv[*at]; moves *at to its value if that is the next word. */
static int options_option(OptionParser *p, int argc, char **argv, int *at) {
  const char *text = argv[*at];
  if (strcmp(text, "-o") == 0) text = "--out";
  const char *equals = strchr(text, '=');
  size_t length = equals ? (size_t)(equals - text) : strlen(text);
  for (size_t i = 0; i < sizeof valued / sizeof *valued; i++) {
    if (strlen(valued[i]) != length || memcmp(valued[i], text, length) != 0) continue;
    if (equals) return options_valued(p, valued[i], equals + 1);
    if (*at + 1 >= argc) return host_error(p->log, GRUS_EXIT_USAGE, "%s needs a value", text);
    return options_valued(p, valued[i], argv[++*at]);
  }
  bool *flag = equals ? NULL : options_switch(p->options, text);
  if (!flag) {
    host_error(p->log, GRUS_EXIT_USAGE, "unknown option `%s`", text);
    host_detail(p->log, "try", "--help");
    return GRUS_EXIT_USAGE;
  }
  *flag = true;
  return GRUS_EXIT_OK;
}

/* Damerau-Levenshtein distance of short names. */
static size_t options_distance(const char *a, size_t n, const char *b) {
  enum { LONGEST = 40 };
  size_t rows[3][LONGEST + 1], m = strlen(b);
  if (n > LONGEST || m > LONGEST) return LONGEST;
  for (size_t j = 0; j <= m; j++)
    rows[0][j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t *now = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
    now[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);
      if (up[j] + 1 < best) best = up[j] + 1;
      if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && up2[j - 2] + 1 < best)
        best = up2[j - 2] + 1;
      now[j] = best;
    }
  }
  return rows[n % 3][m];
}

static int options_unknown_name(OptionParser *p, const char *name, size_t length) {
  const GrusProgram *program = p->program;
  const char *nearest = NULL;
  size_t least = length / 3 + 1;
  HostText all = {{0}, 0};
  for (size_t i = 0; i < program->port_count; i++) {
    const char *known = program->ports[i].name;
    size_t distance = options_distance(name, length, known);
    if (distance <= least && distance < length) nearest = known, least = distance;
    host_text_add(&all, "%s%s", i ? " " : "", known);
  }
  host_error(p->log, GRUS_EXIT_USAGE, "`%s` has no input or output `%.*s`", program->name,
             (int)length, name);
  host_detail(p->log, "known", "%s", all.s);
  if (nearest) host_detail(p->log, "try", "%s=", nearest);
  return GRUS_EXIT_USAGE;
}

/* The number of the length with this name, such as "n", or "words.length" for that of the input
 * words; -1 if there is none. */
static int options_length(const GrusProgram *program, const char *name, size_t length) {
  for (size_t i = 0; i < program->length_count; i++) {
    const char *known = program->lengths[i].name;
    if (known && strlen(known) == length && memcmp(known, name, length) == 0) return (int)i;
  }
  for (size_t i = 0; i < program->port_count; i++) {
    const GrusPort *port = &program->ports[i];
    size_t n = strlen(port->name);
    if (port->time == GRUS_TIME_BOUNDED && length == n + 7 && memcmp(port->name, name, n) == 0 &&
        memcmp(name + n, ".length", 7) == 0)
      return port->length;
  }
  return -1;
}

static int options_binding(OptionParser *p, const char *text, size_t length) {
  const GrusProgram *program = p->program;
  const char *value = text + length + 1, **slot = NULL;
  for (size_t i = 0; i < program->port_count && !slot; i++)
    if (strlen(program->ports[i].name) == length &&
        memcmp(program->ports[i].name, text, length) == 0)
      slot = &p->options->values[i];
  int symbol = slot ? -1 : options_length(program, text, length);
  if (symbol >= 0) slot = &p->options->lengths[symbol];
  if (!slot) return options_unknown_name(p, text, length);
  if (*slot)
    return host_error(p->log, GRUS_EXIT_USAGE, "`%.*s` is given twice: %s and %s", (int)length,
                      text, *slot, value);
  if (!*value)
    return host_error(p->log, GRUS_EXIT_USAGE, "`%.*s=` needs a file or numbers", (int)length,
                      text);
  *slot = value;
  return GRUS_EXIT_OK;
}

static int options_argument(OptionParser *p, const char *text) {
  size_t length = 0;
  while (isalnum((unsigned char)text[length]) || (length && text[length] == '.') ||
         text[length] == '_')
    length++;
  if (length && text[length] == '=') return options_binding(p, text, length);
  if (p->positional_count == 2) {
    host_error(p->log, GRUS_EXIT_USAGE, "`%s` is one argument too many", text);
    host_detail(p->log, "needs", "at most IN and OUT, or name=file for each");
    return GRUS_EXIT_USAGE;
  }
  p->positional[p->positional_count++] = text;
  return GRUS_EXIT_OK;
}

/* The port that the short form means: the only one of its role, else the only sequence among them;
 * -1 if there are several. */
static int options_main_port(const GrusProgram *program, GrusRole role, bool sequences) {
  int found = -1;
  for (size_t i = 0; i < program->port_count; i++) {
    const GrusPort *port = &program->ports[i];
    if (port->role != role || (sequences && !host_port_has_time(port))) continue;
    if (found >= 0) return sequences ? -1 : options_main_port(program, role, true);
    found = (int)i;
  }
  return found;
}

/* A file with several inputs by name is the value of all inputs that have none yet. */
static int options_place_all(OptionParser *p, const char *text) {
  size_t placed = 0;
  for (size_t i = 0; i < p->program->port_count; i++) {
    if (p->program->ports[i].role != GRUS_ROLE_IN || p->options->values[i]) continue;
    p->options->values[i] = text;
    placed++;
  }
  return placed
             ? GRUS_EXIT_OK
             : host_error(p->log, GRUS_EXIT_USAGE, "every input is given: what is `%s` for?", text);
}

static int options_place(OptionParser *p, GrusRole role, const char *text) {
  HostFormat format = host_options_in_style(p->options, text).format;
  bool has_names =
      format == HOST_FORMAT_NPZ || (format == HOST_FORMAT_JSON && strcmp(text, "-") != 0);
  if (role == GRUS_ROLE_IN && has_names) return options_place_all(p, text);
  int port = options_main_port(p->program, role, false);
  const char *what = role == GRUS_ROLE_OUT ? "output" : "input";
  if (port < 0) {
    host_error(p->log, GRUS_EXIT_USAGE, "`%s` has several %ss, which one is `%s`?",
               p->program->name, what, text);
    HostText names = {{0}, 0};
    const GrusPort *first = host_port_names(p->program, role, &names);
    host_detail(p->log, "try", "%s=%s", first->name, text);
    host_detail(p->log, "known", "%s", names.s);
    return GRUS_EXIT_USAGE;
  }
  if (p->options->values[port])
    return host_error(p->log, GRUS_EXIT_USAGE, "%s `%s` is given twice: %s and %s", what,
                      p->program->ports[port].name, p->options->values[port], text);
  p->options->values[port] = text;
  return GRUS_EXIT_OK;
}

static size_t options_count(const GrusProgram *program, GrusRole role) {
  size_t n = 0;
  for (size_t i = 0; i < program->port_count; i++)
    n += program->ports[i].role == role;
  return n;
}

/* With one input, one output and no name, the program reads standard input and writes standard
 * output. */
static void options_filter(OptionParser *p) {
  const GrusProgram *program = p->program;
  if (p->positional_count || options_count(program, GRUS_ROLE_IN) != 1 ||
      options_count(program, GRUS_ROLE_OUT) != 1)
    return;
  const char **in = &p->options->values[options_main_port(program, GRUS_ROLE_IN, false)];
  const char **out = &p->options->values[options_main_port(program, GRUS_ROLE_OUT, false)];
  if (*in || host_system_is_terminal(STDIN_FILENO)) return;
  *in = "-";
  if (!*out && !p->options->folder) *out = "-";
}

static int options_check_inputs(OptionParser *p) {
  int missing = 0, streams = 0;
  for (size_t i = 0; i < p->program->port_count; i++) {
    const GrusPort *port = &p->program->ports[i];
    const char *value = p->options->values[i];
    streams += port->role != GRUS_ROLE_OUT && value && strcmp(value, "-") == 0;
    if (port->role != GRUS_ROLE_IN || value) continue;
    HostText type = {{0}, 0};
    host_port_type(p->program, port, &type);
    host_error(p->log, GRUS_EXIT_USAGE, "input `%s` is missing", port->name);
    host_detail(p->log, "needs", "%s=FILE%s, %s", port->name,
                host_port_has_time(port) ? "" : " or numbers", type.s);
    missing++;
  }
  if (streams > 1)
    return host_error(p->log, GRUS_EXIT_USAGE, "only one input can be standard input");
  if (missing) host_detail(p->log, "try", "--help");
  return missing ? GRUS_EXIT_USAGE : GRUS_EXIT_OK;
}

static int options_check_outputs(OptionParser *p) {
  size_t given = 0, standard = 0;
  for (size_t i = 0; i < p->program->port_count; i++) {
    const char *value = p->options->values[i];
    if (p->program->ports[i].role != GRUS_ROLE_OUT || !value) continue;
    given++;
    standard += strcmp(value, "-") == 0;
  }
  if (standard > 1)
    return host_error(p->log, GRUS_EXIT_USAGE, "only one output can be standard output");
  p->options->print = !given && !p->options->folder;
  if (p->options->print && p->program->kind != GRUS_KIND_RUN &&
      options_count(p->program, GRUS_ROLE_OUT) > 1) {
    host_error(p->log, GRUS_EXIT_USAGE, "a stream with several outputs cannot be printed");
    host_detail(p->log, "try", "--out DIR, or name=file for the outputs wanted");
    return GRUS_EXIT_USAGE;
  }
  return GRUS_EXIT_OK;
}

int host_options_parse(const GrusProgram *program, const HostLog *log, int argc, char **argv,
                       HostOptions *options) {
  OptionParser p = {program, log, options, {NULL, NULL}, 0};
  bool only_arguments = false;
  for (int i = 1; i < argc; i++) {
    int status = GRUS_EXIT_OK;
    if (!only_arguments && strcmp(argv[i], "--") == 0)
      only_arguments = true;
    else if (!only_arguments && argv[i][0] == '-' && argv[i][1])
      status = options_option(&p, argc, argv, &i);
    else
      status = options_argument(&p, argv[i]);
    if (status) return status;
  }
  if (options->help || options->version) return GRUS_EXIT_OK;
  for (int i = 0; i < p.positional_count; i++) {
    int status = options_place(&p, i ? GRUS_ROLE_OUT : GRUS_ROLE_IN, p.positional[i]);
    if (status) return status;
  }
  options_filter(&p);
  int status = options_check_inputs(&p);
  return status ? status : options_check_outputs(&p);
}
