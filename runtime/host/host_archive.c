/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writes `--out NAME.npz`: a zip archive with a member OUTPUT.npy for each output, not compressed.
 * In: finished outputs in the format .npy, each in a file of its own. Out: the archive, in its
 * sink. */
#include "host_posix.h"

#include "host_archive.h"
#include "host_inflate.h"

#include <errno.h>
#include <string.h>

enum {
  ARCHIVE_BLOCK = 4096,
  ARCHIVE_LOCAL = 30,
  ARCHIVE_ENTRY = 46,
  ARCHIVE_VERSION = 20,
  ARCHIVE_DATE = 0x21 /* 1980-01-01 */
};

static void archive_number(FILE *file, uint64_t value, int n) {
  for (int i = 0; i < n; i++)
    fputc((int)(value >> (8 * i) & 255), file);
}

/* Length and checksum of an output; false if it cannot be read. */
static bool archive_measure(const HostSink *sink, uint64_t *size, uint32_t *crc) {
  unsigned char block[ARCHIVE_BLOCK];
  size_t n;
  *size = 0;
  *crc = 0;
  rewind(sink->file);
  while ((n = fread(block, 1, sizeof block, sink->file)) > 0) {
    *crc = host_crc32(*crc, block, n);
    *size += n;
  }
  return !ferror(sink->file);
}

/* Writes the fields that both the header of a member and its entry in the directory have. */
static void archive_member(FILE *file, const char *name, uint64_t size, uint32_t crc) {
  archive_number(file, ARCHIVE_VERSION, 2);
  archive_number(file, 0, 2); /* flags */
  archive_number(file, 0, 2); /* stored */
  archive_number(file, 0, 2); /* time */
  archive_number(file, ARCHIVE_DATE, 2);
  archive_number(file, crc, 4);
  archive_number(file, size, 4);
  archive_number(file, size, 4);
  archive_number(file, strlen(name) + 4, 2);
  archive_number(file, 0, 2); /* extra */
}

static void archive_copy(FILE *from, FILE *to) {
  unsigned char block[ARCHIVE_BLOCK];
  size_t n;
  rewind(from);
  while ((n = fread(block, 1, sizeof block, from)) > 0)
    fwrite(block, 1, n, to);
}

int host_archive_write(HostSink *archive, const HostSink *sinks, size_t count) {
  uint64_t at = 0, directory, n = 0, size, where = 0;
  uint32_t crc;
  FILE *file = archive->file;
  for (size_t i = 0; i < count; i++) {
    if (!sinks[i].archived) continue;
    if (!archive_measure(&sinks[i], &size, &crc))
      return host_error(archive->log, GRUS_EXIT_FILE, "%s: cannot read back: %s", archive->name,
                        strerror(errno));
    if (at + size > UINT32_MAX - ARCHIVE_BLOCK * ARCHIVE_BLOCK) {
      host_error(archive->log, GRUS_EXIT_USAGE,
                 "%s: an .npz holds less than 4 GiB, these outputs are larger", archive->name);
      host_detail(archive->log, "try", "--out with a folder");
      return GRUS_EXIT_USAGE;
    }
    fwrite("PK\3\4", 1, 4, file);
    archive_member(file, sinks[i].port->name, size, crc);
    fprintf(file, "%s.npy", sinks[i].port->name);
    archive_copy(sinks[i].file, file);
    at += ARCHIVE_LOCAL + strlen(sinks[i].port->name) + 4 + size;
  }
  directory = at;
  for (size_t i = 0; i < count; i++) {
    if (!sinks[i].archived) continue;
    const char *name = sinks[i].port->name;
    archive_measure(&sinks[i], &size, &crc);
    fwrite("PK\1\2", 1, 4, file);
    archive_number(file, ARCHIVE_VERSION, 2);
    archive_member(file, name, size, crc);
    archive_number(file, 0, 8); /* no comment, first disk, attributes */
    archive_number(file, 0, 2);
    archive_number(file, where, 4);
    fprintf(file, "%s.npy", name);
    where += ARCHIVE_LOCAL + strlen(name) + 4 + size;
    at += ARCHIVE_ENTRY + strlen(name) + 4;
    n++;
  }
  fwrite("PK\5\6", 1, 4, file);
  archive_number(file, 0, 4);
  archive_number(file, n, 2);
  archive_number(file, n, 2);
  archive_number(file, at - directory, 4);
  archive_number(file, directory, 4);
  archive_number(file, 0, 2);
  return host_sink_finish(archive);
}
