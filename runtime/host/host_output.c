/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Finds the place and the format of each output from the command line, and reports what cannot be
 * written before anything is computed. */
#include "host_posix.h"

#include "host_archive.h"
#include "host_output.h"
#include "host_system.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *style_ending(HostStyle style) {
  switch (style.format) {
  case HOST_FORMAT_CSV: return "csv";
  case HOST_FORMAT_JSON: return "jsonl";
  case HOST_FORMAT_WAV: return "wav";
  case HOST_FORMAT_RAW:
    if (style.raw.kind == 'f')
      return style.raw.size == 2 ? "f16" : style.raw.size == 4 ? "f32" : "f64";
    if (style.raw.kind == 'i') {
      static const char *const endings[] = {"s8", "s16", "s24", "s32"};
      return endings[style.raw.size - 1];
    }
    return "raw";
  case HOST_FORMAT_NONE:
  case HOST_FORMAT_NPY:
  case HOST_FORMAT_NPZ:
  case HOST_FORMAT_NUMBERS: break;
  }
  return "npy";
}

static int outputs_make_folder(HostOutputs *outputs) {
  const char *folder = outputs->options->folder;
  if (host_system_make_folder(folder)) {
    outputs->made_folder = true;
    return GRUS_EXIT_OK;
  }
  struct stat info;
  int failure = errno;
  if (failure == EEXIST && stat(folder, &info) == 0) failure = S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
  if (!failure) return GRUS_EXIT_OK;
  return host_error(outputs->log, GRUS_EXIT_FILE, "%s: cannot make this folder: %s", folder,
                    strerror(failure));
}

/* The output whose name and `=` begin the argument of --out, where they do not belong; NULL if
 * none. */
static const GrusPort *outputs_named(const HostOutputs *outputs, const char *path) {
  size_t length = strcspn(path, "=");
  if (!path[length]) return NULL;
  for (size_t i = 0; i < outputs->program->port_count; i++) {
    const GrusPort *port = &outputs->program->ports[i];
    if (port->role == GRUS_ROLE_OUT && strlen(port->name) == length &&
        memcmp(port->name, path, length) == 0)
      return port;
  }
  return NULL;
}

/* Reports an --out that is a file for one output, and says what to type. named: the output, if
 * known. */
static int outputs_refuse_one(const HostOutputs *outputs, HostFormat format,
                              const GrusPort *named) {
  const char *path = outputs->options->folder;
  const char *equals = strchr(path, '='), *file = equals ? equals + 1 : path;
  if (!*file) file = "FOLDER";
  HostText names = {{0}, 0};
  const GrusPort *first = host_port_names(outputs->program, GRUS_ROLE_OUT, &names);
  host_error(outputs->log, GRUS_EXIT_USAGE,
             "--out takes a folder or one .npz for all outputs, `%s` is neither", path);
  if (format == HOST_FORMAT_NONE || format == HOST_FORMAT_NPZ)
    host_detail(outputs->log, "try", "--out %s", file);
  else
    host_detail(outputs->log, "try", "%s=%s, without --out", (named ? named : first)->name, file);
  if (outputs->count > 1) host_detail(outputs->log, "known", "%s", names.s);
  return GRUS_EXIT_USAGE;
}

/* Opens the folder or the archive of --out. An archive takes all outputs, another file only one. */
static int outputs_folder_or_archive(HostOutputs *outputs) {
  const char *path = outputs->options->folder;
  HostFormat format = host_style_of_path(path).format;
  const GrusPort *named = outputs_named(outputs, path);
  struct stat info;
  if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return outputs_make_folder(outputs);
  if (named) return outputs_refuse_one(outputs, format, named);
  if (format == HOST_FORMAT_NONE) return outputs_make_folder(outputs);
  if (format != HOST_FORMAT_NPZ) return outputs_refuse_one(outputs, format, named);
  outputs->archive.log = outputs->log;
  outputs->archive.program = outputs->program;
  outputs->archive.style = host_style_named("raw");
  outputs->archive.name = path;
  outputs->archive.port = outputs->program->ports;
  return host_sink_open(&outputs->archive, path);
}

static char *outputs_path(HostOutputs *outputs, const GrusPort *port) {
  const char *folder = outputs->options->folder,
             *ending = style_ending(outputs->options->out_style);
  size_t room = strlen(folder) + strlen(port->name) + 8;
  char *path = malloc(room);
  if (path) snprintf(path, room, "%s/%s.%s", folder, port->name, ending);
  return path;
}

/* Frames per second of an output: declared, asked for, or that of the .wav it was made from. */
static double output_rate(const HostOutputs *outputs, const GrusPort *port,
                          const HostSource *const *inputs, size_t input_count) {
  if (outputs->options->rate > 0) return outputs->options->rate;
  if (port->rate > 0) return port->rate;
  for (size_t i = 0; i < input_count; i++)
    if (inputs[i]->rate > 0 && host_port_has_time(port) && inputs[i]->port->time == port->time)
      return inputs[i]->rate * inputs[i]->port->period / port->period;
  return 0;
}

static HostNumber output_wav_number(const HostOutputs *outputs, const GrusPort *port,
                                    const HostSource *const *inputs, size_t input_count) {
  HostNumber number = {'f', 4, false};
  if (!host_elem_is_float(port->elem)) {
    number = host_number_of_elem(port->elem);
  } else if (outputs->options->wav_bits >= 0) {
    number.kind = outputs->options->wav_bits ? 'i' : 'f';
    number.size = outputs->options->wav_bits ? outputs->options->wav_bits / 8 : 4;
  } else {
    for (size_t i = 0; i < input_count; i++)
      if (inputs[i]->style.format == HOST_FORMAT_WAV && inputs[i]->number.size >= 2) {
        number = inputs[i]->number;
        break;
      }
  }
  if (number.size == 1) number.kind = 'u';
  return number;
}

enum { WAV_MOST_FRAME = 65535 }; /* bytes: the field of the header has 16 bits */

/* Reports an output that cannot be a .wav, or whose rate is not known. */
static int output_check_wav(HostSink *sink) {
  const GrusPort *port = sink->port;
  bool window = sink->program->kind == GRUS_KIND_WINDOW;
  if (port->bound || port->elem == GRUS_ELEM_U16 || !host_port_has_time(port) || window ||
      host_port_features(port) * (size_t)sink->number.size > WAV_MOST_FRAME) {
    HostText type = {{0}, 0};
    host_port_type(sink->program, port, &type);
    host_error(sink->log, GRUS_EXIT_USAGE, "%s: output `%s` is no sound: %s", sink->name,
               port->name, type.s);
    host_detail(sink->log, "try", ".npy or .csv");
    return GRUS_EXIT_USAGE;
  }
  if (sink->rate <= 0) {
    host_error(sink->log, GRUS_EXIT_USAGE, "%s: the sample rate is not known", sink->name);
    host_detail(sink->log, "try", "--rate HZ");
    return GRUS_EXIT_USAGE;
  }
  if (sink->rate > 4294967295.0 || sink->rate != (double)(uint32_t)sink->rate)
    return host_error(sink->log, GRUS_EXIT_USAGE, "%s: a .wav cannot have %g samples a second",
                      sink->name, sink->rate);
  return GRUS_EXIT_OK;
}

/* Whether type `wide` has every number of type `own`. Floats are converted or scaled. */
static bool output_fits(HostNumber own, HostNumber wide) {
  if (own.kind == 'f') return true;
  if (wide.kind == 'f') return own.size < wide.size || wide.size == 8;
  return own.kind == 'u' ? own.size < wide.size : own.size <= wide.size;
}

/* Decides how the numbers of an output are stored. PCM made of floats needs a scale. */
static int output_number(HostOutputs *outputs, HostSink *sink, const HostSource *const *inputs,
                         size_t input_count) {
  const GrusPort *port = sink->port;
  sink->rate = output_rate(outputs, port, inputs, input_count);
  sink->number = host_number_of_elem(port->elem);
  if (sink->style.format == HOST_FORMAT_WAV) {
    sink->number = output_wav_number(outputs, port, inputs, input_count);
    int status = output_check_wav(sink);
    if (status) return status;
  }
  if (sink->style.format == HOST_FORMAT_RAW && sink->style.raw.size) {
    if (!output_fits(sink->number, sink->style.raw))
      return host_error(sink->log, GRUS_EXIT_USAGE, "%s: output `%s` is %s, which %s cannot hold",
                        sink->name, port->name, host_elem_name(port->elem),
                        style_ending(sink->style));
    sink->number = sink->style.raw;
  }
  if (host_elem_is_float(port->elem) && sink->number.kind != 'f')
    sink->scale = (double)(1ULL << (8 * sink->number.size - 1));
  return GRUS_EXIT_OK;
}

/* The format of standard output without --out-format: text if it is printed for a person; the
 * format of standard input if that is an input, but .wav only for an output with as many steps. */
static HostStyle output_standard_style(const HostOutputs *outputs, const GrusPort *port,
                                       const HostSource *const *inputs, size_t input_count) {
  for (size_t i = 0; i < input_count; i++) {
    const GrusPort *in = inputs[i]->port;
    if (inputs[i]->bytes.fd != STDIN_FILENO) continue;
    if (inputs[i]->style.format == HOST_FORMAT_CSV) return host_style_named("csv");
    if (inputs[i]->style.format == HOST_FORMAT_JSON) return host_style_named("jsonl");
    if (inputs[i]->style.format == HOST_FORMAT_WAV && port->time == in->time &&
        port->period == in->period)
      return host_style_named("wav");
    return host_style_named("raw");
  }
  return host_style_named(outputs->options->print ? "csv" : "raw");
}

static int output_style(HostOutputs *outputs, HostSink *sink, const char *value,
                        const HostSource *const *inputs, size_t input_count) {
  bool standard = strcmp(value, "-") == 0;
  struct stat info;
  if (!standard && stat(value, &info) == 0 && S_ISDIR(info.st_mode)) {
    host_error(outputs->log, GRUS_EXIT_USAGE, "%s: is a folder, output `%s` needs a file", value,
               sink->port->name);
    host_detail(outputs->log, "try", "--out %s", value);
    return GRUS_EXIT_USAGE;
  }
  if (!standard) sink->style = host_style_of_path(value);
  if (sink->style.format == HOST_FORMAT_NONE) sink->style = outputs->options->out_style;
  if (sink->style.format == HOST_FORMAT_NONE && standard)
    sink->style = output_standard_style(outputs, sink->port, inputs, input_count);
  if (sink->style.format == HOST_FORMAT_NPZ) {
    host_error(outputs->log, GRUS_EXIT_USAGE, "%s: an .npz takes all outputs", value);
    host_detail(outputs->log, "try", "--out NAME.npz, or .npy for this one");
    return GRUS_EXIT_USAGE;
  }
  if (sink->style.format != HOST_FORMAT_NONE) return GRUS_EXIT_OK;
  host_error(outputs->log, GRUS_EXIT_USAGE, "%s: cannot tell the format from this name", value);
  host_detail(outputs->log, "try", "an ending or --out-format with one of: %s", host_style_list());
  return GRUS_EXIT_USAGE;
}

/* Reports an error if an output would overwrite an input, or if two outputs have the same file. */
static int output_check_same(const HostOutputs *outputs, const HostSink *sink,
                             const HostSource *const *inputs, size_t input_count) {
  for (size_t i = 0; sink->inode && i < input_count; i++)
    if (inputs[i]->bytes.inode == sink->inode && inputs[i]->bytes.device == sink->device)
      return host_error(outputs->log, GRUS_EXIT_USAGE, "%s: is input `%s` and output `%s`",
                        sink->name, inputs[i]->port->name, sink->port->name);
  for (const HostSink *other = outputs->sinks; other < sink; other++)
    if (other->port && other->path && sink->path && strcmp(other->path, sink->path) == 0)
      return host_error(outputs->log, GRUS_EXIT_USAGE, "%s: is output `%s` and output `%s`",
                        sink->name, other->port->name, sink->port->name);
  return GRUS_EXIT_OK;
}

static int output_open(HostOutputs *outputs, HostSink *sink, const char *value,
                       const HostSource *const *inputs, size_t input_count) {
  bool hold = outputs->options->print && outputs->count > 1;
  sink->names = !outputs->options->no_names;
  sink->name = strcmp(value, "-") == 0 ? "standard output" : value;
  bool archived = sink->archived;
  if (archived) sink->style = host_style_named("npy");
  int status = archived ? GRUS_EXIT_OK : output_style(outputs, sink, value, inputs, input_count);
  if (!status) status = output_number(outputs, sink, inputs, input_count);
  if (!status && archived) return host_sink_open_archived(sink, value);
  if (!status) status = hold ? host_sink_open_held(sink) : host_sink_open(sink, value);
  return status ? status : output_check_same(outputs, sink, inputs, input_count);
}

int host_outputs_open(HostOutputs *outputs, const GrusProgram *program, const HostLog *log,
                      const HostOptions *options, const HostSource *const *inputs,
                      size_t input_count) {
  outputs->program = program;
  outputs->log = log;
  outputs->options = options;
  for (size_t i = 0; i < program->port_count; i++)
    outputs->count += program->ports[i].role == GRUS_ROLE_OUT;
  outputs->sinks = calloc(outputs->count + 1, sizeof *outputs->sinks);
  outputs->paths = calloc(outputs->count + 1, sizeof *outputs->paths);
  if (!outputs->sinks || !outputs->paths)
    return host_error(log, GRUS_EXIT_FILE, "not enough memory");
  int status = options->folder ? outputs_folder_or_archive(outputs) : GRUS_EXIT_OK;
  size_t out = 0;
  for (size_t i = 0; i < program->port_count && !status; i++) {
    const GrusPort *port = &program->ports[i];
    if (port->role != GRUS_ROLE_OUT) continue;
    const char *value = options->values[i];
    bool archived = !value && outputs->archive.port;
    if (archived) value = options->folder;
    if (!value && options->folder) {
      value = outputs->paths[out] = outputs_path(outputs, port);
      if (!value) return host_error(log, GRUS_EXIT_FILE, "not enough memory");
    }
    if (!value && options->print) value = "-";
    HostSink *sink = &outputs->sinks[out++];
    if (!value) continue;
    sink->log = log;
    sink->program = program;
    sink->port = port;
    sink->archived = archived;
    status = output_open(outputs, sink, value, inputs, input_count);
  }
  return status;
}

int host_outputs_flush(HostOutputs *outputs) {
  int status = GRUS_EXIT_OK;
  for (size_t i = 0; i < outputs->count && !status; i++) {
    HostSink *sink = &outputs->sinks[i];
    if (sink->port && !sink->temporary && !sink->held) status = host_sink_flush(sink);
  }
  return status;
}

int host_outputs_commit(HostOutputs *outputs) {
  int status = GRUS_EXIT_OK;
  for (size_t i = 0; i < outputs->count && !status; i++)
    if (outputs->sinks[i].port) status = host_sink_finish(&outputs->sinks[i]);
  if (!status && outputs->archive.port)
    status = host_archive_write(&outputs->archive, outputs->sinks, outputs->count);
  for (size_t i = 0; i < outputs->count && !status; i++)
    if (outputs->sinks[i].port) status = host_sink_commit(&outputs->sinks[i]);
  if (!status && outputs->archive.port) status = host_sink_commit(&outputs->archive);
  for (size_t i = 0; i < outputs->count && !status; i++)
    if (outputs->sinks[i].clipped)
      host_note(outputs->log, "%s: %" PRIu64 " samples beyond -1..1 were clipped",
                outputs->sinks[i].name, outputs->sinks[i].clipped);
  return status;
}

void host_outputs_close(HostOutputs *outputs, bool committed) {
  for (size_t i = 0; outputs->sinks && outputs->paths && i < outputs->count; i++) {
    if (outputs->sinks[i].port) host_sink_discard(&outputs->sinks[i]);
    free(outputs->paths[i]);
  }
  if (outputs->archive.port) host_sink_discard(&outputs->archive);
  free(outputs->sinks);
  free(outputs->paths);
  outputs->sinks = NULL;
  if (outputs->made_folder && !committed) rmdir(outputs->options->folder);
}
