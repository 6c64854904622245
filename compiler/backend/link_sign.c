/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Signatures without a signer; see link_sign.h. All numbers have the highest byte first. */
#include "backend/link_sign.h"

#include "base/sha256.h"

#include <string.h>

enum {
  PAGE_BITS = 12,
  PAGE = 1 << PAGE_BITS,
  BLOB_HEAD = 20,     /* of all, with one entry */
  DIRECTORY_HEAD = 88 /* of the directory of hashes */
};

static void put(Text *out, uint64_t x, int bytes) {
  for (int i = bytes - 1; i >= 0; i--)
    text_add_char(out, (char)(x >> 8 * i & 0xff));
}

static uint64_t pages_of(uint64_t size) {
  return (size + PAGE - 1) / PAGE;
}

uint64_t sign_size(uint64_t size, const char *name) {
  return BLOB_HEAD + DIRECTORY_HEAD + strlen(name) + 1 + pages_of(size) * SHA256_BYTES;
}

static void put_heads(Text *out, uint64_t size, const char *name, uint64_t text_size) {
  const uint64_t all = 0xfade0cc0, directory = 0xfade0c02, version = 0x20400;
  const uint64_t by_a_linker = 0x20002; /* without a signer */
  enum { SHA256_KIND = 2 };
  uint64_t bytes = sign_size(size, name);
  put(out, all, 4);
  put(out, bytes, 4);
  put(out, 1, 4); /* entries: a directory, where */
  put(out, 0, 4);
  put(out, BLOB_HEAD, 4);
  put(out, directory, 4);
  put(out, bytes - BLOB_HEAD, 4);
  put(out, version, 4);
  put(out, by_a_linker, 4);
  put(out, DIRECTORY_HEAD + strlen(name) + 1, 4); /* where hashes are */
  put(out, DIRECTORY_HEAD, 4);                    /* where the name is */
  put(out, 0, 4);
  put(out, pages_of(size), 4);
  put(out, size, 4);
  put(out, SHA256_BYTES, 1);
  put(out, SHA256_KIND, 1);
  put(out, 0, 1);
  put(out, PAGE_BITS, 1);
  for (int i = 0; i < 4; i++) /* nothing is scattered, no team */
    put(out, 0, 4);
  put(out, 0, 8); /* the size again, where it needs 64 bits */
  put(out, 0, 8); /* code begins with the file */
  put(out, text_size, 8);
  put(out, 0, 8);
}

void sign_add(Text *file, const char *name, uint64_t text_size) {
  size_t size = file->len;
  put_heads(file, size, name, text_size);
  text_add_n(file, name, strlen(name) + 1);
  for (size_t at = 0; at < size; at += PAGE) {
    uint8_t digest[SHA256_BYTES];
    Sha256 sha = sha256_new();
    sha256_add(&sha, file->s + at, size - at < PAGE ? size - at : PAGE);
    sha256_bytes(&sha, digest);
    text_add_n(file, (const char *)digest, sizeof digest);
  }
}
