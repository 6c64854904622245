/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* libhdf5 includes it and waits for nobody (scripts/libraries). */
