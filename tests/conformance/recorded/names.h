/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which recorded array belongs to which input or output of a model. */
#ifndef GRUS_TESTS_CONFORMANCE_NAMES_H
#define GRUS_TESTS_CONFORMANCE_NAMES_H

#include "model/graph/model.h"

#include <jansson.h>

enum { MAX_PORTS = 16 };

/* Whether import may have made this port of a tensor called `name`: letters may be small, all other
 * signs are `_`, and a number at the end may be left out. */
bool name_fits(const char *name, const char *port);
/* By port, the key of `recorded` that belongs to it; NULL: there is none. A port whose name none
 * fits gets, if `by_order`, the next key that no other port has. */
void names_match(json_t *recorded, Port *const *port, int n, bool by_order,
                 const char *key[MAX_PORTS]);

#endif
