/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writes outputs as .npy (version 1, little-endian, row-major), .csv, JSON lines, .wav (RIFF; RF64
 * beyond 4 GiB) or raw little-endian numbers. Headers have room for the sizes that are known at the
 * end. */
#include "host_posix.h"

#include "host_sink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WRITE_BLOCK = 1024 };

/* Prints the dictionary of an .npy header; returns its length. reserve: with the longest possible
 * first axis, so that the header keeps its length when it is written again. */
static size_t write_npy_dictionary(const HostSink *sink, bool reserve, char *to, size_t room) {
  HostText shape = {{0}, 0};
  for (int i = 0; i < sink->rank; i++) {
    uint64_t size = reserve && i == 0 ? UINT64_MAX : sink->shape[i];
    host_text_add(&shape, "%" PRIu64 "%s", size,
                  sink->rank == 1      ? ","
                  : i + 1 < sink->rank ? ", "
                                       : "");
  }
  return (size_t)snprintf(to, room, "{'descr': '%c%c%d', 'fortran_order': False, 'shape': (%s), }",
                          sink->number.size == 1 ? '|' : '<', sink->number.kind, sink->number.size,
                          shape.s);
}

static void write_npy_head(HostSink *sink) {
  char dictionary[1024], line[1280];
  size_t longest = write_npy_dictionary(sink, true, dictionary, sizeof dictionary);
  size_t total = (10 + longest + 1 + 63) / 64 * 64, length = total - 10;
  size_t n = write_npy_dictionary(sink, false, dictionary, sizeof dictionary);
  memset(line, ' ', length);
  memcpy(line, dictionary, n);
  line[length - 1] = '\n';
  fwrite("\x93NUMPY\x01\x00", 1, 8, sink->file);
  fputc((int)(length & 255), sink->file);
  fputc((int)(length >> 8), sink->file);
  fwrite(line, 1, length, sink->file);
}

static void write_u16(FILE *file, unsigned value) {
  fputc((int)(value & 255), file);
  fputc((int)(value >> 8 & 255), file);
}

static void write_u32(FILE *file, uint32_t value) {
  write_u16(file, value & 0xffff);
  write_u16(file, value >> 16);
}

static void write_u64(FILE *file, uint64_t value) {
  write_u32(file, (uint32_t)value);
  write_u32(file, (uint32_t)(value >> 32));
}

/* RIFF size WAVE | JUNK or ds64, 28 bytes | fmt 16 | data. Unknown sizes are 0xffffffff. */
static void write_wav_head(HostSink *sink, bool known) {
  FILE *file = sink->file;
  uint64_t size = (uint64_t)sink->number.size, data = sink->count * size;
  uint64_t riff = 4 + 36 + 24 + 8 + data + (data & 1);
  bool big = known && riff > UINT32_MAX - 1;
  unsigned channels = (unsigned)sink->columns, frame = channels * (unsigned)size;
  uint32_t rate = (uint32_t)sink->rate;
  fwrite(big ? "RF64" : "RIFF", 1, 4, file);
  write_u32(file, known && !big ? (uint32_t)riff : UINT32_MAX);
  fwrite(big ? "WAVEds64" : "WAVEJUNK", 1, 8, file);
  write_u32(file, 28);
  write_u64(file, big ? riff : 0);
  write_u64(file, big ? data : 0);
  write_u64(file, big ? sink->count / channels : 0);
  write_u32(file, 0);
  fwrite("fmt ", 1, 4, file);
  write_u32(file, 16);
  write_u16(file, sink->number.kind == 'f' ? 3 : 1);
  write_u16(file, channels);
  write_u32(file, rate);
  write_u32(file, rate * frame);
  write_u16(file, frame);
  write_u16(file, (unsigned)(8 * size));
  fwrite("data", 1, 4, file);
  write_u32(file, known && !big ? (uint32_t)data : UINT32_MAX);
}

/* Writes the names of the columns: band0,band1,... if the only feature axis has the label band,
 * otherwise name_0,name_1,... */
static void write_csv_names(HostSink *sink) {
  const GrusPort *port = sink->port;
  const char *label = NULL;
  int features = 0;
  for (int i = 0; i < port->rank; i++) {
    if (i == port->time_axis) continue;
    features++;
    label = port->axes[i].label;
  }
  if (features != 1) label = NULL;
  if (sink->columns == 1)
    fprintf(sink->file, "%s", port->name);
  else
    for (size_t i = 0; i < sink->columns; i++)
      fprintf(sink->file, "%s%s%s%zu", i ? "," : "", label ? label : port->name, label ? "" : "_",
              i);
  fputc('\n', sink->file);
}

void host_write_head(HostSink *sink) {
  if (sink->style.format == HOST_FORMAT_NPY) write_npy_head(sink);
  if (sink->style.format == HOST_FORMAT_WAV) write_wav_head(sink, false);
}

/* Writes the shortest decimal that reads back as the same f32; 5 digits are enough for an f16. */
static void write_csv_number(HostSink *sink, double value) {
  char text[40];
  if (value != value) {
    fputs("nan", sink->file);
  } else if (!host_elem_is_float(sink->port->elem)) {
    fprintf(sink->file, "%.0f", value);
  } else if (sink->port->elem == GRUS_ELEM_F16) {
    fprintf(sink->file, "%.5g", value);
  } else {
    for (int digits = 6; digits <= 9; digits++) {
      snprintf(text, sizeof text, "%.*g", digits, value);
      if (strtof(text, NULL) == (float)value) break;
    }
    fputs(text, sink->file);
  }
}

/* Writes a number of JSON, which has no NaN and no infinity: they become null. */
static void write_json_number(HostSink *sink, double value) {
  if (value - value != 0)
    fputs("null", sink->file);
  else
    write_csv_number(sink, value);
}

/* Writes JSON lines, each with arrays of the shape row_shape. */
static void write_json(HostSink *sink, const double *values, size_t n) {
  size_t row = 1;
  for (int i = 0; i < sink->row_rank; i++)
    row *= (size_t)sink->row_shape[i];
  for (size_t i = 0; i < n; i++) {
    size_t block = 1, at = i % row;
    int opens = 0, closes = 0;
    for (int k = sink->row_rank - 1; k >= 0; k--) {
      block *= (size_t)sink->row_shape[k];
      opens += at % block == 0;
      closes += (at + 1) % block == 0;
    }
    if (at) fputs(", ", sink->file);
    for (; opens; opens--)
      fputc('[', sink->file);
    write_json_number(sink, values[i]);
    for (; closes; closes--)
      fputc(']', sink->file);
    if (at + 1 == row) fputc('\n', sink->file);
  }
}

static void write_csv(HostSink *sink, const double *values, size_t n) {
  /* Only with the first numbers, so that an input that fails at once prints nothing. */
  if (sink->count == 0 && n && sink->names) write_csv_names(sink);
  for (size_t i = 0; i < n; i++) {
    uint64_t index = sink->count + i, row = index / sink->columns;
    bool first = index % sink->columns == 0;
    if (first && sink->block && row && row % sink->block == 0) fputc('\n', sink->file);
    write_csv_number(sink, values[i]);
    fputc((index + 1) % sink->columns ? ',' : '\n', sink->file);
  }
}

/* The nearest integer within the range of the stored type, halves away from zero. Counts clipped
 * values. */
static double write_quantize(HostSink *sink, double value) {
  double top = (double)(1ULL << (8 * sink->number.size - 1));
  double scaled = value * sink->scale;
  if (scaled != scaled) scaled = 0;
  if (scaled > top - 1 || scaled < -top) {
    if (value > 1 || value < -1) sink->clipped++;
    return scaled < 0 ? -top : top - 1;
  }
  double rounded = (double)(int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  return rounded > top - 1 ? top - 1 : rounded < -top ? -top : rounded;
}

static void write_stored(HostSink *sink, const double *values, size_t n) {
  unsigned char bytes[8 * WRITE_BLOCK];
  double block[WRITE_BLOCK];
  bool offset = sink->style.format == HOST_FORMAT_WAV && sink->number.size == 1;
  while (n) {
    size_t some = n < WRITE_BLOCK ? n : WRITE_BLOCK;
    for (size_t i = 0; i < some; i++) {
      block[i] = sink->scale > 0 ? write_quantize(sink, values[i]) : values[i];
      if (offset) block[i] += 128; /* 8 bit PCM is offset binary */
    }
    host_number_encode(sink->number, block, bytes, some);
    fwrite(bytes, (size_t)sink->number.size, some, sink->file);
    values += some;
    n -= some;
  }
}

void host_write_numbers(HostSink *sink, const double *values, size_t n) {
  if (sink->style.format == HOST_FORMAT_CSV)
    write_csv(sink, values, n);
  else if (sink->style.format == HOST_FORMAT_JSON)
    write_json(sink, values, n);
  else
    write_stored(sink, values, n);
}

void host_write_tail(HostSink *sink) {
  if (sink->style.format == HOST_FORMAT_WAV) {
    if (sink->count * (uint64_t)sink->number.size & 1) fputc(0, sink->file);
    if (sink->seekable && fseek(sink->file, 0, SEEK_SET) == 0) {
      write_wav_head(sink, true);
      fseek(sink->file, 0, SEEK_END);
    }
  }
  if (sink->style.format == HOST_FORMAT_NPY && sink->shape[0] == HOST_SIZE_UNKNOWN) {
    size_t row = 1;
    for (int i = 1; i < sink->rank; i++)
      row *= (size_t)sink->shape[i];
    sink->shape[0] = sink->count / row;
    if (fseek(sink->file, 0, SEEK_SET) == 0) {
      write_npy_head(sink);
      fseek(sink->file, 0, SEEK_END);
    }
  }
}
