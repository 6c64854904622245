/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of machines. */
#include "lower/target.h"

#include <stddef.h>
#include <string.h>

static const Target generic = {.name = "generic",
                               .doc = "any processor: scalar, four independent sums",
                               .lanes = 1,
                               .min_lanes = 1,
                               .registers = 16,
                               .accumulators = 4,
                               .c_flags = ""};
static const Target x86_64_v2 = {.name = "x86-64-v2",
                                 .doc = "SSE4.2: 4 lanes",
                                 .lanes = 4,
                                 .min_lanes = 4,
                                 .registers = 16,
                                 .accumulators = 8,
                                 .l1_bytes = 32768,
                                 .l2_bytes = 262144,
                                 .c_flags = "-march=x86-64-v2"};
static const Target x86_64_v3 = {.name = "x86-64-v3",
                                 .doc = "AVX2 and FMA: 8 lanes",
                                 .lanes = 8,
                                 .min_lanes = 4,
                                 .registers = 16,
                                 .has_fma = true,
                                 .has_f16 = true,
                                 .accumulators = 8,
                                 .l1_bytes = 32768,
                                 .l2_bytes = 262144,
                                 .dot_step = 16,
                                 .c_flags = "-march=x86-64-v3",
                                 .c_needs = "defined(__AVX2__) && defined(__FMA__)"};
static const Target x86_64_v4 = {.name = "x86-64-v4",
                                 .doc = "AVX-512: 16 lanes",
                                 .lanes = 16,
                                 .min_lanes = 4,
                                 .registers = 32,
                                 .has_fma = true,
                                 .has_f16 = true,
                                 .accumulators = 16,
                                 .l1_bytes = 49152,
                                 .l2_bytes = 1048576,
                                 .dot_step = 16,
                                 .c_flags = "-march=x86-64-v4",
                                 .c_needs = "defined(__AVX512F__) && defined(__AVX512VL__)"};
static const Target x86_64_v4_vnni = {.name = "x86-64-v4-vnni",
                                      .doc = "AVX-512 with VNNI: 16 lanes",
                                      .lanes = 16,
                                      .min_lanes = 4,
                                      .registers = 32,
                                      .has_fma = true,
                                      .has_f16 = true,
                                      .accumulators = 16,
                                      .l1_bytes = 49152,
                                      .l2_bytes = 1048576,
                                      .has_quads = true,
                                      .dot_step = 16,
                                      .c_flags = "-march=x86-64-v4 -mavx512vnni",
                                      .c_needs = "defined(__AVX512F__) && defined(__AVX512VNNI__)"};
static const Target x86_64_v4_bf16 = {
    .name = "x86-64-v4-bf16",
    .doc = "AVX-512 with VNNI and BF16: 16 lanes, `precision bf16` multiplies in bf16",
    .lanes = 16,
    .min_lanes = 4,
    .registers = 32,
    .has_fma = true,
    .has_f16 = true,
    .has_bf16_pairs = true,
    .has_quads = true,
    .accumulators = 16,
    .l1_bytes = 49152,
    .l2_bytes = 1048576,
    .dot_step = 16,
    .c_flags = "-march=x86-64-v4 -mavx512vnni -mavx512bf16",
    .c_needs = "defined(__AVX512VNNI__) && defined(__AVX512BF16__)"};
/* Of its 32 registers GCC needs two to load weights ahead of their use. */
static const Target aarch64 = {.name = "aarch64",
                               .doc = "Advanced SIMD: 4 lanes",
                               .lanes = 4,
                               .min_lanes = 4,
                               .registers = 30,
                               .has_fma = true,
                               .accumulators = 8,
                               .l1_bytes = 32768,
                               .l2_bytes = 524288,
                               .dot_step = 8,
                               .inlines = true,
                               .c_flags = "",
                               .c_needs = "defined(__aarch64__)"};
static const Target cortex_m0 = {.name = "cortex-m0",
                                 .doc = "no floating point unit",
                                 .lanes = 1,
                                 .min_lanes = 1,
                                 .registers = 8,
                                 .accumulators = 1,
                                 .dot_step = 4,
                                 .dot_unsigned = true,
                                 .lacks_fpu = true,
                                 .is_mcu = true,
                                 .c_flags = "-mcpu=cortex-m0 -mthumb"};
/* VFMA takes 3 cycles, VMUL and VADD 2 together. */
static const Target cortex_m4 = {.name = "cortex-m4",
                                 .doc = "single precision; multiply and add beat VFMA",
                                 .lanes = 1,
                                 .min_lanes = 1,
                                 .registers = 32,
                                 .accumulators = 8,
                                 .unroll = 4,
                                 .load_many = 16,
                                 .dot_step = 4,
                                 .dot_swapped = true,
                                 .is_mcu = true,
                                 .c_flags =
                                     "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16",
                                 .c_needs = "!defined(__arm__) || defined(__ARM_FP)"};
static const Target cortex_m7 = {.name = "cortex-m7",
                                 .doc = "single precision, dual issue",
                                 .lanes = 1,
                                 .min_lanes = 1,
                                 .registers = 32,
                                 .has_fma = true,
                                 .accumulators = 8,
                                 .unroll = 4,
                                 .load_many = 16,
                                 .l1_bytes = 16384,
                                 .dot_step = 4,
                                 .dot_swapped = true,
                                 .is_mcu = true,
                                 .c_flags =
                                     "-mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16",
                                 .c_needs = "!defined(__arm__) || defined(__ARM_FEATURE_FMA)"};
static const Target cortex_m55 = {.name = "cortex-m55",
                                  .doc = "MVE: 4 lanes",
                                  .lanes = 4,
                                  .min_lanes = 4,
                                  .registers = 8,
                                  .has_fma = true,
                                  .scalar_factor = true,
                                  .has_f16 = true,
                                  .accumulators = 4,
                                  .is_mcu = true,
                                  .dot_step = 8,
                                  .dot_step_bytes = 16,
                                  .c_flags = "-mcpu=cortex-m55 -mthumb -mfloat-abi=hard",
                                  .c_needs = "!defined(__arm__) || defined(__ARM_FEATURE_MVE)"};
static const Target rv32 = {.name = "rv32",
                            .doc = "32-bit RISC-V",
                            .lanes = 1,
                            .min_lanes = 1,
                            .registers = 32,
                            .accumulators = 4,
                            .unroll = 2,
                            .lacks_fpu = true,
                            .is_mcu = true,
                            .c_flags = "-march=rv32imac -mabi=ilp32"};
/* Multiplies bytes. Its C compiler alone knows how constants are read from flash. */
static const Target avr = {.name = "avr",
                           .doc = "8-bit AVR, constants in flash",
                           .lanes = 1,
                           .min_lanes = 1,
                           .registers = 4,
                           .accumulators = 1,
                           .dot_unsigned = true,
                           .flash_apart = true,
                           .lacks_fpu = true,
                           .is_mcu = true,
                           .c_flags = "-mmcu=atmega328p -std=gnu99"};
static const Target rv64gcv = {
    .name = "rv64gcv",
    .doc = "64-bit RISC-V with vectors of 128 bits and more: 4 lanes",
    .lanes = 4,
    .min_lanes = 4,
    .registers = 32,
    .has_fma = true,
    .accumulators = 8,
    .l1_bytes = 32768,
    .l2_bytes = 524288,
    .c_flags = "-march=rv64gcv -mabi=lp64d",
    .c_needs = "!defined(__riscv) || defined(__riscv_v) || defined(__riscv_vector)"};
/* Registers are those of the processors under it. Sums that do not fit travel through memory from
 * turn to turn, which costs more than waiting for few of them: measured under V8. */
static const Target wasm_simd = {.name = "wasm-simd",
                                 .doc = "WebAssembly with 128-bit vectors: 4 lanes",
                                 .lanes = 4,
                                 .min_lanes = 4,
                                 .registers = 16,
                                 .accumulators = 2,
                                 .loads_first = true,
                                 .l1_bytes = 32768,
                                 .l2_bytes = 262144,
                                 .c_flags = "-msimd128",
                                 .c_needs = "!defined(__wasm__) || defined(__wasm_simd128__)"};

const Target *const target_table[] = {&generic,
#define TARGET(id, name, triple, cpu, features) &id,
#include "base/targets.def"
#undef TARGET
                                      &avr, /* by its own C compiler alone */
                                      NULL};

const Target *target_find(const char *name) {
  for (int i = 0; target_table[i]; i++)
    if (strcmp(target_table[i]->name, name) == 0) return target_table[i];
  return NULL;
}
