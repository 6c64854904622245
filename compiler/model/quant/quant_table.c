/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* tanh of Q3.17 as Q0.16: 32 cubics of a quarter each, of least error around v + 1/2.
 *
 *     p in -2^20 .. 2^20 - 1, a floor of what is meant: p + 1/2. So one's complement is the mirror:
 *     s = p >> 31, v = p ^ s, i = v >> 15, t = v & 32767
 *     r = c0[i] + ((c1[i] + ((c2[i] + ((c3[i] t) >> 16)) t >> 16)) t >> 16)      0 .. 65535
 *     R = r ^ s                                                                  again a floor
 *     tanh = min((R + 1) >> 1, 32767)   sigmoid(p) = min((65538 + R(p >> 1)) >> 2, 32767)
 *
 * Found by least squares on Chebyshev nodes and a search of a few units around for the least
 * squared error and mean. Largest error of both 1.0 units of 2^-15 (where 1 becomes 32767 / 32768).
 * c0[0] is 0: silence stays silent. */
#include "model/quant/quant.h"

const int32_t quant_tanh[4][QUANT_SEGMENTS] = {
    {0,     16051, 30285, 41625, 49912, 55593, 59320, 61694, 63179, 64096, 64659,
     65003, 65212, 65339, 65417, 65464, 65492, 65509, 65520, 65526, 65530, 65532,
     65533, 65534, 65535, 65535, 65535, 65535, 65535, 65535, 65535, 65535},
    {32777, 30823, 25791, 19558, 13763, 9187, 5918, 3727, 2312, 1423, 870, 529, 322, 198, 118, 71,
     45,    29,    16,    12,    5,     6,    5,    4,    0,    0,    0,   0,   0,   0,   0,   0},
    {-75,  -3978, -6143, -6297, -5252, -3871, -2646, -1726, -1095, -682, -420,
     -256, -154,  -96,   -57,   -34,   -22,   -14,   -7,    -7,    1,    -4,
     0,    0,     0,     0,     0,     0,     0,     0,     0,     0},
    {-2545, -1460, -155, 661, 904, 814, 616, 425, 278, 177, 110, 68, 42, 25, 15, 9,
     6,     3,     2,    1,   1,   0,   0,   0,   0,   0,   0,   0,  0,  0,  0,  0}};
