/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Prints --help: the inputs and outputs of the model, from its descriptor, and the options. */
#include "host_posix.h"

#include "host_options.h"

#include <inttypes.h>
#include <string.h>

static void help_doc(FILE *file, const char *doc, const char *indent) {
  while (doc && *doc) {
    size_t n = strcspn(doc, "\n");
    fprintf(file, "%s%.*s\n", indent, (int)n, doc);
    doc += n + (doc[n] == '\n');
  }
}

/* Prints what the type of a port leaves open. */
static void help_port_facts(const GrusProgram *program, const GrusPort *port, FILE *file) {
  if (port->time == GRUS_TIME_STREAM && port->role == GRUS_ROLE_OUT && port->period > 1)
    fprintf(file, "%28sone step for every %" PRIu32 " steps of the input\n", "", port->period);
  if (program->kind == GRUS_KIND_WINDOW && port->role == GRUS_ROLE_OUT)
    fprintf(file, "%28sone value for every window\n", "");
  if (port->role == GRUS_ROLE_INIT) fprintf(file, "%28sinitial state; zeros if not given\n", "");
  if (port->time == GRUS_TIME_BOUNDED && port->role == GRUS_ROLE_IN)
    fprintf(file, "%28slength from the file, or %s=NUMBERS for padded ones\n", "",
            program->lengths[port->length].name ? program->lengths[port->length].name
                                                : "NAME.length");
}

static void help_ports(const GrusProgram *program, bool outputs, FILE *file) {
  bool any = false;
  for (size_t i = 0; i < program->port_count; i++) {
    const GrusPort *port = &program->ports[i];
    if ((port->role == GRUS_ROLE_OUT) != outputs) continue;
    if (!any) fprintf(file, "\n%s:\n", outputs ? "Outputs" : "Inputs");
    any = true;
    HostText type = {{0}, 0};
    host_port_type(program, port, &type);
    fprintf(file, "  %-24s  %s\n", port->name, type.s);
    help_doc(file, port->doc, "                            ");
    help_port_facts(program, port, file);
  }
}

/* Prints an argument that can be typed as it is. */
static void help_example_value(const GrusPort *port, FILE *file) {
  if (!host_port_has_time(port) && host_port_count(port) <= 4) {
    fprintf(file, " %s=", port->name);
    for (size_t i = 0; i < host_port_count(port); i++)
      fprintf(file, "%s0", i ? "," : "");
  } else {
    bool audio = port->rate >= 8000 && host_port_features(port) <= 2 && !port->bound;
    fprintf(file, " %s=%s.%s", port->name, port->name, audio ? "wav" : "npy");
  }
}

static void help_usage(const GrusProgram *program, const char *name, FILE *file) {
  size_t inputs = 0, outputs = 0;
  fprintf(file, "Usage: %s", name);
  for (size_t i = 0; i < program->port_count; i++) {
    const GrusPort *port = &program->ports[i];
    if (port->role == GRUS_ROLE_OUT) outputs++;
    if (port->role == GRUS_ROLE_IN) {
      inputs++;
      fprintf(file, " %s=FILE", port->name);
    }
    if (port->role == GRUS_ROLE_INIT) fprintf(file, " [%s=FILE]", port->name);
  }
  fprintf(file, " [--out DIR] [OPTION]...\n");
  if (inputs == 1 && outputs == 1)
    fprintf(file, "   or: %s IN OUT\n   or: %s < IN > OUT        raw numbers, .wav or .npy\n", name,
            name);
}

static void help_example(const GrusProgram *program, const char *name, FILE *file) {
  fprintf(file, "\nExample:\n  %s", name);
  for (size_t i = 0; i < program->port_count; i++)
    if (program->ports[i].role == GRUS_ROLE_IN) help_example_value(&program->ports[i], file);
  fprintf(file, " --out results\n");
}

static const char help_options[] =
    "\n"
    "A FILE is .npy, .npz, .csv, .jsonl, .wav or raw little-endian numbers (.raw .f32 .f64 .f16 "
    ".s8\n"
    ".s16 .s24 .s32; PCM is read as -1..1 if the input is a float). - is standard input or "
    "output.\n"
    "Small inputs may be numbers: name=0.1,0.2. An output goes to name=FILE or DIR/name.npy, and "
    "is\n"
    "printed if neither is given. An extra first axis in an .npy holds many samples.\n"
    "\n"
    "Options:\n"
    "  -o, --out DIR            write every output to the folder DIR, or to one archive NAME.npz\n";

static const char data_options[] =
    "      --out-format FORMAT  of files in DIR and of standard output\n"
    "      --in-format FORMAT   of standard input and of files with another ending\n"
    "                           formats: npy npz csv jsonl wav raw f32 f16 f64 s8 s16 s24 s32\n"
    "      --wav-bits BITS      16, 24, 32 or float; default: as the input\n"
    "      --rate HZ            sample rate of .wav outputs; default: of the model or the input\n"
    "      --no-header          no line of column names in .csv outputs\n"
    "      --id NAME            .csv: the column that tells samples apart\n"
    "      --skip NAMES         .csv: columns that are not for the model, separated by commas\n"
    "      --allow-nan          accept NaN and infinities in inputs\n";

static const char other_options[] =
    "      --progress WHEN      auto, always or never\n"
    "      --color WHEN         auto, always or never; auto obeys NO_COLOR\n"
    "  -q, --quiet              errors only\n"
    "      --help, --version\n"
    "\n"
    "Exit status: 0 done, 1 a file holds something other than the model needs, 2 wrong command\n"
    "line, 3 a file cannot be read or written.\n";

void host_help(const GrusProgram *program, const char *name, FILE *file) {
  help_usage(program, name, file);
  if (program->doc && *program->doc) {
    fputc('\n', file);
    help_doc(file, program->doc, "");
  }
  help_ports(program, false, file);
  help_ports(program, true, file);
  help_example(program, name, file);
  fputs(help_options, file);
  fputs(data_options, file);
  fputs(other_options, file);
}

const char *host_help_data(void) {
  return data_options;
}
