/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A model of whole sequences as a scalar function of DuckDB: what `grus build --emit=duckdb` adds
 * to a shared library (grus_shared.h). DuckDB calls GRUS_DUCKDB_INIT when it loads the extension,
 * and score_chunk with the rows of one vector at a time. The function has two forms: either every
 * input is a BLOB with the bytes of a row, or it is an array of the type of the port (a list, if
 * its length is bounded). A row with NULL in an input gives NULL. The file needs no library but
 * functions of memory. */
#if defined(GRUS_SHARED_ALONE)
#pragma GCC visibility push(hidden) /* all are found in the library itself */
#endif
#include "grus_duckdb_api.h"
#include "grus_shared.h"

#include <string.h>

#ifndef GRUS_DUCKDB_INIT
#define GRUS_DUCKDB_INIT grus_duckdb_init
#endif

enum {
  TYPE_BLOB = 18,
  INSIDE = 12,
  MOST_ARRAY = 100000, /* elements that an array of DuckDB can have */
  MOST_PORTS = 64,
  ALIGNMENT = 64,
  ERROR_SIZE = 256
};

typedef enum PortForm { FORM_BLOB, FORM_ARRAY } PortForm;
static const PortForm forms[] = {FORM_BLOB, FORM_ARRAY}; /* each function points to its form */

/* ---- ports ---- */

static size_t elem_size(GrusElem elem) {
  static const size_t size[] = {4, 2, 1, 2, 4, 1, 2};
  return size[elem];
}

/* The number that DuckDB has for a type; 0 if it has no such type. */
static int elem_type(GrusElem elem) {
  static const int type[] = {10, 0, 2, 3, 4, 6, 7};
  return type[elem];
}

static size_t port_count(const GrusPort *port) {
  size_t n = 1;
  for (int k = 0; k < port->rank; k++)
    n *= port->axes[k].size;
  return n;
}

static size_t port_bytes(const GrusPort *port) {
  return port_count(port) * elem_size(port->elem);
}

static size_t rounded(size_t n) {
  return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* ---- messages ---- */

typedef struct ErrorText {
  char text[ERROR_SIZE];
  size_t len;
} ErrorText;

static void say(ErrorText *m, const char *words) {
  for (; *words && m->len + 1 < sizeof m->text; words++)
    m->text[m->len++] = *words;
  m->text[m->len] = 0;
}

static void say_number(ErrorText *m, uint64_t n) {
  char digits[24];
  size_t at = sizeof digits - 1;
  digits[at] = 0;
  do {
    digits[--at] = (char)('0' + n % 10);
    n /= 10;
  } while (n);
  say(m, digits + at);
}

/* Writes "score(): input `x` has 12 bytes, and a row has 2048"; returns false. */
static bool wrong_size(ErrorText *m, const GrusPort *port, uint64_t found, uint64_t needed,
                       const char *unit) {
  say(m, grus_program.name);
  say(m, "(): input `");
  say(m, port->name);
  say(m, "` has ");
  say_number(m, found);
  say(m, unit);
  say(m, port->time == GRUS_TIME_BOUNDED ? ", and a row has whole steps, at most "
                                         : ", and a row has ");
  say_number(m, needed);
  return false;
}

static bool wrong(ErrorText *m, const GrusPort *port, const char *what) {
  say(m, grus_program.name);
  say(m, "(): ");
  if (port) {
    say(m, "input `");
    say(m, port->name);
    say(m, "` ");
  }
  say(m, what);
  return false;
}

/* ---- a chunk of rows ---- */

/* The column of an input in a chunk. */
typedef struct Column {
  const GrusPort *port;
  size_t bytes; /* of a row, or of the longest row */
  const void *data;
  const uint64_t *valid;         /* a bit for each row; NULL: no row is NULL */
  const void *elements;          /* of all arrays or lists */
  const uint64_t *element_valid; /* a bit for each element; NULL: none is NULL */
} Column;

static bool is_valid(const uint64_t *valid, uint64_t row) {
  return !valid || (valid[row / 64] >> row % 64 & 1);
}

static Column column_of(Opaque *chunk, uint64_t i, const GrusPort *port, PortForm form) {
  Opaque *vector = DUCK(data_chunk_get_vector)(chunk, i), *child = NULL;
  Column c = {port,
              port_bytes(port),
              DUCK(vector_get_data)(vector),
              DUCK(vector_get_validity)(vector),
              NULL,
              NULL};
  if (form == FORM_ARRAY && (port->rank || port->time == GRUS_TIME_BOUNDED))
    child = port->time == GRUS_TIME_BOUNDED ? DUCK(list_vector_get_child)(vector)
                                            : DUCK(array_vector_get_child)(vector);
  if (child) {
    c.elements = DUCK(vector_get_data)(child);
    c.element_valid = DUCK(vector_get_validity)(child);
  }
  return c;
}

/* Finds the bytes of a row and how many they are; false if one of its elements is NULL. */
static bool row_bytes(const Column *c, PortForm form, uint64_t row, const char **from,
                      uint64_t *bytes) {
  size_t size = elem_size(c->port->elem);
  if (form == FORM_BLOB) {
    const DuckString *s = (const DuckString *)c->data + row;
    *from = s->length <= INSIDE ? s->start : s->pointer;
    *bytes = s->length;
    return true;
  }
  if (!c->elements) {
    *from = (const char *)c->data + row * size;
    *bytes = size;
    return true;
  }
  DuckEntry entry = {row * (c->bytes / size), c->bytes / size};
  if (c->port->time == GRUS_TIME_BOUNDED) entry = ((const DuckEntry *)c->data)[row];
  for (uint64_t i = 0; c->element_valid && i < entry.length; i++)
    if (!is_valid(c->element_valid, entry.offset + i)) return false;
  *from = (const char *)c->elements + entry.offset * size;
  *bytes = entry.length * size;
  return true;
}

/* Copies a row to its place. *steps: its steps, if the length is bounded. False with a message in
 * m. */
static bool put_row(const Column *c, PortForm form, uint64_t row, char *to, size_t *steps,
                    ErrorText *m) {
  const char *from = NULL;
  uint64_t bytes = 0;
  bool bounded = c->port->time == GRUS_TIME_BOUNDED;
  size_t step = bounded ? c->bytes / c->port->axes[c->port->time_axis].size : c->bytes;
  if (!row_bytes(c, form, row, &from, &bytes))
    return wrong(m, c->port, "has a NULL among its numbers, and a model needs every one");
  if (bounded ? bytes > c->bytes || bytes % step != 0 || bytes == 0 : bytes != c->bytes) {
    size_t unit = form == FORM_BLOB ? 1 : elem_size(c->port->elem);
    return wrong_size(m, c->port, bytes / unit, c->bytes / unit,
                      form == FORM_BLOB ? " bytes" : " numbers");
  }
  memcpy(to, from, bytes);
  if (bounded) *steps = bytes / step;
  return true;
}

static void set_null(Opaque *vector, uint64_t row, uint64_t count) {
  DUCK(vector_ensure_validity_writable)(vector);
  uint64_t *valid = DUCK(vector_get_validity)(vector);
  for (uint64_t i = row * count; i < (row + 1) * count; i++)
    valid[i / 64] &= ~((uint64_t)1 << i % 64);
}

/* The column of an output: the vector of its rows, and the vector of their numbers. */
typedef struct ResultColumn {
  const GrusPort *port;
  Opaque *vector, *numbers;
  size_t bytes;
} ResultColumn;

/* Memory for a block of rows: inputs, outputs, lengths, and which rows are NULL. */
typedef struct RowGroup {
  char *memory;
  void *in[MOST_PORTS], *out[MOST_PORTS];
  size_t *lengths;
  bool *null;
} RowGroup;

/* One call of the function. */
typedef struct ScoreCall {
  PortForm form;
  size_t n_in, n_out, rows; /* rows: of a block */
  Column in[MOST_PORTS];
  ResultColumn out[MOST_PORTS];
  Opaque *top; /* the vector that is returned */
  RowGroup block;
} ScoreCall;

static bool take_memory(ScoreCall *c) {
  size_t size = 0, at = 0, n_lengths = grus_program.length_count;
  for (size_t i = 0; i < c->n_in; i++)
    size += rounded(c->in[i].bytes * c->rows);
  for (size_t i = 0; i < c->n_out; i++)
    size += rounded(c->out[i].bytes * c->rows);
  size += rounded(sizeof(size_t) * (n_lengths + 1) * c->rows) + c->rows + 2 * ALIGNMENT;
  c->block.memory = DUCK(malloc)(size);
  if (!c->block.memory) return false;
  at = rounded((uintptr_t)c->block.memory) - (uintptr_t)c->block.memory;
  for (size_t i = 0; i < c->n_in; i++) {
    c->block.in[i] = c->block.memory + at;
    at += rounded(c->in[i].bytes * c->rows);
  }
  for (size_t i = 0; i < c->n_out; i++) {
    c->block.out[i] = c->block.memory + at;
    at += rounded(c->out[i].bytes * c->rows);
  }
  c->block.lengths = (size_t *)(void *)(c->block.memory + at);
  at += rounded(sizeof(size_t) * (n_lengths + 1) * c->rows);
  c->block.null = (bool *)(c->block.memory + at);
  return true;
}

/* Copies a row of the chunk to row r of a block of `count` rows. A row that is NULL becomes zeros.
 */
static bool gather(ScoreCall *c, uint64_t row, size_t r, size_t count, ErrorText *m) {
  size_t *lengths = c->block.lengths;
  c->block.null[r] = false;
  for (size_t i = 0; i < c->n_in; i++)
    if (!is_valid(c->in[i].valid, row)) c->block.null[r] = true;
  for (size_t k = 0; k < grus_program.length_count; k++)
    lengths[k * count + r] = c->block.null[r] ? grus_program.lengths[k].bound : 0;
  for (size_t i = 0; i < c->n_in; i++) {
    const Column *column = &c->in[i];
    char *to = (char *)c->block.in[i] + r * column->bytes;
    size_t steps = 0;
    memset(to, 0, column->bytes);
    if (c->block.null[r]) continue;
    if (!put_row(column, c->form, row, to, &steps, m)) return false;
    if (column->port->time != GRUS_TIME_BOUNDED) continue;
    size_t *length = &lengths[(size_t)column->port->length * count + r];
    if (*length && *length != steps)
      return wrong(m, column->port,
                   "has another number of steps than an input that shares its length");
    *length = steps;
  }
  return true;
}

/* Copies the outputs of a block to the rows of the chunk from `first` on. */
static void scatter(const ScoreCall *c, uint64_t first, size_t count) {
  for (size_t i = 0; i < c->n_out; i++) {
    const ResultColumn *r = &c->out[i];
    memcpy((char *)DUCK(vector_get_data)(r->numbers) + first * r->bytes, c->block.out[i],
           count * r->bytes);
    for (size_t k = 0; k < count; k++) {
      if (!c->block.null[k]) continue;
      set_null(r->numbers, first + k, r->bytes / elem_size(r->port->elem));
      if (r->vector != r->numbers) set_null(r->vector, first + k, 1);
    }
  }
  for (size_t k = 0; k < count; k++)
    if (c->block.null[k] && c->n_out > 1) set_null(c->top, first + k, 1);
}

static bool score_rows(ScoreCall *c, uint64_t n, ErrorText *m) {
  for (uint64_t first = 0; first < n; first += c->rows) {
    size_t count = n - first < c->rows ? (size_t)(n - first) : c->rows;
    for (size_t r = 0; r < count; r++)
      if (!gather(c, first + r, r, count, m)) return false;
    int status = grus_rows(count, grus_program.length_count ? c->block.lengths : NULL,
                           (const void *const *)c->block.in, NULL, c->block.out, NULL, NULL);
    if (status == GRUS_BAD_INDEX) return wrong(m, NULL, "an index is out of its range");
    if (status == GRUS_BAD_LENGTH) return wrong(m, NULL, "a length is out of its range");
    if (status != GRUS_OK) return wrong(m, NULL, "the model cannot run on this processor");
    scatter(c, first, count);
  }
  return true;
}

static void score_chunk(Opaque *info, Opaque *chunk, Opaque *output) {
  ScoreCall c = {0};
  ErrorText m = {{0}, 0};
  c.form = *(const PortForm *)DUCK(scalar_function_get_extra_info)(info);
  c.top = output;
  c.rows = grus_library.batch;
  for (size_t i = 0; i < grus_program.port_count; i++) {
    const GrusPort *port = &grus_program.ports[i];
    if (port->role == GRUS_ROLE_IN) {
      c.in[c.n_in] = column_of(chunk, c.n_in, port, c.form);
      c.n_in++;
    } else if (port->role == GRUS_ROLE_OUT)
      c.out[c.n_out++] = (ResultColumn){port, NULL, NULL, port_bytes(port)};
  }
  for (size_t i = 0; i < c.n_out; i++) {
    ResultColumn *r = &c.out[i];
    r->vector = c.n_out > 1 ? DUCK(struct_vector_get_child)(output, i) : output;
    r->numbers = r->port->rank ? DUCK(array_vector_get_child)(r->vector) : r->vector;
  }
  if (!take_memory(&c)) {
    DUCK(scalar_function_set_error)(info, "there is no memory for the rows of a model");
    return;
  }
  bool ok = score_rows(&c, DUCK(data_chunk_get_size)(chunk), &m);
  DUCK(free)(c.block.memory);
  if (!ok) DUCK(scalar_function_set_error)(info, m.text);
}

/* ---- registration ---- */

static Opaque *new_type(const GrusPort *port, PortForm form) {
  if (form == FORM_BLOB) return DUCK(create_logical_type)(TYPE_BLOB);
  Opaque *element = DUCK(create_logical_type)(elem_type(port->elem)), *whole = element;
  if (port->time == GRUS_TIME_BOUNDED)
    whole = DUCK(create_list_type)(element);
  else if (port->rank)
    whole = DUCK(create_array_type)(element, port_count(port));
  if (whole != element) DUCK(destroy_logical_type)(&element);
  return whole;
}

/* The type of the result: that of the only output, or a struct of all outputs. */
static Opaque *new_result_type(void) {
  Opaque *type[MOST_PORTS], *all;
  const char *name[MOST_PORTS];
  uint64_t n = 0;
  for (size_t i = 0; i < grus_program.port_count; i++) {
    const GrusPort *port = &grus_program.ports[i];
    if (port->role != GRUS_ROLE_OUT) continue;
    name[n] = port->name;
    type[n++] = new_type(port, FORM_ARRAY);
  }
  if (n == 1) return type[0];
  all = DUCK(create_struct_type)(type, name, n);
  for (uint64_t i = 0; i < n; i++)
    DUCK(destroy_logical_type)(&type[i]);
  return all;
}

/* Whether DuckDB has types for all inputs in this form. */
static bool has_form(PortForm form) {
  for (size_t i = 0; i < grus_program.port_count && form == FORM_ARRAY; i++) {
    const GrusPort *port = &grus_program.ports[i];
    if (port->role == GRUS_ROLE_IN && (!elem_type(port->elem) || port_count(port) > MOST_ARRAY))
      return false;
  }
  return true;
}

static bool add_form(Opaque *set, const PortForm *form) {
  Opaque *function = DUCK(create_scalar_function)(), *type;
  DUCK(scalar_function_set_name)(function, grus_program.name);
  for (size_t i = 0; i < grus_program.port_count; i++) {
    if (grus_program.ports[i].role != GRUS_ROLE_IN) continue;
    type = new_type(&grus_program.ports[i], *form);
    DUCK(scalar_function_add_parameter)(function, type);
    DUCK(destroy_logical_type)(&type);
  }
  type = new_result_type();
  DUCK(scalar_function_set_return_type)(function, type);
  DUCK(destroy_logical_type)(&type);
  DUCK(scalar_function_set_special_handling)(function); /* rows with NULL come here, too */
  DUCK(scalar_function_set_extra_info)(function, form, NULL);
  DUCK(scalar_function_set_function)(function, score_chunk);
  int status = DUCK(add_scalar_function_to_set)(set, function);
  DUCK(destroy_scalar_function)(&function);
  return status == 0;
}

static bool add_all(Opaque *connection) {
  Opaque *set = DUCK(create_scalar_function_set)(grus_program.name);
  bool ok = true;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
    if (has_form(forms[i])) ok = ok && add_form(set, &forms[i]);
  ok = ok && DUCK(register_scalar_function_set)(connection, set) == 0;
  DUCK(destroy_scalar_function_set)(&set);
  return ok;
}

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
bool GRUS_DUCKDB_INIT(Opaque *info, const DuckAccess *access);

bool GRUS_DUCKDB_INIT(Opaque *info, const DuckAccess *access) {
  const void *table = access->get_api(info, "v1.2.0");
  if (!table) return false;             /* DuckDB has reported why */
  memcpy(duckdb, table, sizeof duckdb); /* DuckDB keeps the table only during this call */
  const char *problem = NULL;
  Opaque *connection = NULL;
  if (!grus_body())
    problem = "the model was compiled for other processors than this one";
  else if (DUCK(connect)(*access->get_database(info), &connection) != 0)
    problem = "there is no connection to the database";
  else {
    if (!add_all(connection)) problem = "DuckDB did not take the function; is its name taken?";
    DUCK(disconnect)(&connection);
  }
  if (problem) access->set_error(info, problem);
  return !problem;
}
