/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Start of a Cortex-M test image: vectors, the FPU if there is one, then newlib's start, which
 * talks to QEMU by semihosting. */
#include <stdint.h>

extern char stack_top[];
void _start(void);
void reset_handler(void);
void fault_handler(void);

void reset_handler(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: full access to CP10 and CP11 */
  __asm volatile("dsb\n\tisb");
#endif
  _start();
}

/* Ends QEMU with a failing exit code (semihosting SYS_EXIT, ADP_Stopped_RunTimeErrorUnknown). */
void fault_handler(void) {
  register uint32_t r0 __asm("r0") = 0x18, r1 __asm("r1") = 0x20023;
  __asm volatile("bkpt 0xAB" : : "r"(r0), "r"(r1));
  for (;;) {
  }
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top,
    (const void *)reset_handler,
    (const void *)fault_handler,
    (const void *)fault_handler,
    (const void *)fault_handler,
    (const void *)fault_handler,
    (const void *)fault_handler};
