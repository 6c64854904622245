/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Relocations of x86-64 and AArch64 that position-independent code without a table of addresses
 * has; see elf_machine.h. The numbers and formulas are those of the processors' ELF supplements. */
#include "backend/elf_machine.h"

#include <stddef.h>

enum { X86_64 = 62, AARCH64 = 183 };

static const ElfMachine machines[] = {{X86_64, 1, 8, 4096}, {AARCH64, 257, 1027, 65536}};

const ElfMachine *elf_machine(uint32_t id) {
  for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
    if (machines[i].id == id) return &machines[i];
  return NULL;
}

static uint32_t get_word(const char *at) {
  uint32_t x = 0;
  for (int i = 3; i >= 0; i--)
    x = x << 8 | (unsigned char)at[i];
  return x;
}

static void put_bytes(char *at, uint64_t x, int bytes) {
  for (int i = 0; i < bytes; i++)
    at[i] = (char)(x >> 8 * i & 0xff);
}

static bool fits(int64_t x, int bits) {
  return x >= -((int64_t)1 << (bits - 1)) && x < (int64_t)1 << (bits - 1);
}

/* ---- x86-64 ---- */

enum { R_X86_64_PC32 = 2, R_X86_64_PLT32 = 4, R_X86_64_PC64 = 24 };

static ElfApplied apply_x86_64(uint32_t type, char *code, int64_t away) {
  switch (type) {
  case R_X86_64_PC64: put_bytes(code, (uint64_t)away, 8); return ELF_APPLIED;
  case R_X86_64_PC32:
  case R_X86_64_PLT32:
    if (!fits(away, 32)) return ELF_TOO_FAR;
    put_bytes(code, (uint64_t)away, 4);
    return ELF_APPLIED;
  }
  return ELF_UNKNOWN;
}

/* ---- AArch64 ---- */

enum {
  R_AARCH64_PREL64 = 260,
  R_AARCH64_PREL32 = 261,
  R_AARCH64_ADR_PREL_LO21 = 274,
  R_AARCH64_ADR_PREL_PG_HI21 = 275,
  R_AARCH64_ADD_ABS_LO12_NC = 277,
  R_AARCH64_LDST8_ABS_LO12_NC = 278,
  R_AARCH64_JUMP26 = 282,
  R_AARCH64_CALL26 = 283,
  R_AARCH64_LDST16_ABS_LO12_NC = 284,
  R_AARCH64_LDST32_ABS_LO12_NC = 285,
  R_AARCH64_LDST64_ABS_LO12_NC = 286,
  R_AARCH64_LDST128_ABS_LO12_NC = 299,
  ADR_PAGE = 12,
  IMMEDIATE12 = 10, /* first bit of the 12 in an instruction */
  LOW12 = 0xfff
};

/* The 21 bits of adr and adrp: two at bit 29, the others at bit 5. */
static ElfApplied put_adr(char *code, int64_t away) {
  const uint32_t low = 3u << 29, high = 0x7ffffu << 5;
  if (!fits(away, 21)) return ELF_TOO_FAR;
  uint32_t x = (uint32_t)((uint64_t)away & 0x1fffff);
  put_bytes(code, (get_word(code) & ~(low | high)) | (x & 3) << 29 | x >> 2 << 5, 4);
  return ELF_APPLIED;
}

/* The low bits of an address, in units of the size that is loaded. */
static ElfApplied put_low(char *code, uint64_t to, int shift) {
  uint32_t x = (uint32_t)(to & LOW12) >> shift;
  put_bytes(code, (get_word(code) & ~((uint32_t)LOW12 << IMMEDIATE12)) | x << IMMEDIATE12, 4);
  return ELF_APPLIED;
}

static ElfApplied put_branch(char *code, int64_t away) {
  const uint32_t bits = 0x3ffffff;
  if (!fits(away, 28)) return ELF_TOO_FAR;
  put_bytes(code, (get_word(code) & ~bits) | ((uint32_t)((uint64_t)away >> 2) & bits), 4);
  return ELF_APPLIED;
}

static ElfApplied apply_aarch64(uint32_t type, char *code, uint64_t at, uint64_t to) {
  int64_t away = (int64_t)(to - at);
  switch (type) {
  case R_AARCH64_PREL64: put_bytes(code, (uint64_t)away, 8); return ELF_APPLIED;
  case R_AARCH64_PREL32:
    if (!fits(away, 32)) return ELF_TOO_FAR;
    put_bytes(code, (uint64_t)away, 4);
    return ELF_APPLIED;
  case R_AARCH64_ADR_PREL_LO21: return put_adr(code, away);
  case R_AARCH64_ADR_PREL_PG_HI21:
    return put_adr(code, (int64_t)((to >> ADR_PAGE) - (at >> ADR_PAGE)));
  case R_AARCH64_ADD_ABS_LO12_NC:
  case R_AARCH64_LDST8_ABS_LO12_NC: return put_low(code, to, 0);
  case R_AARCH64_LDST16_ABS_LO12_NC: return put_low(code, to, 1);
  case R_AARCH64_LDST32_ABS_LO12_NC: return put_low(code, to, 2);
  case R_AARCH64_LDST64_ABS_LO12_NC: return put_low(code, to, 3);
  case R_AARCH64_LDST128_ABS_LO12_NC: return put_low(code, to, 4);
  case R_AARCH64_JUMP26:
  case R_AARCH64_CALL26: return put_branch(code, away);
  }
  return ELF_UNKNOWN;
}

/* ---- both ---- */

int elf_machine_width(const ElfMachine *machine, uint32_t type) {
  uint32_t far = machine->id == X86_64 ? R_X86_64_PC64 : R_AARCH64_PREL64;
  return type == machine->address || type == far ? 8 : 4;
}

ElfApplied elf_machine_apply(const ElfMachine *machine, uint32_t type, char *code, uint64_t at,
                             uint64_t to) {
  return machine->id == X86_64 ? apply_x86_64(type, code, (int64_t)(to - at))
                               : apply_aarch64(type, code, at, to);
}
