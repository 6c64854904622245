/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The floor of WebAssembly with SIMD: multiply-adds from registers alone, for bench/web/models.mjs.
 * WebAssembly has no fused ones, so each is a product and a sum.
 *
 *   clang-19 --target=wasm32 -O2 -msimd128 -nostdlib -Wl,--no-entry -o floor.wasm floor.c */
typedef float Lanes __attribute__((vector_size(16)));

/* 40 multiply-adds (ten vectors) a round: sums that wait for nothing but themselves. */
__attribute__((export_name("spin"))) float spin(long rounds, float half) {
  Lanes h = {half, half, half, half}, a = h, b = a + h, c = b + h, d = c + h, e = d + h;
  Lanes f = e + h, g = f + h, i = g + h, j = i + h, k = j + h;
  for (; rounds; rounds--) {
    a = a * h + h, b = b * h + h, c = c * h + h, d = d * h + h, e = e * h + h;
    f = f * h + h, g = g * h + h, i = i * h + h, j = j * h + h, k = k * h + h;
  }
  Lanes sum = ((a + b) + (c + d)) + ((e + f) + (g + i)) + (j + k);
  return sum[0] + sum[1] + sum[2] + sum[3];
}
