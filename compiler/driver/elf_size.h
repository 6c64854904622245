/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What an object takes of flash. */
#ifndef GRUS_DRIVER_ELF_SIZE_H
#define GRUS_DRIVER_ELF_SIZE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of all sections of a little-endian ELF object that are loaded and have contents: code,
 * constants, initialised data, tables for unwinding; what `size` calls text and data. 0 if it is
 * none. */
int64_t elf_flash_bytes(const char *data, size_t len);

/* Bytes that a function of the object may use below its frame: the red zone of x86-64, else 0. */
int64_t elf_red_zone(const char *data, size_t len);

#endif
