/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What refusals say, word for word. A list has a line for each file that must be refused, sorted:
 *
 *     NAME CODE message; note; note
 *
 * What is refused without its line, or in other words, or has a line and is not refused, is a
 * failure. With GRUS_WRITE_REASONS=1 in the environment the list is written anew instead; then read
 * the changes: a reason names the node, what is wrong with it, and what would work. */
#ifndef GRUS_TESTS_CONFORMANCE_REASONS_H
#define GRUS_TESTS_CONFORMANCE_REASONS_H

#include "conform.h"

typedef struct Reasons {
  Conform *c;
  const char *path;
  const char *listed; /* the content of the list, with a line end in front */
  const char **found; /* lines */
  size_t n_found, cap_found;
  size_t n_used; /* lines of the list that were met */
} Reasons;

void reasons_open(Reasons *r, Conform *c, const char *path);
/* The diagnostic with which a file was refused; NULL: it was not. Paths in it are shown without
 * `folder`. */
void reasons_check(Reasons *r, const char *name, const char *folder, const Diag *diag);
/* Counts what is listed and was not met, or writes the list. */
void reasons_close(Reasons *r);

#endif
