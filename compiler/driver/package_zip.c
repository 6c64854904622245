/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A zip archive in memory; see package_zip.h. */
#include "driver/package_zip.h"

#include "runtime/host/host_inflate.h"

#include <string.h>

enum { VERSION = 20, DATE = 0x21 /* 1980-01-01 */, LOCAL = 30 };

static void number(Text *out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++, value >>= 8)
    text_add_char(out, (char)(value & 255));
}

/* What stands both before a file and in the directory. */
static void about(Text *out, const FileOut *file) {
  number(out, VERSION, 2);
  number(out, 0, 6); /* flags, stored, time */
  number(out, DATE, 2);
  number(out, host_crc32(0, (const unsigned char *)file->data, file->len), 4);
  number(out, file->len, 4);
  number(out, file->len, 4);
  number(out, strlen(file->path), 2);
  number(out, 0, 2); /* extra */
}

void package_zip(const FileOut *files, int n, Text *out) {
  for (int i = 0; i < n; i++) {
    text_add_n(out, "PK\3\4", 4);
    about(out, &files[i]);
    text_add(out, files[i].path);
    text_add_n(out, files[i].data, files[i].len);
  }
  size_t directory = out->len, at = 0;
  for (int i = 0; i < n; i++) {
    text_add_n(out, "PK\1\2", 4);
    number(out, VERSION, 2);
    about(out, &files[i]);
    number(out, 0, 10); /* no comment, first disk, attributes */
    number(out, at, 4);
    text_add(out, files[i].path);
    at += LOCAL + strlen(files[i].path) + files[i].len;
  }
  size_t end = out->len;
  text_add_n(out, "PK\5\6", 4);
  number(out, 0, 4);
  number(out, (uint64_t)n, 2);
  number(out, (uint64_t)n, 2);
  number(out, end - directory, 4);
  number(out, directory, 4);
  number(out, 0, 2);
}
