/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ports: their size, their type as text, and which values they take. */
#ifndef GRUS_HOST_PORT_H
#define GRUS_HOST_PORT_H

#include "grus_host.h"
#include "host_log.h"

/* Sizes of the axes before, of and after the time axis. Without one, outer = steps = 1. */
typedef struct HostSizes {
  size_t outer, steps, inner;
} HostSizes;

HostSizes host_port_sizes(const GrusPort *port);

/* How many elements one sample (run) or one call (step, push) has in the buffer of the model. */
size_t host_port_count(const GrusPort *port);

/* How many elements one step has; the whole value, if it has no time axis. */
size_t host_port_features(const GrusPort *port);

bool host_port_has_time(const GrusPort *port);

/* Adds the type of a port to a text: "f32[time 49, mfcc 13]", "index(8000)[time n <= 120]",
 * "i16[time .. @ 16000 Hz, 1]". */
void host_port_type(const GrusProgram *program, const GrusPort *port, HostText *text);

/* "input" or "output". */
const char *host_port_role(const GrusPort *port);

/* The names of the ports of a role, separated by spaces. Returns the first of them, NULL if there
 * is none. */
const GrusPort *host_port_names(const GrusProgram *program, GrusRole role, HostText *names);

/* How an input treats NaN and infinities. */
typedef enum HostNan { HOST_NAN_REFUSED, HOST_NAN_ALLOWED, HOST_NAN_NEVER } HostNan;

/* Whether the port accepts a value. If not, *why gets the reason: "9000 is out of range, ...".
 * integral: the file stores integers, which a float must hold exactly. */
bool host_port_takes(const GrusPort *port, double value, bool integral, HostNan nan, HostText *why);

/* Copies one sample between a file's order and the model's.
 * values: [outer, file_steps, inner], or [file_steps, outer, inner] if time_major; the first
 * `steps` of file_steps are valid. buffer: the elements of the port, [outer, bound, inner]. Steps
 * that are not valid are zero in the copy. */
void host_port_scatter(const GrusPort *port, size_t file_steps, size_t steps, bool time_major,
                       const double *values, void *buffer);
void host_port_gather(const GrusPort *port, size_t file_steps, size_t steps, bool time_major,
                      const void *buffer, double *values);

#endif
