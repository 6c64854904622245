/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Readers of files of tensors. The hostile files are made here, byte by byte. */
#include "import/tensors/hdf5.h"
#include "import/weights_file.h"
#include "model/bind/weights.h"
#include "model/infer/infer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

/* ---- element types ---- */

static double get(TensorElem elem, bool big, const char *bytes) {
  Tensor t = {
      .elem = elem, .rank = 0, .big_endian = big, .data = (const uint8_t *)bytes, .count = 1};
  return tensor_get(&t, 0);
}

static void element_types(void **state) {
  (void)state;
  assert_true(get(TENSOR_F32, false, "\x00\x00\xc0\x3f") == 1.5);
  assert_true(get(TENSOR_F32, true, "\x3f\xc0\x00\x00") == 1.5);
  assert_true(get(TENSOR_F64, false, "\x00\x00\x00\x00\x00\x00\xf8\xbf") == -1.5);
  assert_true(get(TENSOR_F16, false, "\x00\x3e") == 1.5);
  assert_true(get(TENSOR_F16, false, "\x01\x00") == 0x1p-24);
  assert_true(get(TENSOR_F16, false, "\x00\xfc") == -INFINITY);
  assert_true(isnan(get(TENSOR_F16, false, "\x01\x7c")));
  assert_true(get(TENSOR_BF16, false, "\xc0\x3f") == 1.5);
  assert_true(get(TENSOR_I8, false, "\xff") == -1);
  assert_true(get(TENSOR_U8, false, "\xff") == 255);
  assert_true(get(TENSOR_I16, true, "\xff\xfe") == -2);
  assert_true(get(TENSOR_I64, false, "\xff\xff\xff\xff\xff\xff\xff\xff") == -1);
}

static void fortran_order(void **state) {
  (void)state;
  const uint8_t bytes[] = {0, 1, 2, 3, 4, 5}; /* columns of [2, 3]: 0 1 | 2 3 | 4 5 */
  Tensor t = {
      .elem = TENSOR_U8, .rank = 2, .dim = {2, 3}, .fortran = true, .data = bytes, .count = 6};
  const double expected[] = {0, 2, 4, 1, 3, 5};
  for (int i = 0; i < 6; i++)
    assert_true(tensor_get(&t, i) == expected[i]);
}

/* ---- files ---- */

/* HDF5 may have a user block in front; a zip may have a file of HDF5 at the same place. */
static void user_block(void **state) {
  (void)state;
  enum { USER_BLOCK = 8192 };
  uint8_t bytes[USER_BLOCK + 8] = {0};
  memcpy(bytes + USER_BLOCK, "\x89HDF\r\n\x1a\n", 8);
  Mapped file = {.data = bytes, .len = sizeof bytes};
  assert_true(hdf5_sniff(file));
  memcpy(bytes, "PK\x03\x04", 4);
  assert_false(hdf5_sniff(file));
}

static Mapped npy(Fixture *f, const char *header, const char *data, size_t len) {
  size_t n = strlen(header);
  uint8_t *bytes = arena_alloc(f->arena, 10 + n + len);
  memcpy(bytes, "\x93NUMPY\x01\x00", 8);
  bytes[8] = (uint8_t)n, bytes[9] = (uint8_t)(n >> 8);
  memcpy(bytes + 10, header, n);
  if (len) memcpy(bytes + 10 + n, data, len);
  return (Mapped){bytes, 10 + n + len};
}

static void npy_headers(void **state) {
  static const struct {
    const char *header;
    size_t data;
    bool good;
  } cases[] = {
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24, true},
      {"{'shape': (6,), 'fortran_order': True, 'descr': '|u1'}\n", 6, true},
      {"{'descr': '>i2', 'fortran_order': False, 'shape': (), }", 2, true},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 23, false},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 25, false},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", 0, false},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 0, false},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 0, false},
      {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8, false},
      {"{'descr': '<f4', 'shape': (1,), }", 4, false},
      {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4, false},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 4, false},
      {"{'descr': [('a','<f4')], 'fortran_order': False, 'shape': (1,), }", 4, false},
      {"", 0, false},
  };
  Fixture *f = *state;
  char zeros[64] = {0};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Tensor t = {.name = "t"};
    const char *reason = NULL;
    bool good = npy_parse(f->arena, npy(f, cases[i].header, zeros, cases[i].data), &t, &reason);
    if (good != cases[i].good) fail_msg("case %zu: %s", i, reason ? reason : "accepted");
    if (!good) assert_non_null(reason);
  }
}

static Mapped safetensors(Fixture *f, const char *header, size_t data) {
  size_t n = strlen(header);
  uint8_t *bytes = arena_alloc(f->arena, 8 + n + data + 1);
  for (int i = 0; i < 8; i++)
    bytes[i] = (uint8_t)((uint64_t)n >> 8 * i);
  memcpy(bytes + 8, header, n);
  return (Mapped){bytes, 8 + n + data};
}

static void safetensors_headers(void **state) {
  static const struct {
    const char *header;
    size_t data;
    const char *complaint; /* NULL: good */
  } cases[] = {
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, NULL},
      {"{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"BF16\",\"shape\":[],\"data_"
       "offsets\":[0,2]}}",
       2, NULL},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, "bytes 0 to 8 of 7"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "needs 12 bytes"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "bytes 8 to 0"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8,
       "negative or too large dimension"},
      {"{\"a\":{\"dtype\":\"F8\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "element type F8"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}", 8,
       "negative or too large dimension"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\","
       "\"shape\":[2],\"data_offsets\":[0,8]}}",
       8, "not JSON"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\","
       "\"shape\":[2],\"data_offsets\":[4,12]}}",
       12, "overlap"},
      {"{\"a\":7}", 8, "lacks"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}", 8, "not JSON"},
      {"[1]", 8, "neither"},
  };
  Fixture *f = *state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *reason = NULL;
    TensorFile *file =
        safetensors_parse(f->arena, safetensors(f, cases[i].header, cases[i].data), &reason);
    if ((file != NULL) != (cases[i].complaint == NULL))
      fail_msg("case %zu: %s", i, reason ? reason : "accepted");
    if (!file && !strstr(reason, cases[i].complaint)) fail_msg("case %zu says: %s", i, reason);
  }
}

static void safetensors_header_beyond_file(void **state) {
  Fixture *f = *state;
  uint8_t bytes[16] = {255, 255, 255, 255, 255, 255, 255, 127, '{'};
  const char *reason = NULL;
  assert_null(safetensors_parse(f->arena, (Mapped){bytes, sizeof bytes}, &reason));
  assert_null(safetensors_parse(f->arena, (Mapped){bytes, 3}, &reason));
}

static void safetensors_deep_json(void **state) {
  Fixture *f = *state;
  enum { DEPTH = 100000 };
  char *header = arena_alloc(f->arena, 2 * DEPTH + 16);
  memcpy(header, "{\"a\":", 5);
  memset(header + 5, '[', DEPTH);
  const char *reason = NULL;
  assert_null(safetensors_parse(f->arena, safetensors(f, header, 0), &reason));
  assert_non_null(strstr(reason, "not JSON"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(element_types),
      cmocka_unit_test(fortran_order),
      cmocka_unit_test(user_block),
      cmocka_unit_test_setup_teardown(npy_headers, set_up, tear_down),
      cmocka_unit_test_setup_teardown(safetensors_headers, set_up, tear_down),
      cmocka_unit_test_setup_teardown(safetensors_header_beyond_file, set_up, tear_down),
      cmocka_unit_test_setup_teardown(safetensors_deep_json, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
