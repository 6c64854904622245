/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whether the names of a model can be names in C: parameters are called like the inputs and outputs,
 * macros like them in capitals. */
#include "driver/interface.h"

#include "base/map.h"

#include <stdint.h>
#include <string.h>

/* C23, C++23 and the names the interface itself has, sorted by who has them. */
static const char *const keywords_c[] = {
    "alignas",  "alignof", "auto",     "bool",    "break",    "case",          "char",         "const",  "constexpr",
    "continue", "default", "do",       "double",  "else",     "enum",          "extern",       "false",  "float",
    "for",      "goto",    "if",       "inline",  "int",      "long",          "nullptr",      "register", "restrict",
    "return",   "short",   "signed",   "sizeof",  "static",   "static_assert", "struct",       "switch", "thread_local",
    "true",     "typedef", "typeof",   "typeof_unqual", "union", "unsigned",   "void",         "volatile", "while",
    "asm",      NULL};
static const char *const keywords_cxx[] = {
    "and",        "and_eq",    "bitand",           "bitor",        "catch",     "char16_t", "char32_t", "char8_t",
    "class",      "co_await",  "co_return",        "co_yield",     "compl",     "concept",  "const_cast", "consteval",
    "constinit",  "decltype",  "delete",           "dynamic_cast", "explicit",  "export",   "friend",   "mutable",
    "namespace",  "new",       "noexcept",         "not",          "not_eq",    "operator", "or",       "or_eq",
    "private",    "protected", "public",           "reinterpret_cast", "requires", "static_cast", "template", "this",
    "throw",      "try",       "typeid",           "typename",     "using",     "virtual",  "wchar_t",  "xor",
    "xor_eq",     NULL};
static const char *const own_names[] = {"NULL", "scratch", NULL};

static bool among(const char *const *list, const char *name) {
  for (; *list; list++)
    if (strcmp(*list, name) == 0) return true;
  return false;
}

const char *interface_reserved(const char *name) {
  if (among(keywords_c, name)) return "a keyword of C";
  if (among(keywords_cxx, name)) return "a keyword of C++, in which the header is valid too";
  if (among(own_names, name)) return "a name the generated C uses itself";
  return NULL;
}

static char upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c; }

static char *in_capitals(Arena *arena, const char *name) {
  char *s = arena_strdup(arena, name);
  for (char *c = s; *c; c++)
    *c = upper(*c);
  return s;
}

static void check_name(const char *name, Span span, const char *what, Diags *diags) {
  const char *reserved = interface_reserved(name);
  if (!reserved) return;
  Diag *d = diag_new(diags, E803, span, "`%s` cannot be %s: it is %s", name, what, reserved);
  diag_primary(d, "becomes a name in C");
  diag_fix(d, FIX_MAYBE, "rename it, for instance to `%s_`", name);
}

void interface_check(const Model *model, Diags *diags) {
  int n = model->n_in + model->n_out;
  Map macros = {0}; /* Port, by its name in capitals */
  for (int i = 0; i < n; i++) {
    bool in = i < model->n_in;
    const Port *port = in ? model->in[i] : model->out[i - model->n_in];
    check_name(port->name, port->name_span, in ? "the name of an input" : "the name of an output", diags);
    const char *macro = in_capitals(diags->arena, port->name);
    const Port *other = map_get(&macros, macro);
    if (!other) map_put(diags->arena, &macros, macro, (void *)(uintptr_t)port);
    if (!other || strcmp(port->name, other->name) == 0) continue;
    Diag *d = diag_new(diags, E803, port->name_span, "`%s` and `%s` differ in upper and lower case only", other->name, port->name);
    diag_primary(d, "their macros in C would have one name");
    diag_label(d, other->name_span, "the other");
    diag_fix(d, FIX_MAYBE, "rename one of them");
  }
  for (int i = 1; i < model->n_lengths; i++)
    if (model->length[i].name) check_name(model->length[i].name, model->name_span, "the name of a length", diags);
}
