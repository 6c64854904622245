/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The processors and features that LLVM knows. In, a machine whose processor and features come from
 * the command line; out, E805 with the nearest name for one that LLVM would ignore with a message
 * of its own.
 *
 * The C interface of LLVM has no list of them. A machine for the processor `help` prints the list
 * to standard error, so a process of its own makes one, and what it prints is read here. */
#include "backend/llvm_internal.h"
#include "base/child.h"

#include <string.h>

enum { SECONDS = 20, MEMORY = 1 << 28, PRINTED_MAX = 1 << 20, LISTED_MAX = 24 };

static int print_list(const void *input, size_t n, int socket) {
  LlvmMachine machine = *(const LlvmMachine *)input; /* its texts are there: a fork shares them */
  (void)n, (void)socket;
  machine.cpu = "help";
  machine.features = "";
  LLVMTargetMachineRef tm = llvm_target_machine(&machine, '0');
  if (tm) LLVMDisposeTargetMachine(tm);
  return 0;
}

/* What LLVM prints: a heading and a line `  NAME - MEANING.` for each processor, then the same for
 * features. "" if no process can be started. */
static const char *printed_lists(Arena *arena, const LlvmMachine *machine) {
  const ChildLimits limits = {SECONDS, MEMORY, true};
  Text printed = text_new(arena);
  const ChildWork work = {"cpus", print_list};
  Child child;
  char c;
  if (!child_start(&child, limits, &work, machine, sizeof *machine)) return "";
  while (printed.len < PRINTED_MAX && child_get(child.socket, &c, 1))
    text_add_char(&printed, c);
  child_end(&child);
  return text_str(&printed);
}

/* The next name of a list and its length; at follows it. NULL at the end of the list. */
static const char *next_name(const char **at, size_t *len) {
  const char *line = *at;
  while (*line == '\n')
    line++;
  if (strncmp(line, "  ", 2) != 0) return NULL;
  const char *name = line + strspn(line, " ");
  *len = strcspn(name, " \n");
  *at = name + strcspn(name, "\n");
  return *len ? name : NULL;
}

/* The first line after a heading; NULL if LLVM printed none. */
static const char *list_after(const char *printed, const char *heading) {
  const char *at = strstr(printed, heading);
  return at ? at + strcspn(at, "\n") : NULL;
}

/* Whether the list has the name; else *nearest gets the most similar one, "" if none is. */
static bool is_listed(Arena *arena, const char *list, const char *name, const char **nearest) {
  size_t len, least = (strlen(name) + 1) / 3;
  *nearest = "";
  for (const char *other = next_name(&list, &len); other; other = next_name(&list, &len)) {
    const char *copy = arena_strndup(arena, other, len);
    if (strcmp(copy, name) == 0) return true;
    size_t distance = text_distance(name, copy, least);
    bool ties = **nearest && distance == least, as_long = strlen(copy) == strlen(name);
    if (distance > least || (ties && (!as_long || strlen(*nearest) == strlen(name)))) continue;
    *nearest = copy;
    least = distance;
  }
  return false;
}

static void add_list(Diag *d, Arena *arena, const char *list) {
  Text names = text_new(arena);
  size_t len;
  int n = 0;
  for (const char *name = next_name(&list, &len); name; name = next_name(&list, &len), n++)
    if (n < LISTED_MAX) text_printf(&names, "%s%.*s", n ? ", " : "", (int)len, name);
  if (n > LISTED_MAX) text_printf(&names, " and %d more", n - LISTED_MAX);
  diag_note(d, "LLVM knows: %s", text_str(&names));
}

static bool known(const KirModule *m, const LlvmMachine *machine, Diags *diags, const char *list,
                  const char *option, const char *kind, const char *name) {
  const char *nearest, *bare = name + strspn(name, "+-");
  if (!list || is_listed(diags->arena, list, bare, &nearest)) return true;
  Diag *d = diag_new(diags, E805, span_none(), "`%s` is not a %s of %s that LLVM knows", bare, kind,
                     machine->triple);
  d->file = m->source_path;
  if (*nearest)
    diag_fix(d, FIX_MAYBE, "write `%s %.*s%s`", option, (int)(bare - name), name, nearest);
  else
    add_list(d, diags->arena, list);
  return false;
}

static bool is_signed(const KirModule *m, Diags *diags, const char *feature) {
  if (*feature == '+' || *feature == '-') return true;
  Diag *d = diag_new(diags, E805, span_none(),
                     "the feature `%s` has no sign: + adds a feature, - removes it", feature);
  d->file = m->source_path;
  diag_fix(d, FIX_MAYBE, "write `--features +%s`", feature);
  return false;
}

bool llvm_known(const KirModule *m, const LlvmOptions *o, const LlvmMachine *machine,
                Diags *diags) {
  if (!o->cpu && !o->features) return true;
  const char *printed = printed_lists(diags->arena, machine);
  const char *processors = list_after(printed, "Available CPUs"),
             *features = list_after(printed, "Available features");
  bool is_plain = o->cpu && strcmp(machine->cpu, o->cpu) == 0;
  if (is_plain && !known(m, machine, diags, processors, "--cpu", "processor", o->cpu)) return false;
  for (const char *at = o->features; at && *at; at += strcspn(at, ","), at += *at == ',') {
    const char *feature = arena_strndup(diags->arena, at, strcspn(at, ","));
    if (!known(m, machine, diags, features, "--features", "feature", feature) ||
        !is_signed(m, diags, feature))
      return false;
  }
  return true;
}
