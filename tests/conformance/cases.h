/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files that are made of lines of text, and what an import says of each. A line is a case: its name
 * and up to three parts, with ` |` between them. Lines that begin with # say what the next ones are
 * about.
 *
 *     PROGRAM FILE */
#ifndef GRUS_TESTS_CONFORMANCE_CASES_H
#define GRUS_TESTS_CONFORMANCE_CASES_H

#include "import/import.h"

enum { CASE_PARTS = 4 }; /* with the name */

/* The text up to `end`, without spaces around it; *rest is what follows, NULL at the end. */
const char *case_part(Arena *arena, const char *text, const char *end, const char **rest);
/* The file of a case, by the program: its content and its path. */
Mapped case_file(Arena *arena, const char *const part[CASE_PARTS], const char **path);

#endif
