/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Models of whole sequences: for each group of `batch` samples, it copies the inputs to buffers,
 * calls run, and writes the outputs to sinks. */
#include "host_posix.h"

#include "host_output.h"
#include "host_progress.h"
#include "host_run.h"
#include "host_signal.h"
#include "host_system.h"
#include "host_tensor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct WholeRun {
  const GrusProgram *program;
  const HostLog *log;
  const HostOptions *options;
  size_t in_count;
  HostTensor *inputs;     /* in_count, then one per length */
  GrusPort *length_ports; /* a scalar input for each length given on the command line */
  size_t *file_steps;     /* per length: steps of its inputs in their files */
  size_t *lengths;        /* [length][batch] */
  void **in, **out;       /* buffers of all lanes */
  double *values;         /* one sample of the largest output */
  bool many;
  uint64_t samples;
  HostOutputs outputs;
} WholeRun;

void *host_buffer_new(size_t size, size_t align) {
  if (align < 64) align = 64;
  if (size == 0) size = 1;
  void *buffer = host_system_allocate(size, align);
  return buffer ? memset(buffer, 0, size) : NULL;
}

static HostTensor *whole_length_tensor(const WholeRun *whole, size_t length) {
  return whole->options->lengths[length] ? &whole->inputs[whole->in_count + length] : NULL;
}

static int whole_open_lengths(WholeRun *whole) {
  for (size_t i = 0; i < whole->program->length_count; i++) {
    const char *value = whole->options->lengths[i];
    GrusPort *port = &whole->length_ports[i];
    port->name = whole->program->lengths[i].name ? whole->program->lengths[i].name : "length";
    port->elem = GRUS_ELEM_I32;
    port->time_axis = port->length = -1;
    port->period = 1;
    whole->inputs[whole->in_count + i].source.bytes.fd = -1;
    if (!value) continue;
    int status = host_tensor_open(&whole->inputs[whole->in_count + i], whole->program, whole->log,
                                  whole->options, port, value, false);
    if (status) return status;
  }
  return GRUS_EXIT_OK;
}

/* Reports inputs that share a length and have different numbers of steps. */
static int whole_check_length(WholeRun *whole, const HostTensor *tensor) {
  const GrusPort *port = tensor->port;
  if (port->time != GRUS_TIME_BOUNDED) return GRUS_EXIT_OK;
  size_t *steps = &whole->file_steps[port->length];
  for (const HostTensor *other = whole->inputs; *steps && other < tensor; other++)
    if (other->port->time == GRUS_TIME_BOUNDED && other->port->length == port->length &&
        !other->varies && !tensor->varies && other->steps != tensor->steps) {
      host_error(whole->log, GRUS_EXIT_DATA, "%s: %zu time steps, but %s has %zu",
                 tensor->source.name, tensor->steps, other->source.name, other->steps);
      host_detail(whole->log, "needs", "the same number: `%s` and `%s` share their length",
                  port->name, other->port->name);
      return GRUS_EXIT_DATA;
    }
  if (tensor->steps > *steps) *steps = tensor->steps;
  return GRUS_EXIT_OK;
}

/* Finds the number of samples. All inputs with an axis of samples must agree; the others are the
 * same for every sample. */
static int whole_check_samples(WholeRun *whole) {
  const HostTensor *first = NULL;
  whole->samples = 1;
  for (size_t i = 0; i < whole->in_count + whole->program->length_count; i++) {
    const HostTensor *tensor = &whole->inputs[i];
    if (!tensor->many) continue;
    whole->many = true;
    if (first && tensor->samples != first->samples)
      return host_error(whole->log, GRUS_EXIT_DATA, "%s: %" PRIu64 " samples, but %s has %" PRIu64,
                        tensor->source.name, tensor->samples, first->source.name, first->samples);
    if (!first) first = tensor;
    whole->samples = tensor->samples;
  }
  return GRUS_EXIT_OK;
}

static int whole_open_inputs(WholeRun *whole) {
  const GrusProgram *program = whole->program;
  size_t at = 0;
  for (size_t i = 0; i < program->port_count; i++) {
    const GrusPort *port = &program->ports[i];
    if (port->role != GRUS_ROLE_IN) continue;
    HostTensor *tensor = &whole->inputs[at++];
    int status = host_tensor_open(tensor, program, whole->log, whole->options, port,
                                  whole->options->values[i], false);
    if (!status) status = whole_check_length(whole, tensor);
    if (status) return status;
  }
  int status = whole_open_lengths(whole);
  return status ? status : whole_check_samples(whole);
}

/* How many steps a port of bounded length has if the value of its length is n. */
static size_t steps_of_length(const GrusPort *port, size_t n) {
  if (!port->length_hop) return n;
  return n < port->length_size ? 0 : (n - port->length_size) / port->length_hop + 1;
}

/* How many steps a port has in files. */
static size_t whole_steps(const WholeRun *whole, const GrusPort *port) {
  if (port->time != GRUS_TIME_BOUNDED) return host_port_sizes(port).steps;
  return steps_of_length(port, whole->file_steps[port->length]);
}

static bool sink_time_major(const HostSink *sink) {
  return sink->style.format == HOST_FORMAT_CSV || sink->style.format == HOST_FORMAT_WAV;
}

static int whole_begin_sink(WholeRun *whole, HostSink *sink) {
  const GrusPort *port = sink->port;
  size_t steps = whole_steps(whole, port), features = host_port_features(port);
  bool matrix = !host_port_has_time(port) && port->rank >= 2;
  sink->rank = 0;
  if (whole->many) sink->shape[sink->rank++] = whole->samples;
  for (int i = 0; i < port->rank; i++)
    sink->shape[sink->rank++] = i == port->time_axis ? steps : port->axes[i].size;
  sink->columns = matrix ? features / port->axes[0].size : features;
  if (whole->many && (matrix || host_port_has_time(port)))
    sink->block = matrix ? port->axes[0].size : steps;
  if (sink->style.format == HOST_FORMAT_WAV && whole->many) {
    host_error(whole->log, GRUS_EXIT_USAGE, "%s: a .wav holds one sequence, these are %" PRIu64,
               sink->name, whole->samples);
    host_detail(whole->log, "try", ".npy");
    return GRUS_EXIT_USAGE;
  }
  return host_sink_begin(sink);
}

static int whole_open_outputs(WholeRun *whole) {
  size_t count = whole->in_count;
  const HostSource **sources = calloc(count + 1, sizeof *sources);
  if (!sources) return host_error(whole->log, GRUS_EXIT_FILE, "not enough memory");
  for (size_t i = 0; i < count; i++)
    sources[i] = &whole->inputs[i].source;
  int status = host_outputs_open(&whole->outputs, whole->program, whole->log, whole->options,
                                 sources, count);
  free(sources);
  for (size_t i = 0; i < whole->outputs.count && !status; i++)
    if (whole->outputs.sinks[i].port) status = whole_begin_sink(whole, &whole->outputs.sinks[i]);
  return status;
}

static int whole_allocate(WholeRun *whole) {
  const GrusProgram *program = whole->program;
  size_t in = 0, out = 0, largest = 1;
  for (size_t i = 0; i < program->port_count; i++) {
    const GrusPort *port = &program->ports[i];
    size_t count = host_port_count(port);
    void **slot = port->role == GRUS_ROLE_OUT ? &whole->out[out++] : &whole->in[in++];
    *slot = host_buffer_new(program->batch * count * host_elem_size(port->elem), 0);
    if (!*slot) return host_error(whole->log, GRUS_EXIT_FILE, "not enough memory");
    if (count > largest) largest = count;
  }
  whole->values = malloc(largest * sizeof *whole->values);
  return whole->values ? GRUS_EXIT_OK : host_error(whole->log, GRUS_EXIT_FILE, "not enough memory");
}

/* How many steps the samples that were just read have of a length; 0 after reporting that they
 * differ. */
static size_t whole_sample_steps(WholeRun *whole, size_t length) {
  const HostTensor *first = NULL;
  for (size_t i = 0; i < whole->in_count; i++) {
    const HostTensor *tensor = &whole->inputs[i];
    if (tensor->port->time != GRUS_TIME_BOUNDED || (size_t)tensor->port->length != length) continue;
    if (first && first->sample_steps != tensor->sample_steps) {
      host_error(whole->log, GRUS_EXIT_DATA,
                 "%s: sample %" PRIu64 " has %zu time steps, in %s it has %zu", tensor->source.name,
                 tensor->next, tensor->sample_steps, first->source.name, first->sample_steps);
      host_detail(whole->log, "needs", "the same number: `%s` and `%s` share their length",
                  first->port->name, tensor->port->name);
      return 0;
    }
    first = tensor;
  }
  return first ? first->sample_steps : whole->file_steps[length];
}

/* Sets the lengths of sample b of the group: those of the command line, otherwise those of the
 * files. */
static int whole_read_lengths(WholeRun *whole, size_t b) {
  size_t batch = whole->program->batch;
  for (size_t i = 0; i < whole->program->length_count; i++) {
    HostTensor *tensor = whole_length_tensor(whole, i);
    size_t steps = whole_sample_steps(whole, i);
    if (!steps) return GRUS_EXIT_DATA;
    whole->lengths[i * batch + b] = steps;
    if (!tensor) continue;
    const double *value = host_tensor_next(tensor);
    if (!value) return tensor->source.status ? tensor->source.status : 128 + host_signal_seen();
    if (*value < 1 || *value > (double)steps)
      return host_error(whole->log, GRUS_EXIT_DATA,
                        "%s: length %.0f, the inputs hold 1 to %zu time steps", tensor->source.name,
                        *value, steps);
    whole->lengths[i * batch + b] = (size_t)*value;
  }
  return GRUS_EXIT_OK;
}

/* How many steps of a port are valid in sample b of the group. */
static size_t whole_valid(const WholeRun *whole, const GrusPort *port, size_t b) {
  if (port->time != GRUS_TIME_BOUNDED) return host_port_sizes(port).steps;
  return steps_of_length(port, whole->lengths[(size_t)port->length * whole->program->batch + b]);
}

static int whole_read_lane(WholeRun *whole, size_t b) {
  for (size_t i = 0; i < whole->in_count; i++) {
    HostTensor *tensor = &whole->inputs[i];
    tensor->sample = host_tensor_next(tensor);
    if (!tensor->sample)
      return tensor->source.status ? tensor->source.status : 128 + host_signal_seen();
  }
  int status = whole_read_lengths(whole, b);
  for (size_t i = 0; i < whole->in_count && !status; i++) {
    HostTensor *tensor = &whole->inputs[i];
    const GrusPort *port = tensor->port;
    const double *values = tensor->sample;
    size_t lane = host_port_count(port) * host_elem_size(port->elem);
    host_port_scatter(port, tensor->steps, whole_valid(whole, port, b), tensor->time_major, values,
                      (unsigned char *)whole->in[i] + b * lane);
  }
  return status;
}

/* Fills the rest of the last group with copies of its first sample, whose lengths and indices are
 * valid. */
static void whole_fill_lanes(WholeRun *whole, size_t used) {
  size_t batch = whole->program->batch;
  for (size_t b = used; b < batch; b++) {
    for (size_t i = 0; i < whole->program->length_count; i++)
      whole->lengths[i * batch + b] = whole->lengths[i * batch];
    for (size_t i = 0; i < whole->in_count; i++) {
      const GrusPort *port = whole->inputs[i].port;
      size_t lane = host_port_count(port) * host_elem_size(port->elem);
      memcpy((unsigned char *)whole->in[i] + b * lane, whole->in[i], lane);
    }
  }
}

static int whole_write_lane(WholeRun *whole, size_t b) {
  for (size_t i = 0; i < whole->outputs.count; i++) {
    HostSink *sink = &whole->outputs.sinks[i];
    const GrusPort *port = sink->port;
    if (!port) continue;
    size_t lane = host_port_count(port) * host_elem_size(port->elem);
    size_t steps = sink->style.format == HOST_FORMAT_JSON ? whole_valid(whole, port, b)
                                                          : whole_steps(whole, port);
    for (sink->row_rank = 0; sink->row_rank < port->rank; sink->row_rank++)
      sink->row_shape[sink->row_rank] =
          sink->row_rank == port->time_axis ? steps : port->axes[sink->row_rank].size;
    host_port_gather(port, steps, whole_valid(whole, port, b), sink_time_major(sink),
                     (unsigned char *)whole->out[i] + b * lane, whole->values);
    int status = host_sink_write(sink, whole->values, steps * host_port_features(port));
    if (status) return status;
  }
  return GRUS_EXIT_OK;
}

static int whole_group(WholeRun *whole, uint64_t sample, size_t used) {
  int status = GRUS_EXIT_OK;
  for (size_t b = 0; b < used && !status; b++)
    status = whole_read_lane(whole, b);
  if (status) return status;
  whole_fill_lanes(whole, used);
  const GrusProgram *program = whole->program;
  int result = program->run(program->length_count ? whole->lengths : NULL,
                            (const void *const *)whole->in, (void *const *)whole->out);
  if (result != GRUS_OK)
    return host_error(
        whole->log, GRUS_EXIT_DATA, "the model refused sample %" PRIu64 ": %s", sample,
        result == GRUS_BAD_INDEX ? "an index is out of range" : "a length is out of range");
  for (size_t b = 0; b < used && !status; b++)
    status = whole_write_lane(whole, b);
  return status;
}

static int whole_loop(WholeRun *whole, bool show) {
  HostProgress progress = {0};
  progress.log = whole->log;
  progress.enabled = show;
  progress.total = whole->samples;
  progress.unit = "samples";
  host_progress_start(&progress);
  int status = GRUS_EXIT_OK;
  for (uint64_t sample = 0; sample < whole->samples && !status; sample += whole->program->batch) {
    uint64_t left = whole->samples - sample;
    size_t used = left < whole->program->batch ? (size_t)left : whole->program->batch;
    status = host_signal_seen() ? 128 + host_signal_seen() : whole_group(whole, sample, used);
    host_progress_update(&progress, sample + used);
  }
  host_progress_end(&progress);
  return status;
}

static void whole_free(WholeRun *whole, bool committed) {
  size_t tensors = whole->in_count + whole->program->length_count;
  host_outputs_close(&whole->outputs, committed);
  for (size_t i = 0; whole->inputs && i < tensors; i++)
    host_tensor_close(&whole->inputs[i]);
  for (size_t i = 0; whole->in && whole->out && i < whole->program->port_count; i++) {
    host_system_free(whole->in[i]);
    host_system_free(whole->out[i]);
  }
  free(whole->inputs);
  free(whole->length_ports);
  free(whole->file_steps);
  free(whole->lengths);
  free(whole->in);
  free(whole->out);
  free(whole->values);
}

int host_run_whole(const GrusProgram *program, const HostLog *log, const HostOptions *options,
                   bool progress) {
  WholeRun whole = {0};
  whole.program = program;
  whole.log = log;
  whole.options = options;
  for (size_t i = 0; i < program->port_count; i++)
    whole.in_count += program->ports[i].role == GRUS_ROLE_IN;
  size_t tensors = whole.in_count + program->length_count + 1, ports = program->port_count + 1;
  whole.inputs = calloc(tensors, sizeof *whole.inputs);
  for (size_t i = 0; whole.inputs && i < tensors; i++)
    whole.inputs[i].source.bytes.fd = -1;
  whole.length_ports = calloc(program->length_count + 1, sizeof *whole.length_ports);
  whole.file_steps = calloc(program->length_count + 1, sizeof *whole.file_steps);
  whole.lengths = calloc(program->length_count * program->batch + 1, sizeof *whole.lengths);
  whole.in = calloc(ports, sizeof *whole.in);
  whole.out = calloc(ports, sizeof *whole.out);
  int status = GRUS_EXIT_OK;
  if (!whole.inputs || !whole.length_ports || !whole.file_steps || !whole.lengths || !whole.in ||
      !whole.out)
    status = host_error(log, GRUS_EXIT_FILE, "not enough memory");
  if (!status) status = whole_open_inputs(&whole);
  if (!status) status = whole_allocate(&whole);
  if (!status) status = whole_open_outputs(&whole);
  if (!status) status = whole_loop(&whole, progress);
  if (!status) status = host_outputs_commit(&whole.outputs);
  whole_free(&whole, status == GRUS_EXIT_OK);
  return status;
}
