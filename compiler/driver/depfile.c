/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Dependency files for make and ninja: one rule, from the output to what was read. */
#include "driver/depfile.h"

#include <string.h>

/* A name as make and ninja read it. A `%` means something in targets alone. */
static void add_make_name(Text *text, const char *name, bool is_target) {
  size_t backslashes = 0;
  for (const char *c = name; *c; c++) {
    bool blank = *c == ' ' || *c == '\t';
    for (size_t k = 0; blank && k < backslashes; k++) /* those before a blank count twice */
      text_add_char(text, '\\');
    if (blank || *c == '#' || *c == ':' || (*c == '%' && is_target)) text_add_char(text, '\\');
    if (*c == '$') text_add_char(text, '$');
    text_add_char(text, *c);
    backslashes = *c == '\\' ? backslashes + 1 : 0;
  }
}

/* Whether a dependency file can hold the name. */
static bool make_can_name(Session *s, const char *name) {
  if (!strchr(name, '\n')) return true;
  session_error(s, "`%s` cannot be written in a dependency file: its name has a line end", name);
  s->usage_trouble = true;
  return false;
}

bool depfile_make(Session *s, const Source *source, const char *out, DepFile *made) {
  *made = (DepFile){.text = text_new(s->arena)};
  const Options *o = s->options;
  if (!o->dep && !o->dep_file) return true;
  if (strcmp(out, "-") == 0 && (!o->dep_file || !o->dep_target)) {
    session_error(s, "-MD needs -MF FILE and -MT NAME when the output is standard output");
    s->usage_trouble = true;
    return false;
  }
  made->path = o->dep_file ? o->dep_file : arena_printf(s->arena, "%s.d", out);
  if (!o->dep_target && !make_can_name(s, out)) return false;
  Text *text = &made->text, phony = text_new(s->arena);
  if (o->dep_target)
    text_add(text, o->dep_target);
  else
    add_make_name(text, out, true);
  text_add_char(text, ':');
  for (int i = -1; i <= s->n_used_files; i++) {
    const char *file = i < 0                 ? source->path
                       : i < s->n_used_files ? s->used_files[i]
                                             : s->weights_path;
    if (!file || strcmp(file, "<stdin>") == 0) continue;
    if (!make_can_name(s, file)) return false;
    text_add_char(text, ' ');
    add_make_name(text, file, false);
    if (i < 0) continue;
    text_add_char(&phony, '\n');
    add_make_name(&phony, file, true);
    text_add(&phony, ":\n");
  }
  text_add_char(text, '\n');
  if (o->dep_phony) text_add(text, text_str(&phony));
  return true;
}
