/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads .npz: a zip archive of .npy files, as numpy.savez and savez_compressed write it. It finds
 * the member with the name of the port and checks it; then the source reads that member as .npy. A
 * stored member passes through the buffer. A deflated one is decoded into memory, at most as much
 * as deflate can make of its bytes. */
#include "host_posix.h"

#include "host_inflate.h"
#include "host_signal.h"
#include "host_source.h"
#include "host_system.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  ZIP_END_SIZE = 22,
  ZIP64_PLACE_SIZE = 20,
  ZIP64_END_SIZE = 56,
  ZIP_ENTRY_SIZE = 46,
  ZIP_LOCAL_SIZE = 30,
  ZIP_COMMENT_MAX = 65535,
  ZIP_NAME_MAX = 255,
  ZIP_MOST_RATIO = 1032, /* deflate makes at most this many bytes of one */
  ZIP_BLOCK = 65536
};

/* An entry of the directory, which is at the end of the file. */
typedef struct ZipMember {
  char name[ZIP_NAME_MAX + 1];
  unsigned flags, method;
  uint32_t crc;
  uint64_t packed, size, at;
} ZipMember;

static uint64_t zip_number(const unsigned char *bytes, int n) {
  uint64_t value = 0;
  for (int i = n - 1; i >= 0; i--)
    value = value << 8 | bytes[i];
  return value;
}

/* Reads n bytes of the file from `at` on; false after reporting if they are not there. */
static bool zip_read(HostSource *source, uint64_t at, unsigned char *to, size_t n) {
  size_t done = 0;
  if (at > source->bytes.size || n > source->bytes.size - at) {
    host_source_fail(source, GRUS_EXIT_DATA,
                     "truncated: its directory names bytes that are not there");
    return false;
  }
  while (done < n && !host_signal_seen()) {
    int64_t got = host_system_read_at(source->bytes.fd, to + done, n - done, at + done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      host_source_fail(source, GRUS_EXIT_FILE, "cannot read: %s",
                       got < 0 ? strerror(errno) : "it became shorter");
      return false;
    }
    done += (size_t)got;
  }
  return done == n;
}

/* Finds the directory and how many entries it has; false after reporting. */
static bool zip_directory(HostSource *source, uint64_t *at, uint64_t *count) {
  uint64_t size = source->bytes.size;
  size_t n = size < ZIP_END_SIZE + ZIP_COMMENT_MAX ? (size_t)size : ZIP_END_SIZE + ZIP_COMMENT_MAX,
         i;
  unsigned char *tail = malloc(n + 1), wide[ZIP64_END_SIZE];
  if (!tail) host_source_fail(source, GRUS_EXIT_FILE, "not enough memory for its directory");
  bool ok = tail && zip_read(source, size - n, tail, n);
  for (i = n; ok && i >= ZIP_END_SIZE; i--)
    if (memcmp(tail + i - ZIP_END_SIZE, "PK\5\6", 4) == 0) break;
  if (ok && i < ZIP_END_SIZE) {
    host_source_fail(source, GRUS_EXIT_DATA,
                     "no .npz, or truncated: the directory at its end is missing");
    ok = false;
  }
  if (ok) {
    const unsigned char *end = tail + i - ZIP_END_SIZE;
    *count = zip_number(end + 10, 2);
    *at = zip_number(end + 16, 4);
    uint64_t place = size - n + (i - ZIP_END_SIZE);
    bool is_wide = *count == 0xffff || *at == UINT32_MAX;
    if (is_wide && place >= ZIP64_PLACE_SIZE) {
      ok = zip_read(source, place - ZIP64_PLACE_SIZE, wide, ZIP64_PLACE_SIZE);
      ok = ok && (memcmp(wide, "PK\6\7", 4) != 0 ||
                  zip_read(source, zip_number(wide + 8, 8), wide, ZIP64_END_SIZE));
      if (ok && memcmp(wide, "PK\6\6", 4) == 0) {
        *count = zip_number(wide + 32, 8);
        *at = zip_number(wide + 48, 8);
      }
    }
  }
  free(tail);
  return ok;
}

/* Takes sizes beyond 32 bits from the extra field, which has only those that need it, in this
 * order. */
static void zip_wide(ZipMember *m, const unsigned char *extra, size_t n) {
  while (n >= 4) {
    size_t length = (size_t)zip_number(extra + 2, 2);
    if (length > n - 4) return;
    if (zip_number(extra, 2) == 1) {
      uint64_t *const field[] = {&m->size, &m->packed, &m->at};
      const unsigned char *at = extra + 4;
      for (int i = 0; i < 3; i++)
        if (*field[i] == UINT32_MAX && (size_t)(at - extra) + 8 <= length + 4) {
          *field[i] = zip_number(at, 8);
          at += 8;
        }
      return;
    }
    extra += 4 + length;
    n -= 4 + length;
  }
}

/* Reads the entry at *at and moves *at to the next one; false after reporting. */
static bool zip_member(HostSource *source, uint64_t *at, ZipMember *m) {
  unsigned char head[ZIP_ENTRY_SIZE], rest[1024];
  if (!zip_read(source, *at, head, sizeof head)) return false;
  size_t name = (size_t)zip_number(head + 28, 2), extra = (size_t)zip_number(head + 30, 2),
         comment = (size_t)zip_number(head + 32, 2);
  if (memcmp(head, "PK\1\2", 4) != 0 || name > ZIP_NAME_MAX || name + extra > sizeof rest) {
    host_source_fail(source, GRUS_EXIT_DATA,
                     "damaged: its directory has something else where a member is needed");
    return false;
  }
  if (!zip_read(source, *at + ZIP_ENTRY_SIZE, rest, name + extra)) return false;
  memset(m, 0, sizeof *m);
  memcpy(m->name, rest, name);
  m->flags = (unsigned)zip_number(head + 8, 2);
  m->method = (unsigned)zip_number(head + 10, 2);
  m->crc = (uint32_t)zip_number(head + 16, 4);
  m->packed = zip_number(head + 20, 4);
  m->size = zip_number(head + 24, 4);
  m->at = zip_number(head + 42, 4);
  zip_wide(m, rest + name, extra);
  *at += ZIP_ENTRY_SIZE + name + extra + comment;
  return true;
}

static bool zip_is_named(const ZipMember *m, const char *name) {
  size_t n = strlen(name);
  return strncmp(m->name, name, n) == 0 && (strcmp(m->name + n, ".npy") == 0 || !m->name[n]);
}

/* Finds the member for the port: the one with its name, or the only one. False after reporting. */
static bool zip_find(HostSource *source, ZipMember *out) {
  uint64_t at, count;
  HostText names = {{0}, 0};
  if (!zip_directory(source, &at, &count)) return false;
  for (uint64_t i = 0; i < count; i++) {
    if (!zip_member(source, &at, out)) return false;
    if (count == 1 || zip_is_named(out, source->port->name)) return true;
    char *end = strstr(out->name, ".npy");
    if (end) *end = 0;
    host_text_add(&names, "%s%s", i ? " " : "", out->name);
  }
  host_source_fail(source, GRUS_EXIT_DATA, "no array `%s` in this archive", source->port->name);
  host_detail(source->log, "found", "%s", names.length ? names.s : "nothing");
  return false;
}

/* Finds where the bytes of a member begin; false after reporting. */
static bool zip_begin(HostSource *source, const ZipMember *m, uint64_t *at) {
  unsigned char local[ZIP_LOCAL_SIZE];
  if (!zip_read(source, m->at, local, sizeof local)) return false;
  *at = m->at + ZIP_LOCAL_SIZE + zip_number(local + 26, 2) + zip_number(local + 28, 2);
  if (memcmp(local, "PK\3\4", 4) != 0 || *at > source->bytes.size ||
      m->packed > source->bytes.size - *at) {
    host_source_fail(source, GRUS_EXIT_DATA,
                     "truncated or damaged: `%s` is not where its directory says", m->name);
    return false;
  }
  return true;
}

static bool zip_fail_crc(HostSource *source, const ZipMember *m) {
  host_source_fail(source, GRUS_EXIT_DATA, "damaged: `%s` does not have its checksum", m->name);
  return false;
}

/* Checks a stored member, and lets the source continue with its bytes. */
static bool zip_open_stored(HostSource *source, const ZipMember *m, uint64_t at) {
  static const char *const odd = "damaged: `%s` has two sizes";
  HostBytes *bytes = &source->bytes;
  uint32_t crc = 0;
  if (m->packed != m->size) {
    host_source_fail(source, GRUS_EXIT_DATA, odd, m->name);
    return false;
  }
  for (uint64_t done = 0; done < m->size;) {
    size_t some = m->size - done < ZIP_BLOCK ? (size_t)(m->size - done) : ZIP_BLOCK;
    if (!zip_read(source, at + done, bytes->buffer, some)) return false;
    crc = host_crc32(crc, bytes->buffer, some);
    done += some;
  }
  if (crc != m->crc) return zip_fail_crc(source, m);
  if (lseek(bytes->fd, (off_t)at, SEEK_SET) < 0) {
    host_source_fail(source, GRUS_EXIT_FILE, "cannot read: %s", strerror(errno));
    return false;
  }
  bytes->position = bytes->length = 0;
  bytes->taken = 0;
  bytes->size = m->size;
  return true;
}

/* Decodes a deflated member, and lets the source continue with the result. */
static bool zip_open_deflated(HostSource *source, const ZipMember *m, uint64_t at) {
  HostBytes *bytes = &source->bytes;
  uint64_t device = bytes->device, inode = bytes->inode;
  bool possible = m->packed <= SIZE_MAX / ZIP_MOST_RATIO && m->size <= m->packed * ZIP_MOST_RATIO;
  unsigned char *packed = possible ? malloc((size_t)m->packed + 1) : NULL;
  source->inflated = possible ? malloc((size_t)m->size + 1) : NULL;
  if (!packed || !source->inflated) {
    host_source_fail(source, possible ? GRUS_EXIT_FILE : GRUS_EXIT_DATA,
                     possible ? "not enough memory for `%s`"
                              : "damaged: `%s` cannot be as large as it says",
                     m->name);
    free(packed);
    return false;
  }
  bool ok = zip_read(source, at, packed, (size_t)m->packed);
  if (ok && (!host_inflate(packed, (size_t)m->packed, source->inflated, (size_t)m->size) ||
             host_crc32(0, source->inflated, (size_t)m->size) != m->crc))
    ok = zip_fail_crc(source, m);
  free(packed);
  if (!ok) return false;
  host_bytes_close(bytes);
  host_bytes_memory(bytes, source->inflated, (size_t)m->size);
  bytes->device = device;
  bytes->inode = inode;
  return true;
}

int host_npz_open(HostSource *source) {
  ZipMember m;
  uint64_t at;
  enum { ENCRYPTED = 1, STORED = 0, DEFLATED = 8 };
  if (source->bytes.fd < 0 || source->bytes.size == HOST_SIZE_UNKNOWN) {
    host_source_fail(source, GRUS_EXIT_USAGE,
                     "an .npz has its directory at the end and cannot come through a pipe");
    host_detail(source->log, "try", "a file, or an .npy");
    return source->status;
  }
  bool ok = zip_find(source, &m) && zip_begin(source, &m, &at);
  if (ok && (m.flags & ENCRYPTED || (m.method != STORED && m.method != DEFLATED)))
    return host_source_fail(source, GRUS_EXIT_DATA, "`%s` is %s", m.name,
                            m.flags & ENCRYPTED ? "encrypted"
                                                : "compressed in a way that numpy does not write");
  ok = ok &&
       (m.method == STORED ? zip_open_stored(source, &m, at) : zip_open_deflated(source, &m, at));
  if (!ok) return source->status ? source->status : 128 + host_signal_seen();
  source->style.format = HOST_FORMAT_NPY;
  return host_npy_open(source);
}
