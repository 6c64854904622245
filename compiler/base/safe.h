/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text of strangers, made safe to show: names in model files, paths, notes, comments. What would
 * move a cursor, colour a terminal, begin a line of its own, reverse the order of reading or is no
 * UTF-8 is shown as an escape, \x1b or \u{202e}. Safe for terminals, logs, comments of any
 * language, SVG and DOT (whose own quoting comes on top). */
#ifndef GRUS_BASE_SAFE_H
#define GRUS_BASE_SAFE_H

#include "base/text.h"

/* Whether a character can be shown as it is. Line ends and tabs cannot. */
bool safe_character(unsigned code_point);

/* The first n bytes of s on one line. */
void text_add_safe(Text *text, const char *s, size_t n);
/* The same for a whole string, which is given back when it is safe already. NULL gives NULL. */
const char *safe_line(Arena *arena, const char *s);
/* With line ends and tabs as they are: for text that has lines. */
const char *safe_lines(Arena *arena, const char *s);
/* As a string of a model's text, with its quotes. */
void text_add_string(Text *text, const char *s);
/* Formats a message. A line end in the format stands; those in the arguments do not. */
const char *safe_vprintf(Arena *arena, const char *format, va_list args);

#endif
