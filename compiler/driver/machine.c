/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From --target to what is compiled for; see machine.h. */
#include "driver/machine.h"

#include "base/text.h"
#include "driver/native.h"
#include "runtime/host/host_dotprod.h"
#include "runtime/host/host_tiles.h"

#include <string.h>

#if defined(__x86_64__)
/* Whether this processor is of a level of x86_levels.def. */
static bool is_level_here(const char *name) {
  __builtin_cpu_init();
#define F(feature) __builtin_cpu_supports(feature) &&
#define X86_LEVEL(id, target, words, chosen, has_tiles, features)                                  \
  if (strcmp(name, target) == 0) return features(!(has_tiles) || host_tiles_allowed());
#include "base/x86_levels.def"
#undef F
  return false;
}
#endif

/* The widest target of this machine that the table has. */
static const char *host_target(void) {
#if defined(__x86_64__)
#define X86_LEVEL(id, target, words, chosen, has_tiles, features)                                  \
  if ((chosen) && is_level_here(target)) return target;
#include "base/x86_levels.def"
#elif defined(__aarch64__)
  return host_has_dotprod() ? "aarch64-dotprod" : "aarch64"; /* of the same f32 */
#endif
  return "generic";
}

/* Whether code for `name`, a target of the table or a triple, is code for this processor. */
static bool is_here(const char *name) {
  if (strcmp(name, "generic") == 0) return true;
#if defined(__x86_64__)
  return is_level_here(name) || (text_begins(name, "x86_64-") && strstr(name, "linux"));
#elif defined(__aarch64__)
  if (strcmp(name, "aarch64-dotprod") == 0) return host_has_dotprod();
  return text_begins(name, "aarch64") || text_begins(name, "arm64-linux");
#else
  return false;
#endif
}

bool machine_is_multi(const Options *o) {
  return o->dispatch || (o->target && strcmp(o->target, "multi") == 0);
}

bool machine_is_here(const Session *s) {
  return s->machine.llvm && is_here(s->machine.llvm);
}

const char *machine_compiler(const Session *s) {
  static const struct {
    const char *begin, *compiler;
  } names[] = {{"thumb", "arm-none-eabi-gcc"},         {"cortex-m", "arm-none-eabi-gcc"},
               {"aarch64", "aarch64-linux-gnu-gcc"},   {"armv7", "arm-linux-gnueabihf-gcc"},
               {"riscv32", "riscv64-unknown-elf-gcc"}, {"rv32", "riscv64-unknown-elf-gcc"},
               {"riscv64", "riscv64-linux-gnu-gcc"},   {"rv64", "riscv64-linux-gnu-gcc"},
               {"wasm", "'clang --target=wasm32'"},    {"x86", "x86_64-linux-gnu-gcc"}};
  const char *triple = s->machine.llvm;
  if (triple && (strstr(triple, "windows") || strstr(triple, "mingw")))
    return "x86_64-w64-mingw32-gcc";
  for (size_t i = 0; s->machine.llvm && i < sizeof names / sizeof *names; i++)
    if (text_begins(s->machine.llvm, names[i].begin)) return names[i].compiler;
  if (s->machine.schedule->flash_apart) return "avr-gcc";
  Text name = text_new(s->arena); /* esp32-s3: xtensa-esp32s3-elf-gcc */
  for (const char *c = s->machine.name; *c; c++)
    if (*c != '-') text_add_char(&name, *c);
  return arena_printf(s->arena, "xtensa-%s-elf-gcc", text_str(&name));
}

bool machine_runs(Session *s) {
  const Options *o = s->options;
  const Target *cpu = o->cpu ? target_find(o->cpu) : NULL;
  const char *wanted = cpu && !is_here(cpu->name) ? cpu->name : s->machine.llvm;
  const char *shown = cpu && !is_here(cpu->name) ? cpu->name : s->machine.name;
  if (wanted && is_here(wanted)) return true;
  session_error(s,
                "this machine cannot run code for %s, which `grus %s` needs: remove `--target`, "
                "name an emulator with `--run-with`, or build for %s with `grus build`",
                shown, command_info[o->command].name, shown);
  s->usage_trouble = true;
  return false;
}

/* ---- names ---- */

static void list_line(Text *out, const char *name, const char *doc, int64_t flash, int64_t ram) {
  enum { NAME_WIDTH = 15, KIB = 1024 };
  text_printf(out, "  %-*s %s", NAME_WIDTH, name, doc);
  if (flash)
    text_printf(out, "; %lld KiB flash, %lld KiB RAM", (long long)flash / KIB,
                (long long)ram / KIB);
  text_add_char(out, '\n');
}

typedef enum TargetGroup { DESKTOP_TARGET, CORE_TARGET, OTHER_TARGET } TargetGroup;

static TargetGroup group_of(const Target *target) {
  if (target->is_mcu) return CORE_TARGET;
  bool desktop = text_begins(target->name, "x86-64") || text_begins(target->name, "aarch64");
  return desktop ? DESKTOP_TARGET : OTHER_TARGET;
}

/* All but generic, which is the first of the table, and what only chips are made with. */
static void list_targets(Text *out, const char *title, TargetGroup group) {
  text_printf(out, "%s:\n", title);
  for (int i = 1; target_table[i]; i++)
    if (group_of(target_table[i]) == group && !target_table[i]->flash_apart)
      list_line(out, target_table[i]->name, target_table[i]->doc, 0, 0);
}

static void list_machines(Text *out, MachineGroup group) {
  for (int i = 0; i < machine_count; i++) {
    const Machine *m = &machine_table[i];
    if (m->group == group) list_line(out, m->name, m->doc, m->flash, m->ram);
  }
}

void machine_list(Text *out) {
  text_add(out, "any processor:\n");
  list_line(out, "native", "this machine", 0, 0);
  list_line(out, "generic", target_find("generic")->doc, 0, 0);
  list_line(out, "multi",
            "C with a body for each of x86-64-v4, v3, v2, aarch64 and generic; the compiler "
            "chooses, or --dispatch",
            0, 0);
  list_targets(out, "desktops and servers", DESKTOP_TARGET);
  list_machines(out, APPLICATION_CORE);
  list_targets(out, "cores of microcontrollers", CORE_TARGET);
  list_machines(out, MICROCONTROLLER_CORE);
  list_targets(out, "others", OTHER_TARGET);
  text_add(out, "chips and boards, whose flash and RAM are the budgets unless --max-flash and "
                "--max-ram say otherwise:\n");
  list_machines(out, CHIP);
  text_add(out,
           "any triple of LLVM's, such as thumbv8m.main-none-eabihf, with --cpu and --features\n");
}

static void try_name(const char *name, const char *wanted, size_t *least, const char **best) {
  size_t d = text_distance(wanted, name, *least);
  if (d >= *least) return;
  *least = d;
  *best = name;
}

static const char *nearest(const char *wanted) {
  static const char *const words[] = {"native", "generic", "multi", "help"};
  const char *best = NULL;
  size_t least = strlen(wanted) / 3 + 1;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    try_name(words[i], wanted, &least, &best);
  for (int i = 0; target_table[i]; i++)
    try_name(target_table[i]->name, wanted, &least, &best);
  for (int i = 0; i < machine_count; i++)
    try_name(machine_table[i].name, wanted, &least, &best);
  return best;
}

static void unknown(Session *s, const char *name) {
  const char *near = nearest(name);
  if (near)
    session_error(s,
                  "no target named `%s`; did you mean `%s`? `grus build --target help` lists them",
                  name, near);
  else
    session_error(s, "no target named `%s`; `grus build --target help` lists them", name);
  s->usage_trouble = true;
}

/* ---- choosing ---- */

void machine_set(Session *s, const Target *target) {
  s->machine = (ChosenMachine){.schedule = target,
                               .name = target->name,
                               .llvm = target->flash_apart ? NULL : target->name,
                               .flags = target->c_flags,
                               .needs = target->c_needs};
}

/* By the row of a named machine, if it is one; else by its schedule, or a triple without a system.
 */
static bool has_small_stacks(const Target *schedule, const Machine *machine, const char *name) {
  if (machine) return machine->group != APPLICATION_CORE;
  return schedule->is_mcu || text_begins(name, "wasm") || strstr(name, "-none") ||
         strstr(name, "-elf");
}

bool machine_choose(Session *s, bool for_host) {
  const Options *o = s->options;
  const char *name = o->target && !machine_is_multi(o) ? o->target
                     : for_host                        ? "native"
                                                       : "generic";
  if (strcmp(name, "native") == 0) name = host_target();
  const Target *target = target_find(name);
  const Machine *machine = machine_find(name);
  if (target)
    machine_set(s, target);
  else if (machine) {
    target = target_find(machine->schedule);
    machine_set(s, target);
    s->machine.name = name;
    s->machine.llvm = machine->triple;
    s->machine.cpu = machine->cpu;
    s->machine.features = machine->features;
    s->machine.flags = machine->c_flags;
    s->machine.flash = machine->flash;
    s->machine.ram = machine->ram;
  } else {
    target = native_schedule(s, name);
    if (!target) {
      unknown(s, name);
      return false;
    }
    machine_set(s, target);
    s->machine.name = s->machine.llvm = name;
  }
  s->machine.has_small_stacks = has_small_stacks(target, machine, name);
  return true;
}
