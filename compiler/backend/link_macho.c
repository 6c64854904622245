/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Libraries of macOS (Mach-O, for x86-64 and arm64); see link_internal.h. The segments __TEXT, with
 * the heads, read-only data and code, and __DATA lie in the file as in memory. __LINKEDIT is what
 * the loader and tools read: where addresses are, exported names twice, as a trie and as symbols,
 * and the signature without a signer that arm64 asks of every library (link_sign.c). */
#include "backend/link_internal.h"
#include "backend/link_sign.h"

#include "base/sha256.h"

#include <string.h>

enum {
  PAGE = 0x4000, /* of arm64; a multiple of that of x86-64 */
  HEAD = 32,
  N_COMMANDS = 11,
  SEGMENT_HEAD = 72,
  SECTION_ENTRY = 80,
  SYMBOL_ENTRY = 16,
  NAME_BYTES = 16,
  LIBRARY_HEAD = 24, /* a command that names a library, before the name */
  DYLD_INFO = 48,
  SYMTAB = 24,
  DYSYMTAB = 80,
  UUID = 24,
  BUILD_VERSION = 24,
  LINKEDIT_DATA = 16,
  AT_UUID = 8, /* in its command */
  ELF_X86_64 = 62
};

typedef enum MachoPart {
  PART_CONST = 1,
  PART_TEXT,
  PART_DATA,
  PART_BSS
} MachoPart; /* numbers of sections */

typedef struct MachoLayout {
  LinkPlaces places;
  uint64_t commands, first; /* bytes of commands; of the read-only data */
  uint64_t linkedit, linkedit_address, rebase, rebase_size, trie, trie_size, symbols, strings,
      strings_size, signature, signature_size;
} MachoLayout;

static const char system_library[] = "/usr/lib/libSystem.B.dylib"; /* every library needs it */

/* ---- numbers ---- */

static void put_leb(Text *out, uint64_t x) {
  enum { BITS = 7, MORE = 0x80 };
  for (; x >= MORE; x >>= BITS)
    text_add_char(out, (char)((x & (MORE - 1)) | MORE));
  text_add_char(out, (char)x);
}

static uint64_t leb_size(uint64_t x) {
  uint64_t n = 1;
  while (x >>= 7)
    n++;
  return n;
}

/* "_grus_rows": names of C begin with an underscore. */
static uint64_t name_size(const char *name) {
  return strlen(name) + 2;
}

static void put_name(Text *out, const char *name) {
  text_add_char(out, '_');
  text_add_n(out, name, strlen(name) + 1);
}

/* ---- what __LINKEDIT holds ---- */

/* A program of the loader: add the distance to the address at each of these places. */
static void put_rebase(const Link *l, uint64_t data, Text *out) {
  enum { DONE, TYPE_POINTER = 0x11, SEGMENT_DATA_AT = 0x21, ONCE = 0x51 };
  text_add_char(out, TYPE_POINTER);
  for (size_t i = 0; i < l->n_pointers; i++) {
    text_add_char(out, SEGMENT_DATA_AT);
    put_leb(out, l->pointer[i] - data);
    text_add_char(out, ONCE);
  }
  text_add_char(out, DONE);
  link_pad_to(out, link_round_up(out->len, 8));
}

/* A root with an edge for each name, and a leaf for each: flags and the address. */
static bool put_trie(Link *l, Text *out) {
  uint64_t *address = ARENA_ARRAY(l->arena, uint64_t, l->n_exported + 1), size, root = 0, last = 1;
  for (int i = 0; i < l->n_exported; i++)
    if (!link_find(l, l->exported[i], &address[i], &size)) return false;
  while (root != last) { /* until the sizes of the offsets in the root agree with the offsets */
    uint64_t at = last = root;
    root = 2;
    for (int i = 0; i < l->n_exported; i++) {
      root += name_size(l->exported[i]) + leb_size(at);
      at += 1 + 1 + leb_size(address[i]) + 1;
    }
  }
  text_add_char(out, 0);
  text_add_char(out, (char)l->n_exported);
  for (int i = 0; i < l->n_exported; i++) {
    put_name(out, l->exported[i]);
    put_leb(out, root);
    root += 1 + 1 + leb_size(address[i]) + 1;
  }
  for (int i = 0; i < l->n_exported; i++) {
    text_add_char(out, (char)(1 + leb_size(address[i])));
    text_add_char(out, 0);
    put_leb(out, address[i]);
    text_add_char(out, 0);
  }
  link_pad_to(out, link_round_up(out->len, 8));
  return true;
}

static MachoPart part_of(const MachoLayout *y, uint64_t address) {
  const LinkPlaces *p = &y->places;
  return address >= p->end[SEGMENT_DATA]     ? PART_BSS
         : address >= p->start[SEGMENT_DATA] ? PART_DATA
         : address >= p->start[SEGMENT_CODE] ? PART_TEXT
                                             : PART_CONST;
}

static bool put_symbols(Link *l, const MachoLayout *y, Text *out) {
  enum { EXTERNAL_IN_SECTION = 0x0f };
  uint64_t name = 1, address, size;
  for (int i = 0; i < l->n_exported; i++) {
    if (!link_find(l, l->exported[i], &address, &size)) return false;
    link_put(out, name, 4);
    link_put(out, EXTERNAL_IN_SECTION, 1);
    link_put(out, part_of(y, address), 1);
    link_put(out, 0, 2);
    link_put(out, address, 8);
    name += name_size(l->exported[i]);
  }
  text_add_char(out, 0);
  for (int i = 0; i < l->n_exported; i++)
    put_name(out, l->exported[i]);
  link_pad_to(out, link_round_up(out->len, 16));
  return true;
}

/* ---- commands ---- */

static void put_padded(Text *out, const char *name, uint64_t bytes) {
  size_t end = out->len + bytes;
  text_add(out, name);
  link_pad_to(out, end);
}

static void put_segment(Text *out, const char *name, uint64_t address, uint64_t memory, uint64_t at,
                        uint64_t size, uint64_t protection, uint64_t n_sections) {
  enum { COMMAND = 0x19 };
  link_put(out, COMMAND, 4);
  link_put(out, SEGMENT_HEAD + n_sections * SECTION_ENTRY, 4);
  put_padded(out, name, NAME_BYTES);
  link_put(out, address, 8);
  link_put(out, memory, 8);
  link_put(out, at, 8);
  link_put(out, size, 8);
  link_put(out, protection, 4);
  link_put(out, protection, 4);
  link_put(out, n_sections, 4);
  link_put(out, 0, 4);
}

static void put_section(Text *out, const char *name, const char *segment, uint64_t at, uint64_t end,
                        uint32_t flags, bool in_file) {
  enum { ALIGN_BITS = 6 };
  put_padded(out, name, NAME_BYTES);
  put_padded(out, segment, NAME_BYTES);
  link_put(out, at, 8);
  link_put(out, end - at, 8);
  link_put(out, in_file ? at : 0, 4);
  link_put(out, ALIGN_BITS, 4);
  link_put(out, 0, 8); /* relocations */
  link_put(out, flags, 4);
  link_put(out, 0, 12);
}

static void put_segments(Text *out, const MachoLayout *y) {
  enum { READ = 1, WRITE = 2, RUN = 4, ZEROS = 1 };
  const uint32_t code = 0x80000400; /* instructions and nothing else */
  const LinkPlaces *p = &y->places;
  uint64_t data = p->start[SEGMENT_DATA], size = link_round_up(p->end[SEGMENT_DATA] - data, PAGE);
  put_segment(out, "__TEXT", 0, data, 0, data, READ | RUN, 2);
  put_section(out, "__const", "__TEXT", y->first, p->end[SEGMENT_READ], 0, true);
  put_section(out, "__text", "__TEXT", p->start[SEGMENT_CODE], p->end[SEGMENT_CODE], code, true);
  put_segment(out, "__DATA", data, y->linkedit_address - data, data, size, READ | WRITE, 2);
  put_section(out, "__data", "__DATA", data, p->end[SEGMENT_DATA], 0, true);
  put_section(out, "__bss", "__DATA", p->end[SEGMENT_DATA], p->memory_end, ZEROS, false);
  uint64_t edit = y->signature + y->signature_size - y->linkedit;
  put_segment(out, "__LINKEDIT", y->linkedit_address, link_round_up(edit, PAGE), y->linkedit, edit,
              READ, 0);
}

static uint64_t library_size(const char *name) {
  return link_round_up(LIBRARY_HEAD + strlen(name) + 1, 8);
}

static void put_library(Text *out, uint32_t command, const char *name) {
  const uint64_t version = 0x10000; /* 1.0.0 */
  uint64_t size = library_size(name);
  link_put(out, command, 4);
  link_put(out, size, 4);
  link_put(out, LIBRARY_HEAD, 4);
  link_put(out, 1, 4); /* a time */
  link_put(out, version, 4);
  link_put(out, version, 4);
  put_padded(out, name, size - LIBRARY_HEAD);
}

static const char *install_name(const Link *l) {
  return arena_printf(l->arena, "@rpath/%s", l->name);
}

static void put_tables(Text *out, const Link *l, const MachoLayout *y) {
  const uint32_t dyld_info = 0x80000022;
  uint64_t n = (uint64_t)l->n_exported;
  link_put(out, dyld_info, 4);
  link_put(out, DYLD_INFO, 4);
  link_put(out, y->rebase, 4);
  link_put(out, y->rebase_size, 4);
  for (int i = 0; i < 6; i++) /* nothing is taken from elsewhere */
    link_put(out, 0, 4);
  link_put(out, y->trie, 4);
  link_put(out, y->trie_size, 4);
  link_put(out, 2, 4);
  link_put(out, SYMTAB, 4);
  link_put(out, y->symbols, 4);
  link_put(out, n, 4);
  link_put(out, y->strings, 4);
  link_put(out, y->strings_size, 4);
  link_put(out, 0xb, 4);
  link_put(out, DYSYMTAB, 4);
  link_put(out, 0, 8); /* symbols that are not seen */
  link_put(out, 0, 4);
  link_put(out, n, 4);
  link_put(out, n, 4);
  link_pad_to(out, out->len + DYSYMTAB - 7 * 4);
}

static void put_commands(Text *out, const Link *l, const MachoLayout *y) {
  enum { ID = 0xd, LOAD = 0xc, SIGNATURE = 0x1d, VERSION_COMMAND = 0x32, UUID_COMMAND = 0x1b };
  enum { MACOS = 1, LEAST_MACOS = 11 << 16 };
  put_segments(out, y);
  put_library(out, ID, install_name(l));
  put_tables(out, l, y);
  link_put(out, UUID_COMMAND, 4);
  link_put(out, UUID, 4);
  link_pad_to(out, out->len + UUID - AT_UUID);
  link_put(out, VERSION_COMMAND, 4);
  link_put(out, BUILD_VERSION, 4);
  link_put(out, MACOS, 4);
  link_put(out, LEAST_MACOS, 4);
  link_put(out, LEAST_MACOS, 4);
  link_put(out, 0, 4);
  put_library(out, LOAD, system_library);
  link_put(out, SIGNATURE, 4);
  link_put(out, LINKEDIT_DATA, 4);
  link_put(out, y->signature, 4);
  link_put(out, y->signature_size, 4);
}

static uint64_t commands_size(const Link *l) {
  return 3 * SEGMENT_HEAD + 4 * SECTION_ENTRY + library_size(install_name(l)) + DYLD_INFO + SYMTAB +
         DYSYMTAB + UUID + BUILD_VERSION + library_size(system_library) + LINKEDIT_DATA;
}

static void put_head(Text *out, const Link *l, const MachoLayout *y) {
  const uint64_t magic = 0xfeedfacf, is_64 = 0x1000000;
  enum { X86 = 7, X86_ALL = 3, ARM = 12, LIBRARY = 6 };
  const uint64_t flags = 0x100085; /* whole, for the loader, of two levels, passes none on */
  bool x86 = l->machine->id == ELF_X86_64;
  link_put(out, magic, 4);
  link_put(out, is_64 | (x86 ? X86 : ARM), 4);
  link_put(out, x86 ? X86_ALL : 0, 4);
  link_put(out, LIBRARY, 4);
  link_put(out, N_COMMANDS, 4);
  link_put(out, y->commands, 4);
  link_put(out, flags, 4);
  link_put(out, 0, 4);
}

/* ---- the file ---- */

/* A number of this library, the same for the same bytes. */
static void number_file(Text *out, const Link *l) {
  enum { UUID_BYTES = 16, VERSION_AT = 6, VARIANT_AT = 8 };
  uint64_t at = HEAD + 3 * SEGMENT_HEAD + 4 * SECTION_ENTRY + library_size(install_name(l)) +
                DYLD_INFO + SYMTAB + DYSYMTAB + AT_UUID;
  Sha256 sha = sha256_new();
  uint8_t digest[SHA256_BYTES];
  sha256_add(&sha, out->s, out->len);
  sha256_bytes(&sha, digest);
  digest[VERSION_AT] = (uint8_t)((digest[VERSION_AT] & 0xf) | 0x50); /* made from content */
  digest[VARIANT_AT] = (uint8_t)((digest[VARIANT_AT] & 0x3f) | 0x80);
  memcpy(out->s + at, digest, UUID_BYTES);
}

/* Everything but the heads, whose place is kept free. */
static bool put_body(Link *l, MachoLayout *y, Text *body) {
  link_pad_to(body, y->first);
  link_write(l, SEGMENT_READ, body);
  link_pad_to(body, y->places.start[SEGMENT_CODE]);
  link_write(l, SEGMENT_CODE, body);
  link_pad_to(body, y->places.start[SEGMENT_DATA]);
  link_write_data(l, body);
  link_pad_to(body, y->linkedit);
  if (!link_relocate(l, body->s)) return false;
  y->rebase = body->len;
  put_rebase(l, y->places.start[SEGMENT_DATA], body);
  y->trie = body->len;
  y->rebase_size = y->trie - y->rebase;
  Text trie = text_new(l->arena); /* its offsets count from its beginning */
  if (!put_trie(l, &trie)) return false;
  text_add_n(body, trie.s, trie.len);
  y->trie_size = trie.len;
  y->symbols = body->len;
  y->strings = y->symbols + (uint64_t)l->n_exported * SYMBOL_ENTRY;
  if (!put_symbols(l, y, body)) return false;
  y->signature = body->len;
  y->strings_size = y->signature - y->strings;
  return true;
}

bool link_macho(Link *l, Text *out) {
  Text body = text_new(out->arena);
  MachoLayout y = {.commands = commands_size(l)};
  y.first = link_round_up(HEAD + y.commands, IMAGE_ALIGN);
  y.places = link_place_all(l, y.first, 0, PAGE);
  y.linkedit = link_round_up(y.places.end[SEGMENT_DATA], PAGE);
  y.linkedit_address = link_round_up(y.places.memory_end, PAGE);
  if (!link_is_short(l, y.linkedit_address)) return false;
  if (!put_body(l, &y, &body)) return false;
  y.signature_size = sign_size(y.signature, l->name);
  put_head(out, l, &y);
  put_commands(out, l, &y);
  if (out->len != HEAD + y.commands) return link_fail(l, "commands were counted wrongly");
  memcpy(body.s, out->s, out->len);
  out->len = 0;
  text_add_n(out, body.s, body.len);
  number_file(out, l);
  sign_add(out, l->name, y.places.start[SEGMENT_DATA]);
  return true;
}
