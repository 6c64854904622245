/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Checks the words of the errors with which the import refuses files. A list has a sorted line for
 * each file that must be refused:
 *
 *     NAME CODE message; note; note; help: what works
 *
 * A file that is refused without a line or in other words is a failure, and so is a line whose file
 * is not refused. If GRUS_WRITE_REASONS=1 is set, the list is written anew instead; then read the
 * changes: each message has to name the node, say what is wrong with it, and say what would work.
 */
#ifndef GRUS_TESTS_CONFORMANCE_REASONS_H
#define GRUS_TESTS_CONFORMANCE_REASONS_H

#include "conform.h"

typedef struct Reasons {
  Conform *c;
  const char *path;
  const char *listed; /* the content of the list, after a line end */
  const char **found; /* lines that the files of this run need */
  size_t n_found, cap_found;
  size_t n_used; /* lines of the list whose files were refused as they say */
} Reasons;

void reasons_open(Reasons *r, Conform *c, const char *path);
/* Compares the error of the file `name` with its line; diag is NULL if the file was not refused.
 * `folder` is removed from paths in the messages. */
void reasons_check(Reasons *r, const char *name, const char *folder, const Diag *diag);
/* Counts the lines whose files were not refused as failures, or writes the list. */
void reasons_close(Reasons *r);

#endif
