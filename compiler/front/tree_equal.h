/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whether two trees say the same, wherever their parts stand: what formatting must preserve. */
#ifndef GRUS_FRONT_TREE_EQUAL_H
#define GRUS_FRONT_TREE_EQUAL_H

#include "front/ast.h"

bool tree_equal(const Node *a, const Node *b);

#endif
