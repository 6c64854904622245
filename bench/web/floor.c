/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The floors of WebAssembly with SIMD, for bench/web/models.mjs: multiply-adds from registers
 * alone, and reading memory. WebAssembly has no fused multiply-adds, so each is a product and a
 * sum.
 *
 *   clang-19 --target=wasm32 -O2 -msimd128 -nostdlib -Wl,--no-entry,--export=data floor.c -o out */
typedef float Lanes __attribute__((vector_size(16)));

/* 56 multiply-adds (14 vectors) a round: sums that wait for nothing but themselves, as many as
 * sixteen registers hold beside the factor. Ten would wait: a product and a sum take six cycles or
 * more. */
__attribute__((export_name("spin"))) float spin(long rounds, float half) {
  Lanes h = {half, half, half, half}, a = h, b = a + h, c = b + h, d = c + h, e = d + h;
  Lanes f = e + h, g = f + h, i = g + h, j = i + h, k = j + h, l = k + h, m = l + h, n = m + h,
        o = n + h;
  for (; rounds; rounds--) {
    a = a * h + h, b = b * h + h, c = c * h + h, d = d * h + h, e = e * h + h;
    f = f * h + h, g = g * h + h, i = i * h + h, j = j * h + h, k = k * h + h;
    l = l * h + h, m = m * h + h, n = n * h + h, o = o * h + h;
  }
  Lanes sum = ((a + b) + (c + d)) + ((e + f) + (g + i)) + ((j + k) + (l + m)) + (n + o);
  return sum[0] + sum[1] + sum[2] + sum[3];
}

enum { MOST = 1 << 25, SUMS = 4 }; /* bytes at most; V8 reads fastest into four sums */
Lanes data[MOST / sizeof(Lanes)];

/* Reads up to MOST bytes, `times` times. */
__attribute__((export_name("read"))) float read(unsigned long bytes, long times) {
  Lanes sum[SUMS] = {{0}};
  unsigned long vectors = (bytes < MOST ? bytes : MOST) / sizeof(Lanes);
  for (; times; times--)
    for (unsigned long at = 0; at + SUMS <= vectors; at += SUMS)
      for (int i = 0; i < SUMS; i++)
        sum[i] += data[at + i];
  Lanes all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  return all[0] + all[1] + all[2] + all[3];
}
