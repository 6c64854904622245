/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Diagnostics as text. Every renderer appends to a Text; nothing here prints. */
#ifndef GRUS_BASE_RENDER_H
#define GRUS_BASE_RENDER_H

#include "base/diag.h"

typedef enum RenderFormat {
  RENDER_HUMAN,
  RENDER_SHORT,
  RENDER_GCC,
  RENDER_JSON,
  RENDER_SARIF
} RenderFormat;

/* With source excerpts, trace, notes and fixes; colour gives ANSI escapes. Ends with an empty
 * line. */
void render_human(Text *out, const Diag *diag, bool colour);
/* file:line:col: error[E301]: message */
void render_short(Text *out, const Diag *diag);
/* As gcc and clang print: labels as notes, fixes as fix-it lines. */
void render_gcc(Text *out, const Diag *diag);
/* One JSON object on one line. */
void render_json(Text *out, const Diag *diag);
/* The page of a code; NULL: it has none. */
typedef const char *RenderPage(Arena *arena, DiagCode code);
/* One SARIF 2.1.0 document for all diagnostics, with the page of each code if explain is given. */
void render_sarif(Text *out, const Diags *diags, const char *version, RenderPage *explain);

/* The place a diagnostic is about: its path (never NULL; "" if unknown) and line and column (0 if
 * there is no span). */
const char *diag_place(const Diag *diag, Place *place);
const char *diag_level_name(const Diag *diag);
/* The notes of a diagnostic plus the one on how to silence it, if it is a lint. */
size_t diag_all_notes(const Diag *diag, const char ***notes);

/* The text of source after the edits of one fix that fall into it. */
const char *fix_apply(Arena *arena, const Source *source, const Fix *fix, size_t *len);
/* Applies the sure fixes of all diagnostics to source; fixes that overlap an earlier one are left
 * for the next run. *n_applied gets their number. */
const char *diags_apply_sure(const Diags *diags, const Source *source, size_t *len,
                             size_t *n_applied);

#endif
