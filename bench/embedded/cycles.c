/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* cycles CORE LISTING LOG BEGIN END: what QEMU executed, counted and priced.
 *
 * In: LISTING, `objdump -d` of the image; LOG, `qemu-system-arm -d in_asm,exec,nochain`; BEGIN and
 * END, functions: everything from an entry of BEGIN to the next entry of END is one call.
 * Out: "CALLS INSTRUCTIONS CYCLES", the last two means of a call; with -h in front also how often
 * every kind of instruction ran.
 *
 * Instructions are exact. Cycles are a model, with all memory answering at once:
 *   m4   Cortex-M4 Technical Reference Manual, tables 3-1 and 7-1: loads of one register 2 cycles,
 * of N 1 + N, VFMA 3, VDIV 14, other floating point arithmetic 1 and one more if the next
 *        instruction reads the result, taken branches 3 (between 2 and 4)
 *   m7   two instructions a cycle in order if they are independent, at most one of them floating
 *        point arithmetic and one a load or store; results of VADD and VMUL after 3 cycles, of VFMA
 *        after 5, of loads after 2, VDIV 16; VLDM two registers a cycle; branches are predicted
 *   m55  one instruction a cycle in order; vector instructions occupy their unit (load and store,
 *        arithmetic) for two cycles, and the next one, of the other unit, starts a cycle later;
 *        results as m7, of vectors two cycles after their start for another vector instruction
 * m7 and m55 have no published table; the model may be off by 30 %. */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_BYTES = 1 << 20, MAX_KINDS = 512, MAX_BLOCKS = 1 << 16, REGS = 80, FLAGS = 79 };

typedef enum Unit { INTEGER, FLOATING, MEMORY, BRANCH } Unit;

typedef struct Insn {
  char name[16]; /* without width and condition suffix of the encoding: "vfma.f32" */
  uint8_t bytes; /* 0: no instruction here */
  Unit unit;
  bool is_vector;
  int words;                                /* MEMORY: registers loaded or stored */
  int write[34], n_write, read[34], n_read; /* 0..15 core, 16..47 s0..s31, FLAGS */
} Insn;

/* What QEMU translated at once. One pc may have several, for other states of the processor; they
 * are told apart by where the host has them. */
typedef struct Block {
  uint64_t host;
  uint32_t bytes;
} Block;

static Insn code[CODE_BYTES / 2];
static Block block[MAX_BLOCKS]; /* hashed by host */
static uint32_t begin_at, end_at;

static void die(const char *what, const char *why) {
  fprintf(stderr, "cycles: %s: %s\n", what, why);
  exit(2);
}

/* ---- reading the listing ---- */

/* Registers named by the text at *s, appended to list; a q or d register as its s registers. */
static int one_register(const char **s, int *list, int n) {
  static const char *const alias[] = {"sp", "lr", "pc", "ip", "fp", "sl", "sb"};
  static const int number[] = {13, 14, 15, 12, 11, 10, 9};
  const char *p = *s;
  for (int i = 0; i < 7; i++)
    if (strncmp(p, alias[i], 2) == 0 && !isalnum((unsigned char)p[2])) {
      *s = p + 2;
      list[n++] = number[i];
      return n;
    }
  if (strchr("rsdq", *p) && isdigit((unsigned char)p[1])) {
    char *end;
    int i = (int)strtol(p + 1, &end, 10);
    int size = *p == 'd' ? 2 : *p == 'q' ? 4 : 1;
    for (int k = 0; k < size && n < 34; k++)
      if (*p == 'r')
        list[n++] = i;
      else if (i * size + k < 32)
        list[n++] = 16 + i * size + k;
    *s = end;
  }
  return n;
}

/* All registers of one operand: "r0", "[r1, #4]!", "{s0-s7}", "r2, lsl #3". */
static int registers(const char *s, const char *end, int *list, int n) {
  while (s < end) {
    const char *start = s;
    bool word = start[0] && (isalnum((unsigned char)start[0]));
    int before = n;
    n = one_register(&s, list, n);
    if (s != start && *s == '-' && n > before) { /* a range */
      const char *last = s + 1;
      int to[8], first = list[before];
      int m = one_register(&last, to, 0);
      for (int r = list[n - 1] + 1; m && r <= to[m - 1] && n < 34; r++)
        list[n++] = r;
      (void)first;
      s = last;
    }
    if (s == start) do
        s++;
      while (word && s < end && isalnum((unsigned char)*s));
  }
  return n;
}

static bool starts(const char *s, const char *with) {
  return strncmp(s, with, strlen(with)) == 0;
}

static bool is_store(const char *name) {
  return starts(name, "st") || starts(name, "vst") || starts(name, "push") || starts(name, "vpush");
}

static Unit unit_of(const char *name) {
  static const char *const memory[] = {"ld", "st", "vld", "vst", "push", "pop", "vpush", "vpop"};
  for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
    if (starts(name, memory[i])) return MEMORY;
  if (name[0] == 'v') return FLOATING;
  if (starts(name, "le") || starts(name, "cbz") || starts(name, "cbnz") || starts(name, "bx") ||
      starts(name, "bl"))
    return BRANCH;
  if (name[0] == 'b' && !starts(name, "bic") && !starts(name, "bf") && !starts(name, "bkpt"))
    return BRANCH;
  return INTEGER;
}

static void operands(Insn *insn, const char *s) {
  const char *stop = strpbrk(s, "@;<");
  const char *end = stop ? stop : s + strlen(s);
  const char *comma = s;
  for (int depth = 0; comma < end && (*comma != ',' || depth); comma++)
    depth += *comma == '[' || *comma == '{' ? 1 : *comma == ']' || *comma == '}' ? -1 : 0;
  bool list_only = *s == '{';                                       /* push, pop */
  bool many = !list_only && strchr(s, '{') && strchr(s, '{') < end; /* vldm, ldm: base, list */
  const char *name = insn->name;
  bool writes = !starts(name, "cmp") && !starts(name, "cmn") && !starts(name, "tst") &&
                !starts(name, "vcmp") && !is_store(name) && insn->unit != BRANCH && name[0] != 'i';
  int all[34], n_all = registers(s, end, all, 0);
  if (list_only || many) {
    int list[34], n = registers(list_only ? s : comma, end, list, 0);
    insn->words = n;
    memcpy(is_store(name) ? insn->read : insn->write, list, (size_t)n * sizeof *list);
    *(is_store(name) ? &insn->n_read : &insn->n_write) = n;
    if (many && !is_store(name)) insn->read[insn->n_read++] = all[0];
    return;
  }
  if (insn->unit == MEMORY) insn->words = starts(name, "ldrd") || starts(name, "strd") ? 2 : 1;
  if (writes) insn->n_write = registers(s, comma, insn->write, 0);
  bool accumulates = starts(name, "vfm") || starts(name, "vml") || starts(name, "vnm");
  const char *from = writes && !accumulates ? comma : s;
  insn->n_read = registers(from, end, insn->read, 0);
  bool two = comma >= end; /* one operand alone is read, too */
  if (two && n_all && writes) insn->n_read = registers(s, end, insn->read, 0);
}

static void add_line(const char *line) {
  uint32_t at;
  int used = 0;
  if (sscanf(line, " %x:%n", &at, &used) != 1 || !used || at >= CODE_BYTES) return;
  const char *s = line + used;
  int half = 0;
  while (*s == '\t' || *s == ' ')
    s++;
  for (; half <= 2 && isxdigit((unsigned char)*s); half++) {
    int n = (int)strspn(s, "0123456789abcdef");
    s += n;
    if (n == 8) half++; /* a 32-bit instruction in one piece */
    while (*s == ' ')
      s++;
  }
  if (*s != '\t' || half < 1 || half > 2) return;
  while (*s == '\t')
    s++;
  Insn *insn = &code[at / 2];
  memset(insn, 0, sizeof *insn);
  insn->bytes = (uint8_t)(2 * half);
  size_t n = strcspn(s, " \t\n");
  snprintf(insn->name, sizeof insn->name, "%.*s", (int)n, s);
  char *width = strstr(insn->name, ".n");
  if (!width) width = strstr(insn->name, ".w");
  if (width && !width[2]) *width = 0;
  insn->unit = unit_of(insn->name);
  s += n;
  s += strspn(s, " \t");
  operands(insn, s);
  insn->is_vector = insn->name[0] == 'v' && strchr(s, 'q') &&
                    (!strchr(s, '@') || strchr(s, 'q') < strchr(s, '@'));
}

static void read_listing(const char *path, const char *begin, const char *end) {
  FILE *f = fopen(path, "r");
  char line[512], name[256];
  uint32_t at;
  if (!f) die(path, "cannot be read");
  while (fgets(line, sizeof line, f)) {
    if (sscanf(line, "%x <%255[^>]>:", &at, name) == 2 && !isspace((unsigned char)line[0])) {
      if (strcmp(name, begin) == 0) begin_at = at;
      if (strcmp(name, end) == 0) end_at = at;
    } else
      add_line(line);
  }
  fclose(f);
  if (!begin_at) die(begin, "is no function of the listing");
  if (!end_at) die(end, "is no function of the listing");
}

/* ---- prices ---- */

typedef struct Model {
  int64_t cycle;       /* of the next instruction */
  int64_t ready[REGS]; /* cycle in which a register can be read */
  bool slot_used;      /* m7: this cycle has one instruction already */
  Unit slot_unit;
  int64_t unit_free[2]; /* m55: vector memory, vector arithmetic */
  const Insn *last;     /* m4 */
} Model;

static bool reads_result(const Insn *insn, const Insn *last) {
  for (int i = 0; i < last->n_write; i++)
    for (int k = 0; k < insn->n_read; k++)
      if (last->write[i] == insn->read[k]) return true;
  return false;
}

static bool moves_only(const char *name) {
  return starts(name, "vmov") || starts(name, "vmrs") || starts(name, "vmsr") ||
         starts(name, "vdup");
}

static void price_m4(Model *m, const Insn *insn, bool taken) {
  int cycles = 1;
  if (insn->unit == MEMORY)
    cycles = insn->words > 1 || strchr(insn->name, 'm') || starts(insn->name, "p") ||
                     starts(insn->name, "vp")
                 ? 1 + insn->words
                 : 2;
  bool pipelined = m->last && m->last->unit == MEMORY && insn->unit == MEMORY &&
                   insn->name[0] != 'v' && m->last->name[0] != 'v' && cycles == 2 &&
                   m->last->words == 1 && !reads_result(insn, m->last);
  if (pipelined) cycles = 1;
  if (starts(insn->name, "vdiv") || starts(insn->name, "vsqrt")) cycles = 14;
  if (starts(insn->name, "vfm") || starts(insn->name, "vml") || starts(insn->name, "vfn") ||
      starts(insn->name, "vnm"))
    cycles = 3;
  if (starts(insn->name, "mla") || starts(insn->name, "mls")) cycles = 2;
  if (starts(insn->name, "sdiv") || starts(insn->name, "udiv")) cycles = 7;
  if (taken) cycles += 2;
  if (m->last && m->last->unit == FLOATING && !moves_only(m->last->name) &&
      reads_result(insn, m->last))
    cycles++;
  m->cycle += cycles;
  m->last = insn;
}

static int latency(const Insn *insn) {
  const char *s = insn->name;
  if (insn->unit == MEMORY) return 2;
  if (insn->unit != FLOATING || moves_only(s)) return 1;
  if (starts(s, "vdiv") || starts(s, "vsqrt")) return 16;
  if (starts(s, "vfm") || starts(s, "vml")) return insn->is_vector ? 3 : 5;
  return insn->is_vector ? 2 : 3;
}

static int64_t operands_ready(const Model *m, const Insn *insn) {
  int64_t at = m->cycle;
  for (int i = 0; i < insn->n_read; i++)
    if (m->ready[insn->read[i]] > at) at = m->ready[insn->read[i]];
  return at;
}

static void set_ready(Model *m, const Insn *insn, int64_t at) {
  for (int i = 0; i < insn->n_write; i++)
    m->ready[insn->write[i]] = at;
}

static void price_m7(Model *m, const Insn *insn) {
  int64_t at = operands_ready(m, insn);
  bool clash = m->slot_used && m->slot_unit == insn->unit && insn->unit != INTEGER;
  if (at > m->cycle || clash) {
    m->cycle = at > m->cycle ? at : m->cycle + 1;
    m->slot_used = false;
  }
  set_ready(m, insn, m->cycle + latency(insn) + (insn->words > 2 ? (insn->words - 1) / 2 : 0));
  bool blocks = insn->words > 1;
  if (blocks) {
    m->cycle += (insn->words + 1) / 2;
    m->slot_used = false;
  } else if (m->slot_used || insn->unit == BRANCH) {
    m->cycle++;
    m->slot_used = false;
  } else {
    m->slot_used = true;
    m->slot_unit = insn->unit;
  }
  if (starts(insn->name, "vdiv")) m->cycle += 1;
}

static void price_m55(Model *m, const Insn *insn) {
  int64_t at = operands_ready(m, insn);
  if (insn->is_vector) {
    int64_t *unit = &m->unit_free[insn->unit == MEMORY ? 0 : 1];
    if (*unit > at) at = *unit;
    *unit = at + 2;
  }
  set_ready(m, insn, at + latency(insn));
  m->cycle = at + 1 + (insn->words > 1 ? (insn->words - 1) / 2 : 0);
}

/* ---- the log ---- */

typedef struct Count {
  bool inside;
  int64_t calls, instructions;
  int64_t kind[CODE_BYTES / 2];
} Count;

static Count count;

static void run_block(Model *m, char core, uint32_t at, uint32_t bytes, uint32_t after) {
  if (at == begin_at) {
    count.inside = true;
    count.calls++;
  }
  if (at == end_at) count.inside = false;
  if (!count.inside) return;
  for (uint32_t end = at + bytes; at < end;) {
    const Insn *insn = at < CODE_BYTES ? &code[at / 2] : NULL;
    if (!insn || !insn->bytes) die("log", "an instruction was run that the listing does not have");
    bool taken = insn->unit == BRANCH && at + insn->bytes == end && after != end;
    count.instructions++;
    count.kind[at / 2]++;
    if (core == '4')
      price_m4(m, insn, taken);
    else if (core == '7')
      price_m7(m, insn);
    else
      price_m55(m, insn);
    at += insn->bytes;
  }
}

/* The block at this host address. */
static Block *block_find(uint64_t host) {
  size_t i = (size_t)(host / 64 * 2654435761u) % MAX_BLOCKS, tries = 0;
  while (block[i].host && block[i].host != host) {
    i = (i + 1) % MAX_BLOCKS;
    if (++tries == MAX_BLOCKS) die("log", "has too many blocks");
  }
  block[i].host = host;
  return &block[i];
}

/* "0x000003d8:  ed10 1f08  ldc ..": where the instruction ends. */
static uint32_t end_of(const char *line) {
  const char *colon = strchr(line, ':');
  uint32_t at = (uint32_t)strtoul(line, NULL, 16);
  if (!colon) return at;
  const char *s = colon + 1 + strspn(colon + 1, " ");
  bool wide = strspn(s, "0123456789abcdef") == 4 && s[4] == ' ' &&
              strspn(s + 5, "0123456789abcdef") == 4 && s[9] == ' ';
  return at + (wide ? 4 : 2);
}

/* A block was translated ("IN:", then a line an instruction) just before its first "Trace 0: HOST
 * [cs/PC/flags/..". */
static void read_log(const char *path, Model *m, char core) {
  FILE *f = fopen(path, "r");
  char line[512];
  uint32_t translated_to = 0, last = 0, last_bytes = 0;
  if (!f) die(path, "cannot be read");
  while (fgets(line, sizeof line, f)) {
    if (starts(line, "0x")) translated_to = end_of(line);
    const char *host = strstr(line, "0x"), *pc = strchr(line, '/');
    if (!starts(line, "Trace ") || !host || !pc) continue;
    uint32_t at = (uint32_t)strtoul(pc + 1, NULL, 16);
    Block *b = block_find(strtoull(host, NULL, 16));
    if (translated_to) b->bytes = translated_to - at;
    translated_to = 0;
    if (last_bytes) run_block(m, core, last, last_bytes, at);
    last = at;
    last_bytes = b->bytes;
  }
  fclose(f);
}

typedef struct Kind {
  const char *name;
  int64_t n;
} Kind;

static int by_count(const void *a, const void *b) {
  int64_t x = ((const Kind *)a)->n, y = ((const Kind *)b)->n;
  return (x < y) - (x > y);
}

static void histogram(void) {
  Kind kind[MAX_KINDS];
  int n = 0;
  for (size_t i = 0; i < CODE_BYTES / 2; i++) {
    if (!count.kind[i]) continue;
    int k = 0;
    while (k < n && strcmp(kind[k].name, code[i].name) != 0)
      k++;
    if (k == MAX_KINDS) die("listing", "has too many kinds of instructions");
    if (k == n) kind[n++] = (Kind){code[i].name, 0};
    kind[k].n += count.kind[i];
  }
  qsort(kind, (size_t)n, sizeof *kind, by_count);
  for (int i = 0; i < n; i++)
    printf("%10.1f %s\n", (double)kind[i].n / (double)count.calls, kind[i].name);
}

int main(int argc, char **argv) {
  bool all = argc > 1 && strcmp(argv[1], "-h") == 0;
  static Model model;
  argv += all;
  if (argc - all != 6) die("usage", "cycles [-h] CORE LISTING LOG BEGIN END");
  char core = strcmp(argv[1], "m7") == 0 ? '7' : strcmp(argv[1], "m55") == 0 ? '5' : '4';
  read_listing(argv[2], argv[4], argv[5]);
  read_log(argv[3], &model, core);
  if (!count.calls) die(argv[4], "was never called");
  printf("%lld %.0f %.0f\n", (long long)count.calls,
         (double)count.instructions / (double)count.calls,
         (double)model.cycle / (double)count.calls);
  if (all) histogram();
  return 0;
}
