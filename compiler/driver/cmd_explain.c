/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus explain: the page of a code, a lint or a stage. The pages are docs/errors, embedded when the
 * compiler is built (pages.c is generated). */
#include "driver/pages.h"
#include "driver/session.h"
#include "front/front.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const Page *page_find(const char *name) {
  if (name[0] && strchr("+-*/", name[0]) && !name[1])
    name = "arithmetic"; /* one page for all four */
  for (size_t i = 0; i < n_pages; i++)
    if (strcmp(pages[i].name, name) == 0) return &pages[i];
  for (size_t i = 0; i < n_pages; i++)
    if (strcasecmp(pages[i].name, name) == 0) return &pages[i];
  return NULL;
}

const char *explain_page(Arena *arena, const char *name) {
  DiagCode code = diag_code_find(name);
  const Page *page = page_find(code != DIAG_CODE_COUNT ? diag_info[code].code : name);
  if (!page) return NULL;
  Text text = text_new(arena);
  for (const char *const *line = page->lines; *line; line++)
    text_add(&text, *line);
  return text_str(&text);
}

/* A Markdown page for a terminal: headings without their signs (bold in colour), examples indented
 * instead of fenced. */
static void add_page(Text *out, const char *page, bool colour) {
  bool fenced = false;
  for (const char *line = page, *end; *line; line = *end ? end + 1 : end) {
    end = line + strcspn(line, "\n");
    size_t signs = fenced ? 0 : strspn(line, "#");
    bool heading = signs > 0 && line[signs] == ' ';
    if (strncmp(line, "```", 3) == 0) {
      fenced = !fenced;
      continue;
    }
    if (fenced && end > line) text_add(out, "    ");
    if (heading) line += signs + 1;
    if (heading && colour) text_add(out, "\033[1m");
    text_add_n(out, line, (size_t)(end - line));
    if (heading && colour) text_add(out, "\033[0m");
    text_add_char(out, '\n');
  }
}

static void list_codes(Text *out, bool lints) {
  for (int i = 0; i < DIAG_CODE_COUNT; i++)
    if ((diag_info[i].level == LEVEL_WARNING) == lints) {
      if (lints)
        text_printf(out, "%s  %-18s %s\n", diag_info[i].code, diag_info[i].name,
                    diag_info[i].summary);
      else
        text_printf(out, "%s  %s\n", diag_info[i].code, diag_info[i].summary);
    }
}

static void list_stages(Text *out) {
  for (int i = 0; i < LAYER_KIND_COUNT; i++) {
    const LayerInfo *info = layer_info((LayerKind)i);
    if (!(info->flags & OPERATOR)) text_printf(out, "%-17s %s\n", info->name, info->rule);
  }
}

/* The page name nearest to what was asked for; NULL if nothing is near. */
static const char *nearest(const char *name) {
  const char *best = NULL;
  size_t least = strlen(name) / 3 + 1;
  for (size_t i = 0; i < n_pages; i++) {
    size_t d = text_distance(name, pages[i].name, least);
    if (d < least) {
      least = d;
      best = pages[i].name;
    }
  }
  for (int i = 0; i < DIAG_CODE_COUNT; i++) {
    size_t d = diag_info[i].name ? text_distance(name, diag_info[i].name, least) : least;
    if (d < least) {
      least = d;
      best = diag_info[i].name;
    }
  }
  return best;
}

/* Whether this is a stage of the compiler, which people take for one of a model. */
static bool is_compiler_stage(const char *name) {
  static const char *const names[] = {
#define STAGE(name, prints) #name,
#include "driver/stages.def"
#undef STAGE
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

/* Reports a name without a page. */
static void report_unknown(Session *s, const char *name) {
  const char *near = nearest(name);
  if (is_compiler_stage(name))
    session_error(s,
                  "`grus explain` has pages for stages of models; `%s` is a stage of the compiler, "
                  "and `--dump-after %s` prints its result",
                  name, name);
  else if (near)
    session_error(s, "`grus explain` has no page for `%s`; did you mean `%s`?", name, near);
  else
    session_error(
        s,
        "`grus explain` has no page for `%s`; `grus explain stages`, `errors` and `lints` list "
        "the pages,\nand docs/language.md describes the language",
        name);
}

/* The page that answers for a word of another framework, with a line that says so; else NULL. */
static const char *foreign_page(Session *s, const char *word) {
  const char *name = legacy_page(word);
  if (!name) return NULL;
  if (strcmp(name, "E201") == 0 || strcmp(name, "E203") == 0)
    session_say(s, "grus: `%s` is a word of another framework: this page says what to write", word);
  else
    session_say(s, "grus: in grus, `%s` is `%s`", word, name);
  return explain_page(s->arena, name);
}

ExitCode command_explain(Session *s) {
  ExitCode code = EXIT_DONE;
  Text out = text_new(s->arena);
  if (!s->options->n_args) {
    session_error(s, "`grus explain` needs a code such as E301, a lint such as dense_per_step, a "
                     "stage such as GRU,\n"
                     "or one of: errors, lints, stages");
    return EXIT_USAGE;
  }
  for (size_t i = 0; i < s->options->n_args; i++) {
    const char *name = s->options->args[i], *page = explain_page(s->arena, name);
    if (!page) page = foreign_page(s, name);
    if (page)
      add_page(&out, page, session_colour(s->options, STDOUT_FILENO));
    else if (strcmp(name, "errors") == 0)
      list_codes(&out, false);
    else if (strcmp(name, "lints") == 0)
      list_codes(&out, true);
    else if (strcmp(name, "stages") == 0)
      list_stages(&out);
    else {
      report_unknown(s, name);
      code = EXIT_USAGE;
    }
  }
  session_out(text_str(&out), out.len);
  return code;
}

ExitCode command_man(Session *s) {
  Text out = text_new(s->arena);
  const char *name = s->options->n_args ? s->options->args[0] : NULL;
  CommandId command = name ? command_find(name, strlen(name)) : CMD_COUNT;
  bool unknown = name && command == CMD_COUNT;
  if (unknown || s->options->n_args > 1) {
    session_error(s, unknown ? "there is no command `%s`" : "`grus man` prints one page", name);
    return EXIT_USAGE;
  }
  if (name)
    help_man_command(&out, command);
  else
    help_man(&out);
  session_out(text_str(&out), out.len);
  return EXIT_DONE;
}

ExitCode command_completions(Session *s) {
  Text out = text_new(s->arena);
  if (s->options->n_args != 1 || !help_completions(&out, s->options->args[0])) {
    session_error(s, "`grus completions` needs one of bash, zsh, fish");
    return EXIT_USAGE;
  }
  session_out(text_str(&out), out.len);
  return EXIT_DONE;
}
