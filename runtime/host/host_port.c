/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ports: their sizes, their type as text, the values that they accept, and their order in memory.
 */
#include "host_posix.h"

#include "host_number.h"
#include "host_port.h"

#include <inttypes.h>
#include <string.h>

HostSizes host_port_sizes(const GrusPort *port) {
  HostSizes sizes = {1, 1, 1};
  for (int i = 0; i < port->rank; i++) {
    if (i < port->time_axis)
      sizes.outer *= port->axes[i].size;
    else if (i == port->time_axis)
      sizes.steps = port->axes[i].size;
    else
      sizes.inner *= port->axes[i].size;
  }
  return sizes;
}

size_t host_port_features(const GrusPort *port) {
  HostSizes sizes = host_port_sizes(port);
  return sizes.outer * sizes.inner;
}

size_t host_port_count(const GrusPort *port) {
  HostSizes sizes = host_port_sizes(port);
  if (port->time == GRUS_TIME_WINDOW) return sizes.outer * sizes.inner;
  return sizes.outer * sizes.steps * sizes.inner;
}

bool host_port_has_time(const GrusPort *port) {
  return port->time != GRUS_TIME_NONE;
}

static void text_time(const GrusProgram *program, const GrusPort *port, HostText *text) {
  size_t size = port->axes[port->time_axis].size;
  if (port->time == GRUS_TIME_BOUNDED) {
    const char *name = port->length_hop ? NULL : program->lengths[port->length].name;
    host_text_add(text, "time %s%s<= %zu", name ? name : "", name ? " " : "", size);
  } else if (port->time == GRUS_TIME_STREAM) {
    host_text_add(text, "time ..");
    if (port->period > 1) host_text_add(text, " / %" PRIu32, port->period);
  } else {
    host_text_add(text, "time %zu", size);
  }
  if (port->rate > 0) host_text_add(text, " @ %g Hz", port->rate);
}

void host_port_type(const GrusProgram *program, const GrusPort *port, HostText *text) {
  if (port->bound)
    host_text_add(text, "index(%" PRIu32 ")", port->bound);
  else
    host_text_add(text, "%s", host_elem_name(port->elem));
  for (int i = 0; i < port->rank; i++) {
    const GrusAxis *axis = &port->axes[i];
    host_text_add(text, i ? ", " : "[");
    if (i == port->time_axis)
      text_time(program, port, text);
    else
      host_text_add(text, "%s%s%zu", axis->label ? axis->label : "", axis->label ? " " : "",
                    axis->size);
  }
  if (port->rank) host_text_add(text, "]");
  if (port->every) host_text_add(text, " every %" PRIu32, port->every);
}

const char *host_port_role(const GrusPort *port) {
  return port->role == GRUS_ROLE_OUT ? "output" : "input";
}

const GrusPort *host_port_names(const GrusProgram *program, GrusRole role, HostText *names) {
  const GrusPort *first = NULL;
  for (size_t i = 0; i < program->port_count; i++) {
    const GrusPort *port = &program->ports[i];
    if (port->role != role) continue;
    host_text_add(names, "%s%s", first ? " " : "", port->name);
    if (!first) first = port;
  }
  return first;
}

/* The largest double that rounds to a finite f32 or f16; and the bound of the integers that the
 * type holds exactly. */
static double float_limit(GrusElem elem) {
  return elem == GRUS_ELEM_F32 ? 340282356779733661637539395458142568447.0 : 65519.999999999985;
}
static double exact_limit(GrusElem elem) {
  return elem == GRUS_ELEM_F32 ? 16777216 : 2048;
}

static bool float_takes(const GrusPort *port, double value, bool integral, HostNan nan,
                        HostText *why) {
  if (value != value || value - value != 0) {
    if (nan == HOST_NAN_ALLOWED) return true;
    host_text_add(why, "%s is not a finite number%s",
                  value != value ? "NaN"
                  : value > 0    ? "infinity"
                                 : "-infinity",
                  nan == HOST_NAN_REFUSED ? " (--allow-nan takes it)" : "");
    return false;
  }
  double size = value < 0 ? -value : value;
  const char *elem = host_elem_name(port->elem);
  if (size >= float_limit(port->elem)) {
    host_text_add(why, "%g is too large for %s", value, elem);
    return false;
  }
  if (integral && size > exact_limit(port->elem)) {
    host_text_add(why, "the integer %.0f cannot be held exactly, %s does so up to %.0f", value,
                  elem, exact_limit(port->elem));
    return false;
  }
  return true;
}

bool host_port_takes(const GrusPort *port, double value, bool integral, HostNan nan,
                     HostText *why) {
  if (host_elem_is_float(port->elem)) return float_takes(port, value, integral, nan, why);
  double low, high;
  host_elem_range(port->elem, &low, &high);
  if (port->bound) low = 0, high = (double)port->bound - 1;
  if (!(value >= low && value <= high)) {
    host_text_add(why, "%.17g is out of range, ", value);
    if (port->bound)
      host_text_add(why, "index(%" PRIu32 ")", port->bound);
    else
      host_text_add(why, "%s", host_elem_name(port->elem));
    host_text_add(why, " takes %.0f to %.0f", low, high);
    return false;
  }
  if ((double)(int64_t)value != value) {
    host_text_add(why, "%.17g is not a whole number", value);
    return false;
  }
  return true;
}

/* Where row (o, t) of inner elements begins in the order of the file. */
static size_t port_file_row(HostSizes sizes, size_t file_steps, bool time_major, size_t o,
                            size_t t) {
  return (time_major ? t * sizes.outer + o : o * file_steps + t) * sizes.inner;
}

void host_port_scatter(const GrusPort *port, size_t file_steps, size_t steps, bool time_major,
                       const double *values, void *buffer) {
  HostSizes sizes = host_port_sizes(port);
  size_t row = sizes.inner * host_elem_size(port->elem);
  for (size_t o = 0; o < sizes.outer; o++) {
    unsigned char *lane = (unsigned char *)buffer + o * sizes.steps * row;
    for (size_t t = 0; t < steps; t++)
      host_elem_encode(port->elem, values + port_file_row(sizes, file_steps, time_major, o, t),
                       lane + t * row, sizes.inner);
    memset(lane + steps * row, 0, (sizes.steps - steps) * row);
  }
}

void host_port_gather(const GrusPort *port, size_t file_steps, size_t steps, bool time_major,
                      const void *buffer, double *values) {
  HostSizes sizes = host_port_sizes(port);
  size_t row = sizes.inner * host_elem_size(port->elem);
  for (size_t o = 0; o < sizes.outer; o++) {
    const unsigned char *lane = (const unsigned char *)buffer + o * sizes.steps * row;
    for (size_t t = 0; t < file_steps; t++) {
      double *to = values + port_file_row(sizes, file_steps, time_major, o, t);
      if (t < steps)
        host_elem_decode(port->elem, lane + t * row, to, sizes.inner);
      else
        for (size_t i = 0; i < sizes.inner; i++)
          to[i] = 0;
    }
  }
}
