/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inputs of streams: compares the shape of the file with the port, and reads its steps block by
 * block. */
#include "host_posix.h"

#include "host_feed.h"
#include "host_signal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FEED_BLOCK = 4096 };

/* An .npy has the axes of the port, with time first. */
static int feed_check_npy(HostFeed *feed) {
  const GrusPort *port = feed->port;
  HostSource *source = &feed->source;
  bool fits = source->rank == port->rank;
  for (int i = 0, at = 1; i < port->rank && fits; i++)
    if (i != port->time_axis) fits = source->shape[at++] == port->axes[i].size;
  if (fits && source->shape[0] > 0) return GRUS_EXIT_OK;
  HostText shape = {{0}, 0};
  host_text_shape(&shape, source->rank, source->shape);
  if (fits)
    host_source_fail(source, GRUS_EXIT_DATA, "holds 0 samples");
  else
    host_source_fail(source, GRUS_EXIT_DATA, "shape %s does not fit input `%s`", shape.s,
                     port->name);
  host_source_needs(source);
  if (source->rank == port->rank + 1)
    host_detail(source->log, "try", "one stream at a time, without the leading axis");
  return source->status;
}

static int feed_check(HostFeed *feed) {
  HostSource *source = &feed->source;
  if (source->style.format == HOST_FORMAT_NPY) return feed_check_npy(feed);
  if (source->style.format != HOST_FORMAT_CSV || source->columns == feed->features)
    return GRUS_EXIT_OK;
  host_source_fail(source, GRUS_EXIT_DATA, "%" PRIu64 " column%s, input `%s` needs %zu",
                   source->columns, source->columns == 1 ? "" : "s", feed->port->name,
                   feed->features);
  host_source_needs(source);
  return source->status;
}

int host_feed_open(HostFeed *feed, const GrusProgram *program, const HostLog *log,
                   const HostOptions *options, const GrusPort *port, const char *value) {
  HostSource *source = &feed->source;
  feed->port = port;
  feed->need = host_port_count(port);
  feed->features = host_port_features(port);
  feed->capacity = feed->need > FEED_BLOCK ? feed->need : FEED_BLOCK;
  host_options_source(options, program, log, port, source);
  if (options->id_name)
    return host_error(log, GRUS_EXIT_USAGE,
                      "--id tells samples of whole sequences apart, `%s` is a stream", port->name);
  feed->block = malloc(feed->capacity * sizeof *feed->block);
  if (!feed->block) return host_error(log, GRUS_EXIT_FILE, "not enough memory");
  int status;
  if (host_is_numbers(value)) {
    HostStyle style = {HOST_FORMAT_NUMBERS, {0, 0, false}};
    source->name = port->name;
    status = host_source_memory(source, value, strlen(value), style);
  } else {
    status = host_source_open(source, value, host_options_in_style(options, value));
  }
  return status ? status : feed_check(feed);
}

bool host_feed_would_wait(const HostFeed *feed) {
  const HostBytes *bytes = &feed->source.bytes;
  return feed->length - feed->at < feed->need && bytes->fd >= 0 && bytes->size == HOST_SIZE_UNKNOWN;
}

static int feed_fill(HostFeed *feed) {
  if (feed->length - feed->at >= feed->need) return GRUS_EXIT_OK;
  memmove(feed->block, feed->block + feed->at, (feed->length - feed->at) * sizeof *feed->block);
  feed->length -= feed->at;
  feed->at = 0;
  while (feed->length < feed->need) {
    size_t n =
        host_source_read(&feed->source, feed->block + feed->length, feed->capacity - feed->length);
    if (!n) break;
    feed->length += n;
  }
  if (feed->source.status) return feed->source.status;
  return host_signal_seen() ? 128 + host_signal_seen() : GRUS_EXIT_OK;
}

int host_feed_take(HostFeed *feed, void *buffer, size_t *out_steps) {
  int status = feed_fill(feed);
  if (status) return status;
  size_t have = feed->length - feed->at, size = host_elem_size(feed->port->elem);
  if (have > feed->need) have = feed->need;
  if (have % feed->features) {
    host_source_fail(&feed->source, GRUS_EXIT_DATA,
                     "ends in the middle of a step: %zu of its %zu numbers after %" PRIu64 " steps",
                     have % feed->features, feed->features, feed->steps + have / feed->features);
    return feed->source.status;
  }
  host_elem_encode(feed->port->elem, feed->block + feed->at, buffer, have);
  memset((unsigned char *)buffer + have * size, 0, (feed->need - have) * size);
  feed->at += have;
  *out_steps = have / feed->features;
  feed->steps += *out_steps;
  return GRUS_EXIT_OK;
}

uint64_t host_feed_total(const HostFeed *feed) {
  if (feed->source.total == HOST_SIZE_UNKNOWN) return HOST_SIZE_UNKNOWN;
  return feed->source.total / feed->features;
}

void host_feed_close(HostFeed *feed) {
  host_source_close(&feed->source);
  free(feed->block);
  feed->block = NULL;
}
