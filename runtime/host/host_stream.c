/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Streams and windows: one call of reset, then calls of step or push until the input ends.
 *
 * An input that ends inside of a call is padded with zeros. Of the outputs of that call, the share
 * is kept that the real steps have of the whole: if a call takes 160 steps and gives 160, 37 steps
 * give 37; if it gives 1, they give none. The models are causal, so a larger --chunk does not
 * change the output. */
#include "host_posix.h"

#include "host_feed.h"
#include "host_output.h"
#include "host_progress.h"
#include "host_run.h"
#include "host_signal.h"
#include "host_system.h"
#include "host_tensor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct Stream {
  const GrusProgram *program;
  const HostLog *log;
  const HostOptions *options;
  size_t feed_count;
  HostFeed *feeds;
  void **feed_buffers; /* the feed_count buffers among `in` that feeds fill */
  void **in, **init, **out;
  void *state;
  double *values; /* memory for the largest output of one call */
  uint64_t outputs_given;
  HostOutputs outputs;
} Stream;

static bool port_is_streamed(const GrusPort *port) {
  return port->role == GRUS_ROLE_IN &&
         (port->time == GRUS_TIME_STREAM || port->time == GRUS_TIME_WINDOW);
}

static int stream_memory(const Stream *stream) {
  return host_error(stream->log, GRUS_EXIT_FILE, "not enough memory");
}

/* Reads a value that is the same for the whole run. */
static int stream_read_constant(Stream *stream, const GrusPort *port, const char *value,
                                void *buffer) {
  HostTensor tensor;
  memset(&tensor, 0, sizeof tensor);
  int status =
      host_tensor_open(&tensor, stream->program, stream->log, stream->options, port, value, true);
  const double *values = status ? NULL : host_tensor_next(&tensor);
  if (values)
    host_port_scatter(port, tensor.steps, tensor.steps, tensor.time_major, values, buffer);
  if (!status && !values)
    status = tensor.source.status ? tensor.source.status : 128 + host_signal_seen();
  host_tensor_close(&tensor);
  return status;
}

static int stream_open_inputs(Stream *stream) {
  const GrusProgram *program = stream->program;
  size_t in = 0, init = 0, out = 0, largest = 1;
  for (size_t i = 0; i < program->port_count; i++) {
    const GrusPort *port = &program->ports[i];
    const char *value = stream->options->values[i];
    size_t count = host_port_count(port);
    void *buffer = host_buffer_new(count * host_elem_size(port->elem), 0);
    if (port->role == GRUS_ROLE_OUT)
      stream->out[out++] = buffer;
    else if (port->role == GRUS_ROLE_INIT)
      stream->init[init++] = buffer;
    else
      stream->in[in++] = buffer;
    if (!buffer) return stream_memory(stream);
    if (count > largest) largest = count;
    int status = GRUS_EXIT_OK;
    if (port_is_streamed(port)) {
      stream->feed_buffers[stream->feed_count] = buffer;
      status = host_feed_open(&stream->feeds[stream->feed_count++], program, stream->log,
                              stream->options, port, value);
    } else if (port->role != GRUS_ROLE_OUT && value) {
      status = stream_read_constant(stream, port, value, buffer);
    }
    if (status) return status;
  }
  stream->values = malloc(largest * sizeof *stream->values);
  stream->state = host_buffer_new(program->state_size, program->state_align);
  return stream->values && stream->state ? GRUS_EXIT_OK : stream_memory(stream);
}

/* Begins an output. A stream grows along its time axis. Any other output is given once a call,
 * along a new first axis. */
static int stream_begin_sink(HostSink *sink) {
  const GrusPort *port = sink->port;
  bool grows = port->time == GRUS_TIME_STREAM;
  sink->rank = 1;
  sink->shape[0] = HOST_SIZE_UNKNOWN;
  for (int i = grows ? 1 : 0; i < port->rank; i++)
    sink->shape[sink->rank++] = port->axes[i].size;
  sink->columns = host_port_features(port);
  sink->row_rank = sink->rank - 1;
  memcpy(sink->row_shape, sink->shape + 1, (size_t)sink->row_rank * sizeof *sink->shape);
  if (!grows && host_port_has_time(port)) sink->block = host_port_sizes(port).steps;
  if (sink->style.format == HOST_FORMAT_NPY && !sink->seekable) {
    host_error(sink->log, GRUS_EXIT_USAGE,
               "%s: an .npy begins with its length, which a stream does not know", sink->name);
    host_detail(sink->log, "try", "raw or csv, or a file");
    return GRUS_EXIT_USAGE;
  }
  return host_sink_begin(sink);
}

static int stream_open_outputs(Stream *stream) {
  const HostSource **sources = calloc(stream->feed_count + 1, sizeof *sources);
  if (!sources) return stream_memory(stream);
  for (size_t i = 0; i < stream->feed_count; i++)
    sources[i] = &stream->feeds[i].source;
  int status = host_outputs_open(&stream->outputs, stream->program, stream->log, stream->options,
                                 sources, stream->feed_count);
  free(sources);
  for (size_t i = 0; i < stream->outputs.count && !status; i++)
    if (stream->outputs.sinks[i].port) status = stream_begin_sink(&stream->outputs.sinks[i]);
  return status;
}

/* Reports inputs of which one ends earlier than another: their steps must last equally long. */
static int stream_check_clock(Stream *stream, const size_t *steps) {
  for (size_t i = 1; i < stream->feed_count; i++) {
    const HostFeed *a = &stream->feeds[0], *b = &stream->feeds[i];
    if (steps[0] * a->port->period == steps[i] * b->port->period) continue;
    const HostFeed *longer = steps[0] * a->port->period > steps[i] * b->port->period ? a : b;
    const HostFeed *shorter = longer == a ? b : a;
    host_error(stream->log, GRUS_EXIT_DATA, "%s ends after %" PRIu64 " steps, %s goes on",
               shorter->source.name, shorter->steps, longer->source.name);
    host_detail(stream->log, "needs", "inputs of the same duration: `%s` and `%s`",
                shorter->port->name, longer->port->name);
    return GRUS_EXIT_DATA;
  }
  return GRUS_EXIT_OK;
}

static int stream_read(Stream *stream, size_t *steps) {
  for (size_t i = 0; i < stream->feed_count; i++) {
    int status = GRUS_EXIT_OK;
    if (host_feed_would_wait(&stream->feeds[i])) status = host_outputs_flush(&stream->outputs);
    if (!status) status = host_feed_take(&stream->feeds[i], stream->feed_buffers[i], &steps[i]);
    if (status) return status;
  }
  return stream_check_clock(stream, steps);
}

/* Writes the outputs of a call of which `real` of `full` steps were in the first input. */
static int stream_write(Stream *stream, size_t real, size_t full) {
  for (size_t i = 0; i < stream->outputs.count; i++) {
    HostSink *sink = &stream->outputs.sinks[i];
    const GrusPort *port = sink->port;
    if (!port) continue;
    bool grows = port->time == GRUS_TIME_STREAM;
    size_t steps = grows ? host_port_sizes(port).steps : 1, kept = steps * real / full;
    size_t step = host_port_count(port) / steps;
    if (!kept) continue;
    stream->outputs_given++;
    if (grows || !host_port_has_time(port))
      host_elem_decode(port->elem, stream->out[i], stream->values, kept * step);
    else
      host_port_gather(port, host_port_sizes(port).steps, host_port_sizes(port).steps,
                       sink->style.format == HOST_FORMAT_CSV, stream->out[i], stream->values);
    int status = host_sink_write(sink, stream->values, kept * step);
    if (status) return status;
  }
  return GRUS_EXIT_OK;
}

static int stream_call(Stream *stream) {
  const GrusProgram *program = stream->program;
  const void *const *in = (const void *const *)stream->in;
  void *const *out = (void *const *)stream->out;
  if (program->kind == GRUS_KIND_WINDOW) return program->push(stream->state, in, out);
  return program->step(stream->state, in, out);
}

/* Says how many steps at the end were too few for a step of an output. */
static void stream_note_rest(const Stream *stream, size_t real, size_t full) {
  for (size_t i = 0; i < stream->outputs.count; i++) {
    const GrusPort *port = stream->outputs.sinks[i].port;
    if (!port || port->time != GRUS_TIME_STREAM) continue;
    size_t steps = host_port_sizes(port).steps, each = full / steps;
    if (each <= 1 || real % each == 0) continue;
    host_note(stream->log, "the last %zu steps of `%s` do not fill one step of `%s` (%zu)",
              real % each, stream->feeds[0].port->name, port->name, each);
  }
}

static int stream_fail_silent(Stream *stream) {
  const HostFeed *feed = &stream->feeds[0];
  if (feed->steps == 0) {
    host_error(stream->log, GRUS_EXIT_DATA, "%s: holds 0 samples", feed->source.name);
    host_source_needs(&feed->source);
    return GRUS_EXIT_DATA;
  }
  host_error(stream->log, GRUS_EXIT_DATA,
             "%s: ends after %" PRIu64 " steps, before the first output", feed->source.name,
             feed->steps);
  if (feed->port->time == GRUS_TIME_WINDOW)
    host_detail(stream->log, "needs", "%zu steps for the first window",
                feed->port->axes[feed->port->time_axis].size);
  return GRUS_EXIT_DATA;
}

static int stream_loop(Stream *stream, HostProgress *progress) {
  size_t steps[64];
  const HostFeed *first = &stream->feeds[0];
  size_t full = first->need / first->features;
  for (;;) {
    if (host_signal_seen()) return 128 + host_signal_seen();
    int status = stream_read(stream, steps);
    if (status) return status;
    if (steps[0] == 0) break;
    int result = stream_call(stream);
    if (result == GRUS_OK)
      status = stream_write(stream, steps[0], full);
    else if (result != GRUS_NO_OUTPUT)
      return host_error(stream->log, GRUS_EXIT_DATA, "the model refused step %" PRIu64 ": %s",
                        first->steps - steps[0],
                        result == GRUS_BAD_INDEX ? "an index is out of range"
                                                 : "a length is out of range");
    if (status) return status;
    host_progress_update(progress, first->steps);
    if (steps[0] == full) continue;
    stream_note_rest(stream, steps[0], full);
    break;
  }
  bool none_expected = stream->outputs.count == 0; /* as if the program only observes its inputs */
  return stream->outputs_given || none_expected ? GRUS_EXIT_OK : stream_fail_silent(stream);
}

static int stream_work(Stream *stream, bool show) {
  if (stream->feed_count == 0 || stream->feed_count > 64)
    return host_error(stream->log, GRUS_EXIT_USAGE, "a stream needs 1 to 64 streamed inputs");
  const HostFeed *first = &stream->feeds[0];
  HostProgress progress = {0};
  progress.log = stream->log;
  progress.enabled = show;
  progress.total = host_feed_total(first);
  progress.rate = first->port->rate > 0 ? first->port->rate : first->source.rate;
  progress.unit = "steps";
  if (stream->program->reset(stream->state, (const void *const *)stream->init) != GRUS_OK)
    return host_error(stream->log, GRUS_EXIT_DATA, "the model refused its initial state");
  host_progress_start(&progress);
  int status = stream_loop(stream, &progress);
  host_progress_end(&progress);
  return status;
}

static void stream_free(Stream *stream, bool committed) {
  host_outputs_close(&stream->outputs, committed);
  for (size_t i = 0; i < stream->feed_count; i++)
    host_feed_close(&stream->feeds[i]);
  for (size_t i = 0; i < stream->program->port_count; i++) {
    if (stream->in) host_system_free(stream->in[i]);
    if (stream->init) host_system_free(stream->init[i]);
    if (stream->out) host_system_free(stream->out[i]);
  }
  free(stream->feeds);
  free(stream->feed_buffers);
  free(stream->in);
  free(stream->init);
  free(stream->out);
  host_system_free(stream->state);
  free(stream->values);
}

int host_run_stream(const GrusProgram *program, const HostLog *log, const HostOptions *options,
                    bool progress) {
  Stream stream;
  memset(&stream, 0, sizeof stream);
  stream.program = program;
  stream.log = log;
  stream.options = options;
  size_t ports = program->port_count + 1;
  stream.feeds = calloc(ports, sizeof *stream.feeds);
  stream.feed_buffers = calloc(ports, sizeof *stream.feed_buffers);
  stream.in = calloc(ports, sizeof *stream.in);
  stream.init = calloc(ports, sizeof *stream.init);
  stream.out = calloc(ports, sizeof *stream.out);
  int status = GRUS_EXIT_OK;
  if (!stream.feeds || !stream.feed_buffers || !stream.in || !stream.init || !stream.out)
    status = stream_memory(&stream);
  if (!status) status = stream_open_inputs(&stream);
  if (!status) status = stream_open_outputs(&stream);
  if (!status) status = stream_work(&stream, progress);
  if (!status) status = host_outputs_commit(&stream.outputs);
  stream_free(&stream, status == GRUS_EXIT_OK);
  return status;
}
