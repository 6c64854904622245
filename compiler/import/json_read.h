/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* JSON whose memory is the arena's. All that jansson allocates after json_read, for this text or in working
 * on it, is freed with the arena: nobody calls json_decref or free. When memory runs out inside jansson,
 * which does not survive that everywhere, the arena's handler is entered instead. */
#ifndef GRUS_IMPORT_JSON_READ_H
#define GRUS_IMPORT_JSON_READ_H

#include "base/arena.h"

#include <jansson.h>

/* As json_loadb. NULL with *error if the text is not JSON. */
json_t *json_read(Arena *arena, const char *text, size_t len, size_t flags, json_error_t *error);

#endif
