/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whole inputs: compares the shape of a file with that of the port, and reads sample after sample.
 *
 *   .npy   the axes of the port in storage order, or one more in front: samples
 *   .csv   of a sequence, one row for each step; otherwise one row for each sample, or the rows
 *          of a matrix
 *   json   one line for each sample (host_json.c)
 *   .wav   one frame for each step of a sequence
 *   raw, numbers   the numbers of the port, of one or more whole samples */
#include "host_posix.h"

#include "host_signal.h"
#include "host_tensor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TENSOR_BLOCK = 4096 };

static int tensor_fail_memory(HostTensor *tensor) {
  return host_source_fail(&tensor->source, GRUS_EXIT_FILE, "not enough memory for this input");
}

/* Reads all numbers. It stores at most `limit` of them, and only counts the rest of a regular file.
 */
static int tensor_read_all(HostTensor *tensor, size_t limit) {
  HostSource *source = &tensor->source;
  size_t capacity = 0, n;
  double block[TENSOR_BLOCK];
  tensor->whole = true;
  while ((n = host_source_read(source, block, TENSOR_BLOCK)) > 0) {
    tensor->count += n;
    if (tensor->count > limit) {
      if (source->bytes.size == HOST_SIZE_UNKNOWN) break;
      continue;
    }
    if (tensor->count > capacity) {
      capacity = tensor->count > SIZE_MAX / 32 ? 0 : 2 * tensor->count;
      double *grown = capacity ? realloc(tensor->values, capacity * sizeof *grown) : NULL;
      if (!grown) return tensor_fail_memory(tensor);
      tensor->values = grown;
    }
    memcpy(tensor->values + tensor->count - n, block, n * sizeof *block);
  }
  if (source->status) return source->status;
  return host_signal_seen() ? 128 + host_signal_seen() : GRUS_EXIT_OK;
}

static const char *tensor_plural(uint64_t n) {
  return n == 1 ? "" : "s";
}

/* Reports a number of steps that the port does not take. */
static int tensor_check_steps(HostTensor *tensor, uint64_t steps) {
  const GrusPort *port = tensor->port;
  HostSource *source = &tensor->source;
  uint64_t need = port->axes[port->time_axis].size;
  tensor->steps = (size_t)steps;
  bool fits = port->time == GRUS_TIME_BOUNDED ? steps >= 1 && steps <= need : steps == need;
  if (fits) return GRUS_EXIT_OK;
  bool open_end = source->bytes.size == HOST_SIZE_UNKNOWN && steps > need;
  host_source_fail(source, GRUS_EXIT_DATA, "%s%" PRIu64 " time step%s, input `%s` takes %s%" PRIu64,
                   open_end ? "at least " : "", steps, tensor_plural(steps), port->name,
                   port->time == GRUS_TIME_BOUNDED ? "1 to " : "", need);
  host_source_needs(source);
  return source->status;
}

static int tensor_fail_shape(HostTensor *tensor, const char *what) {
  HostSource *source = &tensor->source;
  HostText shape = {{0}, 0};
  host_text_shape(&shape, source->rank, source->shape);
  host_source_fail(source, GRUS_EXIT_DATA, "%s", what);
  host_detail(source->log, "found", "%s", shape.s);
  host_source_needs(source);
  return source->status;
}

/* Whether the axes of the file are those of the port in reverse order. */
static bool tensor_is_reversed(const HostTensor *tensor) {
  const GrusPort *port = tensor->port;
  if (tensor->source.rank != port->rank || port->rank < 2) return false;
  for (int i = 0; i < port->rank; i++)
    if (tensor->source.shape[port->rank - 1 - i] != port->axes[i].size) return false;
  return true;
}

static int tensor_fail_axis(HostTensor *tensor, int axis, uint64_t found) {
  const GrusPort *port = tensor->port;
  const char *label = axis == port->time_axis ? "time" : port->axes[axis].label;
  HostText text = {{0}, 0};
  host_text_add(&text, "axis %d%s%s%s has %" PRIu64 " values, input `%s` needs %zu",
                axis + tensor->many, label ? " (" : "", label ? label : "", label ? ")" : "", found,
                port->name, port->axes[axis].size);
  tensor_fail_shape(tensor, text.s);
  if (tensor_is_reversed(tensor))
    host_detail(tensor->source.log, "try", "the axes seem reversed: transpose the array");
  return tensor->source.status;
}

static int tensor_layout_npy(HostTensor *tensor) {
  const GrusPort *port = tensor->port;
  HostSource *source = &tensor->source;
  if (source->rank != port->rank && source->rank != port->rank + 1) {
    HostText text = {{0}, 0};
    host_text_add(&text, "%d ax%s, input `%s` has %d (or one more in front for many samples)",
                  source->rank, source->rank == 1 ? "is" : "es", port->name, port->rank);
    return tensor_fail_shape(tensor, text.s);
  }
  tensor->many = source->rank == port->rank + 1;
  tensor->samples = tensor->many ? source->shape[0] : 1;
  tensor->per_sample = 1;
  if (tensor->many && tensor->samples == 0) return tensor_fail_shape(tensor, "holds 0 samples");
  for (int i = 0; i < port->rank; i++) {
    uint64_t found = source->shape[i + tensor->many];
    bool bounded = i == port->time_axis && port->time == GRUS_TIME_BOUNDED;
    if (bounded ? tensor_check_steps(tensor, found) != GRUS_EXIT_OK
                : found != port->axes[i].size && tensor_fail_axis(tensor, i, found))
      return source->status;
    if (i == port->time_axis) tensor->steps = (size_t)found;
    tensor->per_sample *= (size_t)found;
  }
  return GRUS_EXIT_OK;
}

static int tensor_fail_columns(HostTensor *tensor, uint64_t rows, uint64_t columns) {
  HostSource *source = &tensor->source;
  uint64_t need = host_port_features(tensor->port);
  host_source_fail(source, GRUS_EXIT_DATA,
                   "%" PRIu64 " row%s of %" PRIu64 " column%s, input `%s` needs %s%" PRIu64
                   " column%s",
                   rows, tensor_plural(rows), columns, tensor_plural(columns), tensor->port->name,
                   host_port_has_time(tensor->port) ? "one row a step, " : "rows of ", need,
                   tensor_plural(need));
  host_source_needs(source);
  return source->status;
}

/* The layout of a list of numbers: a raw file, or the command line. */
static int tensor_layout_flat(HostTensor *tensor) {
  const GrusPort *port = tensor->port;
  size_t features = host_port_features(port), per_sample = host_port_count(port);
  tensor->time_major = false;
  if (port->time == GRUS_TIME_BOUNDED && tensor->count % features == 0) {
    tensor->per_sample = tensor->count;
    return tensor_check_steps(tensor, tensor->count / features);
  }
  if (port->time != GRUS_TIME_BOUNDED && tensor->count && tensor->count % per_sample == 0) {
    tensor->per_sample = per_sample;
    tensor->samples = tensor->count / per_sample;
    tensor->many = tensor->samples > 1;
    tensor->steps = host_port_sizes(port).steps;
    return GRUS_EXIT_OK;
  }
  host_source_fail(&tensor->source, GRUS_EXIT_DATA, "%zu number%s, input `%s` takes %zu%s",
                   tensor->count, tensor_plural(tensor->count), port->name,
                   port->time == GRUS_TIME_BOUNDED ? features : per_sample,
                   port->time == GRUS_TIME_BOUNDED ? " a step" : "");
  host_source_needs(&tensor->source);
  return tensor->source.status;
}

/* The layout of a table with --id: the rows of each sample, padded to the bound. */
static int tensor_layout_samples(HostTensor *tensor, size_t features) {
  HostSource *source = &tensor->source;
  size_t bound = host_port_sizes(tensor->port).steps, at = 0;
  if (source->columns != features)
    return tensor_fail_columns(tensor, tensor->count / source->columns, source->columns);
  if (source->rows > SIZE_MAX / sizeof(double) / bound / features)
    return tensor_fail_memory(tensor);
  double *padded = calloc(source->rows * bound * features, sizeof *padded);
  if (!padded) return tensor_fail_memory(tensor);
  for (size_t i = 0; i < source->rows && !tensor_check_steps(tensor, source->row_steps[i]); i++) {
    memcpy(padded + i * bound * features, tensor->values + at,
           source->row_steps[i] * features * sizeof *padded);
    at += source->row_steps[i] * features;
  }
  free(tensor->values);
  tensor->values = padded;
  if (source->status) return source->status;
  tensor->time_major = true;
  tensor->samples = source->rows;
  tensor->many = tensor->samples > 1;
  tensor->per_sample = bound * features;
  tensor->steps = bound;
  tensor->varies = tensor->port->time == GRUS_TIME_BOUNDED;
  return GRUS_EXIT_OK;
}

/* The layout of rows: .csv and .wav. */
static int tensor_layout_rows(HostTensor *tensor) {
  const GrusPort *port = tensor->port;
  size_t features = host_port_features(port);
  if (tensor->source.rows && host_port_has_time(port))
    return tensor_layout_samples(tensor, features);
  uint64_t columns = tensor->source.columns, rows = tensor->count / columns;
  tensor->per_sample = tensor->count;
  if (host_port_has_time(port)) {
    tensor->time_major = true;
    if (columns == features) return tensor_check_steps(tensor, rows);
    if (rows == 1 && features == 1) return tensor_check_steps(tensor, columns);
    return tensor_fail_columns(tensor, rows, columns);
  }
  tensor->steps = 1;
  size_t row = port->rank >= 2 ? features / port->axes[0].size : features;
  bool rows_are_matrix = port->rank >= 2 && columns == row && tensor->count % features == 0;
  if (columns != features && !rows_are_matrix && !(columns == 1 && rows == features))
    return tensor_fail_columns(tensor, rows, columns);
  tensor->per_sample = features;
  tensor->samples = tensor->count / features;
  tensor->many = tensor->samples > 1;
  return GRUS_EXIT_OK;
}

/* The layout of JSON lines: each line is a sample, padded to the bound. */
static int tensor_layout_json(HostTensor *tensor) {
  tensor->per_sample = host_port_count(tensor->port);
  tensor->samples = tensor->source.rows;
  tensor->many = tensor->samples > 1;
  tensor->steps = host_port_sizes(tensor->port).steps;
  tensor->varies = tensor->port->time == GRUS_TIME_BOUNDED;
  return GRUS_EXIT_OK;
}

static int tensor_layout(HostTensor *tensor) {
  const GrusPort *port = tensor->port;
  HostFormat format = tensor->source.style.format;
  if (format == HOST_FORMAT_NPY) return tensor_layout_npy(tensor);
  /* One number more than the longest sequence shows that there are too many. */
  size_t limit = host_port_has_time(port) && format != HOST_FORMAT_RAW &&
                         format != HOST_FORMAT_JSON && !tensor->source.id_name
                     ? host_port_count(port)
                     : SIZE_MAX;
  int status = tensor_read_all(tensor, limit);
  if (status) return status;
  if (tensor->count == 0) {
    host_source_fail(&tensor->source, GRUS_EXIT_DATA, "holds 0 samples");
    host_source_needs(&tensor->source);
    return tensor->source.status;
  }
  if (format == HOST_FORMAT_JSON) return tensor_layout_json(tensor);
  bool rows = format == HOST_FORMAT_CSV || format == HOST_FORMAT_WAV;
  return rows ? tensor_layout_rows(tensor) : tensor_layout_flat(tensor);
}

static void tensor_start(HostTensor *tensor, const GrusProgram *program, const HostLog *log,
                         const HostOptions *options, const GrusPort *port) {
  tensor->port = port;
  tensor->samples = tensor->steps = 1;
  host_options_source(options, program, log, port, &tensor->source);
}

/* Finds the layout of an open source, and takes memory for one sample. */
static int tensor_finish(HostTensor *tensor, bool single) {
  HostSource *source = &tensor->source;
  int status = tensor_layout(tensor);
  if (status) return status;
  if (single && tensor->many) {
    host_source_fail(source, GRUS_EXIT_DATA, "%" PRIu64 " samples, `%s` takes one", tensor->samples,
                     tensor->port->name);
    host_source_needs(source);
    return source->status;
  }
  if (tensor->whole) return GRUS_EXIT_OK;
  tensor->values = calloc(tensor->per_sample, sizeof *tensor->values);
  return tensor->values ? GRUS_EXIT_OK : tensor_fail_memory(tensor);
}

int host_tensor_memory(HostTensor *tensor, const GrusProgram *program, const HostLog *log,
                       const HostOptions *options, const GrusPort *port, const void *memory,
                       size_t size, HostStyle style, bool single) {
  tensor_start(tensor, program, log, options, port);
  tensor->source.name = port->name;
  int status = host_source_memory(&tensor->source, memory, size, style);
  return status ? status : tensor_finish(tensor, single);
}

int host_tensor_open(HostTensor *tensor, const GrusProgram *program, const HostLog *log,
                     const HostOptions *options, const GrusPort *port, const char *value,
                     bool single) {
  if (host_is_numbers(value)) {
    HostStyle style = {HOST_FORMAT_NUMBERS, {0, 0, false}};
    return host_tensor_memory(tensor, program, log, options, port, value, strlen(value), style,
                              single);
  }
  tensor_start(tensor, program, log, options, port);
  int status = host_source_open(&tensor->source, value, host_options_in_style(options, value));
  return status ? status : tensor_finish(tensor, single);
}

const double *host_tensor_next(HostTensor *tensor) {
  uint64_t which = tensor->many ? tensor->next : 0;
  tensor->sample_steps = tensor->varies ? tensor->source.row_steps[which] : tensor->steps;
  if (tensor->whole) {
    tensor->next += tensor->many;
    return tensor->values + which * tensor->per_sample;
  }
  if (!tensor->many && tensor->next) return tensor->values;
  size_t filled = 0, n;
  while (filled < tensor->per_sample &&
         (n = host_source_read(&tensor->source, tensor->values + filled,
                               tensor->per_sample - filled)) > 0)
    filled += n;
  if (filled < tensor->per_sample) return NULL;
  tensor->next++;
  return tensor->values;
}

void host_tensor_close(HostTensor *tensor) {
  host_source_close(&tensor->source);
  free(tensor->values);
  tensor->values = NULL;
}
