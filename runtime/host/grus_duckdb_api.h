/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The stable interface of DuckDB for extensions (version v1.2.0), which is a table of functions.
 * Declared are the functions that grus_duckdb.c calls, with their places in the table, and the
 * forms of values. */
#ifndef GRUS_DUCKDB_API_H
#define GRUS_DUCKDB_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void Opaque; /* connections, types, vectors and functions are pointers to DuckDB */

#define DUCKDB_LIST(F)                                                                             \
  F(3, int, connect, (Opaque * database, Opaque * *connection))                                    \
  F(6, void, disconnect, (Opaque * *connection))                                                   \
  F(24, void *, malloc, (size_t size))                                                             \
  F(25, void, free, (void *memory))                                                                \
  F(156, Opaque *, create_logical_type, (int id))                                                  \
  F(159, Opaque *, create_list_type, (Opaque * type))                                              \
  F(160, Opaque *, create_array_type, (Opaque * type, uint64_t size))                              \
  F(163, Opaque *, create_struct_type, (Opaque * *types, const char **names, uint64_t count))      \
  F(184, void, destroy_logical_type, (Opaque * *type))                                             \
  F(190, Opaque *, data_chunk_get_vector, (Opaque * chunk, uint64_t column))                       \
  F(191, uint64_t, data_chunk_get_size, (Opaque * chunk))                                          \
  F(194, void *, vector_get_data, (Opaque * vector))                                               \
  F(195, uint64_t *, vector_get_validity, (Opaque * vector))                                       \
  F(196, void, vector_ensure_validity_writable, (Opaque * vector))                                 \
  F(199, Opaque *, list_vector_get_child, (Opaque * vector))                                       \
  F(203, Opaque *, struct_vector_get_child, (Opaque * vector, uint64_t index))                     \
  F(204, Opaque *, array_vector_get_child, (Opaque * vector))                                      \
  F(209, Opaque *, create_scalar_function, (void))                                                 \
  F(210, void, destroy_scalar_function, (Opaque * *function))                                      \
  F(211, void, scalar_function_set_name, (Opaque * function, const char *name))                    \
  F(213, void, scalar_function_set_special_handling, (Opaque * function))                          \
  F(215, void, scalar_function_add_parameter, (Opaque * function, Opaque * type))                  \
  F(216, void, scalar_function_set_return_type, (Opaque * function, Opaque * type))                \
  F(217, void, scalar_function_set_extra_info,                                                     \
    (Opaque * function, const void *info, void (*destroy)(void *)))                                \
  F(218, void, scalar_function_set_function,                                                       \
    (Opaque * function, void (*call)(Opaque *, Opaque *, Opaque *)))                               \
  F(220, void *, scalar_function_get_extra_info, (Opaque * info))                                  \
  F(221, void, scalar_function_set_error, (Opaque * info, const char *error))                      \
  F(222, Opaque *, create_scalar_function_set, (const char *name))                                 \
  F(223, void, destroy_scalar_function_set, (Opaque * *set))                                       \
  F(224, int, add_scalar_function_to_set, (Opaque * set, Opaque * function))                       \
  F(225, int, register_scalar_function_set, (Opaque * connection, Opaque * set))

#define DUCKDB_TYPE(at, result, name, parameters)  typedef result Duck_##name parameters;
#define DUCKDB_PLACE(at, result, name, parameters) PLACE_##name = at,
DUCKDB_LIST(DUCKDB_TYPE)
enum { DUCKDB_LIST(DUCKDB_PLACE) DUCKDB_FUNCTIONS };

typedef void DuckFunction(void);
static DuckFunction *duckdb[DUCKDB_FUNCTIONS]; /* filled when the extension is loaded */
#define DUCK(name) ((Duck_##name *)duckdb[PLACE_##name])

typedef struct DuckAccess {
  void (*set_error)(Opaque *info, const char *error);
  Opaque **(*get_database)(Opaque *info);
  const void *(*get_api)(Opaque *info, const char *version);
} DuckAccess;

typedef struct DuckEntry { /* a list: where its elements are in the vector of all elements */
  uint64_t offset, length;
} DuckEntry;

typedef struct DuckString { /* a BLOB: up to 12 bytes are in here, longer ones at `pointer` */
  uint32_t length;
  char start[4];
  const char *pointer;
} DuckString;

#endif
