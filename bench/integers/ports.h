/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the inputs and outputs of layer.h are: D inputs in f32 and H outputs, or, with
 * INTEGER_PORTS, D inputs of 16 bits and one output. */
#ifndef PORTS_H
#define PORTS_H

#include <stdint.h>

#ifdef INTEGER_PORTS
enum { OUTPUTS = 1, UNITS = 32768 }; /* units of a 1 */
typedef int16_t Input;
#else
enum { OUTPUTS = H, UNITS = 1 };
typedef float Input;
#endif

#endif
