/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* SHA-256: the examples of FIPS 180-4, pieces of every size, and the instructions of x86-64 against
 * the code for any processor. */
#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *data, size_t len, size_t piece, const char *expected) {
  Sha256 sha = sha256_new();
  char digits[SHA256_DIGITS + 1];
  for (size_t at = 0; at < len; at += piece)
    sha256_add(&sha, data + at, len - at < piece ? len - at : piece);
  sha256_finish(&sha, digits);
  assert_string_equal(digits, expected);
}

static void examples_of_the_standard(void **state) {
  static char million[1000000];
  static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  (void)state;
  memset(million, 'a', sizeof million);
  check("", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  check("abc", 3, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  check(two, sizeof two - 1, 56,
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  for (size_t piece = 1; piece < 200; piece += 21)
    check(million, sizeof million, piece,
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  check(million, sizeof million, sizeof million,
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void instructions_agree(void **state) {
  uint8_t block[5 * SHA256_BLOCK];
  uint32_t x = 1, one[8], other[8];
  (void)state;
  for (int round = 0; round < 1000; round++) {
    for (size_t i = 0; i < sizeof block; i++)
      block[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    for (int i = 0; i < 8; i++)
      one[i] = other[i] = x = x * 1664525 + 1013904223;
    sha256_compress(one, block, 5);
    if (!sha256_x86_compress(other, block, 5)) {
      print_message("skipped: this processor has no instructions for SHA-256\n");
      skip();
    }
    assert_memory_equal(one, other, sizeof one);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(examples_of_the_standard),
                                     cmocka_unit_test(instructions_agree)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
