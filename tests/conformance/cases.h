/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* For programs that make model files from the lines of a text file and print what the import says
 * about each. Each line is a case: its name and up to three more parts, separated by ` |`. A line
 * that begins with # is a comment on the lines below it. The program ends with 1 if an error about
 * what grus lacks does not say what works instead.
 *
 *     PROGRAM FILE */
#ifndef GRUS_TESTS_CONFORMANCE_CASES_H
#define GRUS_TESTS_CONFORMANCE_CASES_H

#include "import/weights_file.h"

enum { CASE_PARTS = 4 }; /* including the name */

/* The part of `text` before the first `end`, or all of it, without spaces around it. *rest becomes
 * the text after `end`, or NULL if there is none. */
const char *case_part(Arena *arena, const char *text, const char *end, const char **rest);
/* The content of the model file of a case; *path becomes its path. Each program defines it. */
Mapped case_file(Arena *arena, const char *const part[CASE_PARTS], const char **path);

#endif
