/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The programs' own inflate against zlib's: what zlib deflates in every way comes out again, and of
 * damaged data no more is accepted than zlib accepts, but for codes that leave values unused. */
#include "host_inflate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { MOST = 1 << 16, WINDOW = -15, MEMORY = 8, DAMAGES = 100, ROUNDS = 40 };

static uint32_t random_state = 1;
static unsigned next(unsigned below) {
  random_state = random_state * 1664525u + 1013904223u;
  return (unsigned)((uint64_t)random_state * below >> 32);
}

static int failures;
static void check(int holds, const char *what, unsigned a, unsigned b) {
  if (holds) return;
  failures++;
  if (failures < 10) fprintf(stderr, "inflate: %s (%u, %u)\n", what, a, b);
}

/* Bytes of every kind: nothing, runs, few letters, noise, and what was there before. */
static size_t make(unsigned char *to, unsigned kind) {
  static const size_t sizes[] = {0, 1, 2, 300, 5000, 40000, MOST};
  size_t n = sizes[next(sizeof sizes / sizeof *sizes)];
  for (size_t i = 0; i < n; i++) {
    size_t back = 1 + next(i < 30000 ? (unsigned)i + 1 : 30000);
    unsigned char copy = i ? to[i - (back > i ? i : back)] : 0;
    to[i] = (unsigned char)(kind == 0   ? 7
                            : kind == 1 ? next(256)
                            : kind == 2 ? next(4)
                            : next(16)  ? copy
                                        : next(256));
  }
  return n;
}

static size_t deflate_by(const unsigned char *from, size_t n, int level, int strategy,
                         unsigned char *to, size_t room) {
  z_stream z;
  memset(&z, 0, sizeof z);
  if (deflateInit2(&z, level, Z_DEFLATED, WINDOW, MEMORY, strategy) != Z_OK) abort();
  z.next_in = (unsigned char *)(uintptr_t)from;
  z.avail_in = (uInt)n;
  z.next_out = to;
  z.avail_out = (uInt)room;
  if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
  size_t packed = z.total_out;
  deflateEnd(&z);
  return packed;
}

/* Whether zlib makes exactly these n bytes out of it; *incomplete: it refuses a code in which some
 * values mean nothing. */
static int zlib_takes(const unsigned char *from, size_t length, unsigned char *to, size_t n,
                      int *incomplete) {
  static unsigned char more[1];
  z_stream z;
  memset(&z, 0, sizeof z);
  if (inflateInit2(&z, WINDOW) != Z_OK) abort();
  z.next_in = (unsigned char *)(uintptr_t)from;
  z.avail_in = (uInt)length;
  z.next_out = n ? to : more;
  z.avail_out = (uInt)n;
  int status = inflate(&z, Z_FINISH);
  *incomplete = z.msg && (strstr(z.msg, "invalid literal/lengths set") ||
                          strstr(z.msg, "invalid distances set") ||
                          strstr(z.msg, "invalid code lengths set"));
  int takes = status == Z_STREAM_END && z.total_out == n && z.total_in == length;
  inflateEnd(&z);
  return takes;
}

int main(void) {
  static unsigned char from[MOST], packed[2 * MOST], mine[MOST], theirs[MOST];
  static const int strategies[] = {Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED};
  unsigned accepted = 0, refused = 0, looser = 0;
  for (unsigned round = 0; round < ROUNDS; round++) {
    size_t n = make(from, round % 4);
    for (unsigned s = 0; s < sizeof strategies / sizeof *strategies; s++) {
      int level = (int)next(10);
      size_t length = deflate_by(from, n, level, strategies[s], packed, sizeof packed);
      memset(mine, 0xa5, sizeof mine);
      check(host_inflate(packed, length, mine, n) && memcmp(mine, from, n) == 0, "not what went in",
            round, s);
      check(host_crc32(0, from, n) == crc32(0, from, (uInt)n), "another checksum", round, s);
      check(length == 0 || !host_inflate(packed, length - 1, mine, n), "cut data accepted", round,
            s);
      check(n == 0 || !host_inflate(packed, length, mine, n - 1), "too little room accepted", round,
            s);
      check(n == MOST || !host_inflate(packed, length, mine, n + 1), "too few bytes accepted",
            round, s);
      for (unsigned d = 0; d < DAMAGES && n < MOST && length; d++) {
        size_t at = next((unsigned)(length < 200 ? length : 200));
        unsigned char kept = packed[at];
        packed[at] = (unsigned char)(kept ^ 1u << next(8));
        int incomplete, theirs_takes = zlib_takes(packed, length, theirs, n, &incomplete),
                        mine_takes = host_inflate(packed, length, mine, n);
        packed[at] = kept;
        accepted += mine_takes && theirs_takes;
        refused += !mine_takes && !theirs_takes;
        looser += mine_takes && !theirs_takes && incomplete;
        check(mine_takes == theirs_takes || (mine_takes && incomplete), "judged differently", round,
              d);
        check(!mine_takes || !theirs_takes || memcmp(mine, theirs, n) == 0, "other bytes", round,
              d);
      }
    }
  }
  printf("damaged: %u accepted by both, %u refused by both, %u with unused codes\n", accepted,
         refused, looser);
  check(accepted > 100 && refused > 1000, "the damages are all of one kind", accepted, refused);
  return failures != 0;
}
