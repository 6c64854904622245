/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads .wav: RIFF or RF64 with a fmt chunk, then a data chunk of uncompressed PCM (8 to 32 bits)
 * or floats. Anything else is an error. Chunks are padded to even lengths, and all fields are
 * little-endian. */
#include "host_posix.h"

#include "host_source.h"

#include <inttypes.h>
#include <string.h>

enum { WAV_PCM = 1, WAV_FLOAT = 3, WAV_EXTENSIBLE = 0xfffe };

static uint32_t wav_u32(const unsigned char *b) {
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static unsigned wav_u16(const unsigned char *b) {
  return (unsigned)b[0] | (unsigned)b[1] << 8;
}

static const char *wav_codec(unsigned tag) {
  switch (tag) {
  case 2: return "MS ADPCM";
  case 6: return "A-law";
  case 7: return "mu-law";
  case 0x11: return "IMA ADPCM";
  case 0x55: return "MP3";
  default: return "unknown";
  }
}

/* fmt: tag, channels, rate, bytes per second, bytes per frame, bits [, extension]. */
static int wav_format(HostSource *source, uint32_t size) {
  if (size < 16 || size > 1024)
    return host_source_fail(source, GRUS_EXIT_DATA, "a fmt chunk of %" PRIu32 " bytes", size);
  size_t padded = size + (size & 1);
  if (host_bytes_want(&source->bytes, padded) < padded)
    return host_source_fail(source, GRUS_EXIT_DATA, "truncated inside the .wav header");
  const unsigned char *b = host_bytes_take(&source->bytes, padded);
  unsigned tag = wav_u16(b), channels = wav_u16(b + 2), bits = wav_u16(b + 14);
  unsigned frame = wav_u16(b + 12);
  if (tag == WAV_EXTENSIBLE && size >= 40) tag = wav_u16(b + 24);
  source->columns = channels;
  source->rate = (double)wav_u32(b + 4);
  if (tag != WAV_PCM && tag != WAV_FLOAT)
    return host_source_fail(source, GRUS_EXIT_DATA,
                            "compressed .wav (format %u, %s); needs PCM or float samples", tag,
                            wav_codec(tag));
  bool known = tag == WAV_PCM ? bits == 8 || bits == 16 || bits == 24 || bits == 32
                              : bits == 32 || bits == 64;
  if (!known)
    return host_source_fail(
        source, GRUS_EXIT_DATA,
        "%s samples of %u bits; 8, 16, 24 and 32 bit PCM and 32 and 64 bit float "
        "are known",
        tag == WAV_PCM ? "PCM" : "float", bits);
  if (!channels || frame != channels * (bits / 8))
    return host_source_fail(source, GRUS_EXIT_DATA, "%u channels of %u bits in frames of %u bytes",
                            channels, bits, frame);
  source->number.kind = tag == WAV_FLOAT ? 'f' : bits == 8 ? 'u' : 'i';
  source->number.size = (int)bits / 8;
  source->number.big = false;
  return GRUS_EXIT_OK;
}

/* Finds the data chunk, and sets source->total to the count of its numbers. */
static int wav_chunks(HostSource *source, bool rf64) {
  uint64_t data_size = 0;
  for (bool formatted = false;;) {
    if (host_bytes_want(&source->bytes, 8) < 8)
      return host_source_fail(source, GRUS_EXIT_DATA, "the .wav file has no %s chunk",
                              formatted ? "data" : "fmt");
    const unsigned char *head = host_bytes_take(&source->bytes, 8);
    char id[5] = {0};
    for (int i = 0; i < 4; i++) /* it is shown */
      id[i] = head[i] >= ' ' && head[i] < 0x7f ? (char)head[i] : '?';
    uint32_t size = wav_u32(head + 4);
    if (strcmp(id, "fmt ") == 0) {
      if (wav_format(source, size)) return source->status;
      formatted = true;
    } else if (strcmp(id, "ds64") == 0 && rf64 && size >= 24 && size < 4096) {
      if (host_bytes_want(&source->bytes, size) < size)
        return host_source_fail(source, GRUS_EXIT_DATA, "truncated inside the .wav header");
      const unsigned char *b = host_bytes_take(&source->bytes, size);
      data_size = (uint64_t)wav_u32(b + 12) << 32 | wav_u32(b + 8);
    } else if (strcmp(id, "data") == 0) {
      if (!formatted)
        return host_source_fail(source, GRUS_EXIT_DATA,
                                "the data chunk comes before the fmt chunk");
      if (!(rf64 && size == UINT32_MAX)) data_size = size;
      source->total =
          data_size == UINT32_MAX ? HOST_SIZE_UNKNOWN : data_size / (uint64_t)source->number.size;
      return GRUS_EXIT_OK;
    } else if (!host_bytes_skip(&source->bytes, (uint64_t)size + (size & 1))) {
      return host_source_fail(source, GRUS_EXIT_DATA, "truncated inside its '%s' chunk", id);
    }
  }
}

/* Compares the length of the data with the file. A program that does not know the length writes
 * 0xffffffff; then the data ends with the file. */
static int wav_check_size(HostSource *source) {
  uint64_t frame = source->columns * (uint64_t)source->number.size;
  if (source->bytes.size == HOST_SIZE_UNKNOWN) return GRUS_EXIT_OK;
  uint64_t have = source->bytes.size - source->bytes.taken;
  if (source->total == HOST_SIZE_UNKNOWN) {
    source->total = have / frame * source->columns;
    return GRUS_EXIT_OK;
  }
  if (have / (uint64_t)source->number.size < source->total)
    return host_source_fail(source, GRUS_EXIT_DATA,
                            "truncated: the header promises %" PRIu64 " samples, %" PRIu64
                            " are there",
                            source->total / source->columns, have / frame);
  if (source->total % source->columns)
    return host_source_fail(source, GRUS_EXIT_DATA, "the data chunk ends inside a frame");
  return GRUS_EXIT_OK;
}

static const char *wav_kind(HostNumber number) {
  return number.kind == 'f' ? "float" : "PCM";
}

/* Reports a file that the port does not accept. An integer port takes PCM of its own width as it
 * is; a float port takes -1..1. */
static int wav_check_port(HostSource *source) {
  const GrusPort *port = source->port;
  bool is_float = host_elem_is_float(port->elem) && !port->bound;
  bool scaled = is_float && source->number.kind != 'f';
  if (scaled) source->scale = 1.0 / (double)(1ULL << (8 * source->number.size - 1));
  if (!is_float && (source->number.kind != 'i' || port->bound ||
                    (size_t)source->number.size != host_elem_size(port->elem))) {
    host_source_fail(source, GRUS_EXIT_DATA, "%d bit %s samples", 8 * source->number.size,
                     wav_kind(source->number));
    host_source_needs(source);
    if (!port->bound)
      host_detail(source->log, "try", "convert the file to %zu bit PCM",
                  8 * host_elem_size(port->elem));
    return source->status;
  }
  if (port->rate > 0 && port->rate != source->rate) {
    host_source_fail(source, GRUS_EXIT_DATA, "sampled at %g Hz, `%s` needs %g Hz", source->rate,
                     port->name, port->rate);
    host_detail(source->log, "try", "resample the file to %g Hz", port->rate);
    return source->status;
  }
  if (!host_port_has_time(port) || host_port_features(port) != source->columns) {
    host_source_fail(source, GRUS_EXIT_DATA, "%" PRIu64 " channel%s", source->columns,
                     source->columns == 1 ? "" : "s");
    host_source_needs(source);
    return source->status;
  }
  return GRUS_EXIT_OK;
}

int host_wav_open(HostSource *source) {
  HostBytes *bytes = &source->bytes;
  if (host_bytes_want(bytes, 12) < 12)
    return host_source_fail(source, GRUS_EXIT_DATA, "not a .wav file: %zu bytes long",
                            host_bytes_want(bytes, 12));
  const unsigned char *head = host_bytes_take(bytes, 12);
  bool rf64 = memcmp(head, "RF64", 4) == 0;
  if (memcmp(head, "RIFX", 4) == 0)
    return host_source_fail(source, GRUS_EXIT_DATA, "a big-endian .wav (RIFX); needs RIFF or RF64");
  if ((!rf64 && memcmp(head, "RIFF", 4) != 0) || memcmp(head + 8, "WAVE", 4) != 0)
    return host_source_fail(source, GRUS_EXIT_DATA, "not a .wav file: no RIFF WAVE header");
  if (wav_chunks(source, rf64) || wav_check_size(source)) return source->status;
  return wav_check_port(source);
}

size_t host_wav_read(HostSource *source, double *values, size_t max) {
  size_t n = host_source_stored(source, values, max);
  if (source->number.kind == 'u')
    for (size_t i = 0; i < n; i++)
      values[i] -= 128; /* 8 bit PCM is offset binary */
  for (size_t i = 0; i < n; i++)
    values[i] *= source->scale;
  return host_source_accept(source, values, n, false) ? n : 0;
}
