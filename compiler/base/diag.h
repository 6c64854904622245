/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Diagnostics are data. A pass builds a Diag; base/render*.c turns it into text, JSON or SARIF.
 *
 *     Diag *d = diag_new(diags, E301, stage_span, "`%s` needs a sequence, ...", name);
 *     diag_primary(d, "needs [time t, d], gets %s", shape);
 *     diag_label(d, input_span, "`x` is %s", shape);
 *     diag_note(d, "...");
 *     fix_edit(diag_fix(d, FIX_SURE, "remove `last`"), span, "");
 *
 * All strings are formatted into the arena of the Diags. Message style: lower case, no full stop,
 * code in backticks, names of the user's own things, never the word "invalid". */
#ifndef GRUS_BASE_DIAG_H
#define GRUS_BASE_DIAG_H

#include "base/source.h"
#include "base/text.h"

typedef enum DiagCode {
#define DIAG(code, summary)       code,
#define LINT(code, name, summary) code,
#include "base/diag.def"
#undef DIAG
#undef LINT
  DIAG_CODE_COUNT
} DiagCode;

typedef enum DiagLevel { LEVEL_ERROR, LEVEL_WARNING, LEVEL_NOTE } DiagLevel;

/* What is known of a code without any occurrence of it. */
typedef struct DiagInfo {
  const char *code;    /* "E301" */
  const char *name;    /* the lint name, NULL for errors */
  const char *summary; /* one line, as in its page's title */
  DiagLevel level;
} DiagInfo;
extern const DiagInfo diag_info[DIAG_CODE_COUNT];
/* Finds "E301", "e301" or "dense_per_step"; DIAG_CODE_COUNT if there is none. */
DiagCode diag_code_find(const char *code_or_name);

typedef struct DiagLabel {
  Span span;
  const char *text;
} DiagLabel;

/* One row of "how the shape got here". */
typedef struct DiagStep {
  Span span;         /* the line is shown */
  const char *code;  /* "in x", "|> GRU(64)" */
  const char *shape; /* "[time 10, 64]" or "needs [time t, d]" */
  const char *note;  /* why the shape changed; may be NULL */
} DiagStep;

/* FIX_SURE: one sensible meaning, and it removes the error; --fix applies it ("fix:").
 * FIX_MAYBE: a change to consider. FIX_FILL: as maybe, capital N or M is a blank ("help:"). */
typedef enum FixKind { FIX_SURE, FIX_MAYBE, FIX_FILL } FixKind;

typedef struct FixEdit {
  Span span; /* replaced by text; an empty span inserts */
  const char *text;
} FixEdit;

typedef struct Fix {
  FixKind kind;
  const char *title;
  FixEdit *edits; /* none: advice only. In any order; they do not overlap */
  size_t n_edits, cap;
  struct Diags *diags;
} Fix;

typedef struct Diag {
  DiagCode code;
  DiagLevel level; /* after -W and --werror */
  bool promoted;   /* a warning turned into an error */
  bool is_outside; /* no fault of the model: a part of the machine cannot be used, exit code 3 */
  const char *message;
  Span span;         /* primary; none for a diagnostic about a whole command or file */
  const char *file;  /* used when span is none: the file it is about; may be NULL */
  const char *label; /* at the primary span; may be NULL */
  DiagLabel *labels; /* secondary spans */
  size_t n_labels, cap_labels;
  DiagStep *trace; /* how the shape got here */
  size_t n_trace, cap_trace;
  const char **notes;
  size_t n_notes, cap_notes;
  Fix **fixes;
  size_t n_fixes, cap_fixes;
  struct Diags *diags;
  struct Diag *next; /* in the order found; diags_sort orders by place */
} Diag;

enum { LINT_ALWAYS = 2 };

typedef struct Diags {
  Arena *arena;
  Sources *sources;
  Diag *first, **last;
  size_t n_errors, n_warnings;
  size_t n_promoted; /* of the errors: those that are promoted warnings */
  /* Lint settings, by code: -1 off, 0 default (on for warnings), 1 on; notes need -W notes.
   * LINT_ALWAYS: on even where a model says `allow`. */
  signed char lint[DIAG_CODE_COUNT];
  bool werror_all;
  bool werror[DIAG_CODE_COUNT];
} Diags;

Diags *diags_new(Arena *arena, Sources *sources);

/* Adds a diagnostic. A lint that is off gives a Diag that is not in the list: callers need no test.
 * Notes that `allow NAME` silences it are added by the renderer. */
Diag *diag_new(Diags *diags, DiagCode code, Span at, const char *format, ...) GRUS_PRINTF(4, 5);
void diag_primary(Diag *diag, const char *format, ...) GRUS_PRINTF(2, 3);
void diag_label(Diag *diag, Span at, const char *format, ...) GRUS_PRINTF(3, 4);
void diag_note(Diag *diag, const char *format, ...) GRUS_PRINTF(2, 3);
void diag_step(Diag *diag, Span at, const char *code, const char *shape, const char *note);
Fix *diag_fix(Diag *diag, FixKind kind, const char *format, ...) GRUS_PRINTF(3, 4);
/* Nothing is edited where there is no text: a model of another framework has none. */
void fix_edit(Fix *fix, Span at, const char *format, ...) GRUS_PRINTF(3, 4);

/* Stable order by file and position. */
void diags_sort(Diags *diags);

#endif
