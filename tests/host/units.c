/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What no transcript shows: every binary16, ties, .wav headers beyond 4 GiB, two runs in one
 * process. */
#include "host_posix.h"

#include "host_sink.h"

#include <stdlib.h>
#include <string.h>

static int failures;

static void check(bool holds, const char *what, double detail) {
  if (holds) return;
  fprintf(stderr, "units: %s (%.17g)\n", what, detail);
  failures++;
}

static double half(unsigned bits) {
  uint16_t word = (uint16_t)bits;
  double value;
  host_elem_decode(GRUS_ELEM_F16, &word, &value, 1);
  return value;
}

static unsigned to_half(double value) {
  uint16_t word;
  host_elem_encode(GRUS_ELEM_F16, &value, &word, 1);
  return word;
}

/* Spacing between neighbours is constant, so their mean is exact in double and rounds to the
 * even. */
static void test_halves(void) {
  check(half(0x3c00) == 1 && half(0xc000) == -2 && half(1) == 0x1p-24 && half(0x7bff) == 65504,
        "known halves", 0);
  for (unsigned bits = 0; bits < 0x7c00; bits++) {
    double value = half(bits), next = bits + 1 < 0x7c00 ? half(bits + 1) : 65536;
    double middle = (value + next) / 2, step = next - value;
    check(to_half(value) == bits && to_half(-value) == (bits | 0x8000), "half round trip", value);
    check(to_half(middle) == bits + (bits & 1), "half tie to even", middle);
    check(to_half(middle - step / 1024) == bits, "half below the middle", middle);
    check(to_half(middle + step / 1024) == bits + 1, "half above the middle", middle);
  }
  check(to_half(1e300) == 0x7c00 && to_half(-1e300) == 0xfc00, "half overflow", 0);
}

static void test_integers(void) {
  static const unsigned char bytes[] = {0xff, 0x7f, 0x80, 0x00, 0xfe};
  double values[5];
  host_number_decode((HostNumber){'i', 1, false}, bytes, values, 5);
  check(values[0] == -1 && values[1] == 127 && values[2] == -128 && values[4] == -2, "i1",
        values[2]);
  host_number_decode((HostNumber){'i', 3, true}, bytes, values, 1);
  check(values[0] == 0xff7f80 - 0x1000000, "i3", values[0]);
  host_number_decode((HostNumber){'u', 2, true}, bytes, values, 1);
  check(values[0] == 0xff7f, "big-endian u2", values[0]);
}

/* A header for 3,000,000,000 16-bit samples must be RF64 and be read back as that. */
static void test_rf64(void) {
  static const GrusAxis axes[] = {{1, NULL}, {1, NULL}};
  static const GrusPort port = {
      "x", NULL, GRUS_ROLE_IN, GRUS_ELEM_I16, 0, 2, axes, 0, GRUS_TIME_STREAM, -1, 1, 0, 0, 0, 0};
  static const GrusProgram program = {
      GRUS_HOST_ABI, GRUS_KIND_STREAM, "p", NULL, "", 1, &port, 1, NULL, 0, 0, 1, NULL, NULL, NULL,
      NULL};
  unsigned char head[80];
  HostSink sink;
  memset(&sink, 0, sizeof sink);
  sink.port = &port;
  sink.program = &program;
  sink.style = host_style_named("wav");
  sink.number = (HostNumber){'i', 2, false};
  sink.rate = 8000;
  sink.columns = 1;
  sink.seekable = true;
  sink.file = tmpfile();
  if (!sink.file) exit(77);
  host_write_head(&sink);
  sink.count = 3000000000u;
  host_write_tail(&sink);
  rewind(sink.file);
  check(fread(head, 1, sizeof head, sink.file) == sizeof head, "header size", 0);
  fclose(sink.file);
  check(memcmp(head, "RF64", 4) == 0 && memcmp(head + 12, "ds64", 4) == 0, "RF64", 0);

  HostLog log = {stderr, "units", false, false};
  HostSource source;
  memset(&source, 0, sizeof source);
  source.log = &log;
  source.program = &program;
  source.port = &port;
  source.name = "rf64";
  FILE *message = log.err = tmpfile();
  char text[256] = "";
  if (!message) exit(77);
  check(host_source_memory(&source, head, sizeof head, sink.style) == GRUS_EXIT_DATA, "truncated",
        0);
  rewind(message);
  check(fgets(text, sizeof text, message) &&
            strstr(text, "promises 3000000000 samples, 0 are there"),
        text, 0);
  host_source_close(&source);
  fclose(message);
}

static int negate(const size_t *lengths, const void *const *in, void *const *out) {
  (void)lengths;
  *(float *)out[0] = -*(const float *)in[0];
  return GRUS_OK;
}

/* In-process: errors go to the given stream, nothing is kept from run to run. */
static void test_runs(void) {
  static const GrusPort ports[] = {
      {"x", NULL, GRUS_ROLE_IN, GRUS_ELEM_F32, 0, 0, NULL, -1, GRUS_TIME_NONE, -1, 1, 0, 0, 0, 0},
      {"y", NULL, GRUS_ROLE_OUT, GRUS_ELEM_F32, 0, 0, NULL, -1, GRUS_TIME_NONE, -1, 1, 0, 0, 0, 0}};
  static const GrusProgram program = {
      GRUS_HOST_ABI, GRUS_KIND_RUN, "negate", NULL, "", 1, ports, 2, NULL, 0, 0, 1,
      negate,        NULL,          NULL,     NULL};
  char name[] = "grus run", good[] = "x=5", bad[] = "x=five.csv", none[] = "y=/dev/null";
  char raw[] = "--out-format=raw", text[256];
  char *first[] = {name, bad, none, raw, NULL}, *second[] = {name, good, none, raw, NULL};
  FILE *err = tmpfile();
  if (!err) exit(77);
  check(grus_host_run(&program, 4, first, err) == GRUS_EXIT_FILE, "missing file", 0);
  check(grus_host_run(&program, 4, second, err) == GRUS_EXIT_OK, "after an error", 0);
  GrusProgram other = program;
  other.abi = GRUS_HOST_ABI + 1;
  check(grus_host_run(&other, 4, second, err) == GRUS_EXIT_USAGE, "another interface", 0);
  rewind(err);
  check(fgets(text, sizeof text, err) &&
            strcmp(text, "grus run: error: five.csv: cannot read: No such file or directory\n") ==
                0,
        "message", 0);
  fclose(err);
}

int main(void) {
  test_halves();
  test_integers();
  test_rf64();
  test_runs();
  return failures ? 1 : 0;
}
