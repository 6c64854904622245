/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes, read as a file of FUZZ_FORMAT for inputs of several types, are accepted or refused; an
 * accepted tensor delivers as many numbers as it says, each of which the input takes. */
#include "host_posix.h"

#include "host_tensor.h"

#include <stdlib.h>
#include <string.h>

static const GrusAxis time5_2[] = {{5, NULL}, {2, NULL}}, time4[] = {{4, NULL}};
static const GrusAxis axis2_time3[] = {{2, NULL}, {3, NULL}}, step1[] = {{1, NULL}, {1, NULL}};
static const GrusLength lengths[] = {{"n", 5}};
static const GrusPort ports[] = {
    {"a", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 2, time5_2, 0, GRUS_TIME_BOUNDED, 0, 1, 0, 0, 0, 0},
    {"b", NULL, GRUS_ROLE_IN, GRUS_ELEM_U16, 300, 1, time4, 0, GRUS_TIME_FIXED, -1, 1, 0, 0, 0, 0},
    {"c", NULL, GRUS_ROLE_IN, GRUS_ELEM_F16, 0, 2, axis2_time3, 1, GRUS_TIME_FIXED, -1, 1, 0, 0, 0,
     0},
    {"d", NULL, GRUS_ROLE_IN, GRUS_ELEM_I16, 0, 2, step1, 0, GRUS_TIME_FIXED, -1, 1, 0, 0, 0, 0},
    {"e", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 0, NULL, -1, GRUS_TIME_NONE, -1, 1, 0, 0, 0, 0},
    {"f", NULL, GRUS_ROLE_IN, GRUS_ELEM_I32, 0, 2, axis2_time3, -1, GRUS_TIME_NONE, -1, 1, 0, 0, 0,
     0},
};
enum { PORTS = sizeof ports / sizeof *ports };
static const GrusProgram program = {GRUS_HOST_ABI, GRUS_KIND_RUN, "fuzz",  NULL, "", 1,
                                    ports,         PORTS,         lengths, 1,    0,  1,
                                    NULL,          NULL,          NULL,    NULL};

static void check(bool holds) {
  if (!holds) abort();
}

static void fuzz_tensor(const HostLog *log, const GrusPort *port, const uint8_t *data,
                        size_t size) {
  HostOptions options;
  HostTensor tensor;
  HostStyle style = {FUZZ_FORMAT, {0, 0, false}};
  memset(&options, 0, sizeof options);
  memset(&tensor, 0, sizeof tensor);
  int status = host_tensor_memory(&tensor, &program, log, &options, port, data, size, style, false);
  check(status == tensor.source.status || (status && !tensor.source.status));
  for (uint64_t s = 0; !status && s < tensor.samples && s < 4; s++) {
    const double *values = host_tensor_next(&tensor);
    if (!values) {
      check(tensor.source.status != 0);
      break;
    }
    for (size_t i = 0; i < tensor.per_sample; i++) {
      HostText why = {{0}, 0};
      check(host_port_takes(port, values[i], false, false, &why));
    }
    unsigned char buffer[64];
    check(tensor.steps <= host_port_sizes(port).steps);
    host_port_scatter(port, tensor.steps, tensor.steps, tensor.time_major, values, buffer);
  }
  host_tensor_close(&tensor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static FILE *nowhere;
  if (!nowhere) nowhere = fopen("/dev/null", "w");
  if (!nowhere) return 0;
  HostLog log = {nowhere, "fuzz", false, false};
  for (int i = 0; i < PORTS; i++)
    fuzz_tensor(&log, &ports[i], data, size);
  return 0;
}
