/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A source delivers the numbers of one input, in the file's order, checked against its port.
 *
 * Formats differ in how the numbers are found, never in what may be in them: every reader passes
 * each value through host_source_accept. A source that fails has printed why and sets `status`. */
#ifndef GRUS_HOST_SOURCE_H
#define GRUS_HOST_SOURCE_H

#include "host_bytes.h"
#include "host_number.h"
#include "host_port.h"

typedef enum HostFormat {
  HOST_FORMAT_NONE, /* to be found from the name or the content */
  HOST_FORMAT_NPY,
  HOST_FORMAT_NPZ, /* an archive of .npy: the member with the port's name; read as NPY once it is
                      found */
  HOST_FORMAT_CSV,
  HOST_FORMAT_JSON, /* JSON lines */
  HOST_FORMAT_WAV,
  HOST_FORMAT_RAW,    /* the numbers alone, little-endian */
  HOST_FORMAT_NUMBERS /* on the command line */
} HostFormat;

/* A format and, for raw, the number type if the name tells it (.s16 .f32 ...; size 0: the
 * port's). */
typedef struct HostStyle {
  HostFormat format;
  HostNumber raw;
} HostStyle;

typedef struct HostSource {
  const HostLog *log;
  const GrusProgram *program;
  const GrusPort *port;
  const char *name; /* for messages */
  HostNan nan;
  HostStyle style;
  HostBytes bytes;
  HostNumber number; /* npy, wav, raw */
  double scale;      /* file number times scale = value; 1 except for PCM read as -1..1 */
  uint64_t total;    /* numbers in the file; HOST_SIZE_UNKNOWN */
  uint64_t done;     /* numbers delivered */
  int status;        /* GRUS_EXIT_ code of the error that ended it */

  int rank; /* npy: the file's shape */
  uint64_t shape[GRUS_HOST_MAX_RANK + 1];
  unsigned char *inflated; /* npz: a compressed member */
  unsigned char *fortran;  /* npy in column-major order: all of it */

  uint64_t columns; /* csv, wav: numbers per row, 0 until known */
  double rate;      /* wav: frames per second */
  char separator;   /* csv */
  uint64_t line;    /* csv: of the row in `row` */
  char *text;       /* csv, json: one line */
  size_t text_capacity, text_length;
  size_t text_at;  /* csv: next field in text */
  bool text_has;   /* csv: text holds fields that were not delivered */
  bool has_index;  /* csv: the first column, which has no name, numbers the rows */
  uint64_t column; /* csv: fields of this row delivered */

  const char *id_name, *skip_names; /* csv: --id and --skip, NULL if not given */
  unsigned char *column_use; /* csv: what becomes of each column of the file; NULL: all are kept */
  size_t column_count;
  uint64_t *ids, id_now; /* csv: hashes of the ids met so far, a table of ids_room places */
  size_t ids_room;

  double *row; /* json: the numbers of one line, row[row_at .. row_count) not delivered yet */
  size_t row_count, row_at, row_capacity;
  size_t *row_steps; /* json: steps of each line; csv with --id: rows of each sample */
  size_t rows, rows_capacity;
} HostSource;

/* By name: "csv", "s16", ".wav". NONE if unknown. */
HostStyle host_style_named(const char *name);
/* By the end of a path. */
HostStyle host_style_of_path(const char *path);
const char *host_style_list(void);

/* Opens `path` for `port`. Returns GRUS_EXIT_OK or the status of the printed error; either way the
 * source must be closed. */
int host_source_open(HostSource *source, const char *path, HostStyle style);
/* Numbers from the command line or, in tests, the content of a file. */
int host_source_memory(HostSource *source, const void *memory, size_t size, HostStyle style);
void host_source_close(HostSource *source);

/* Up to `max` numbers; waits for at least one. 0 at the end or after an error (see status). */
size_t host_source_read(HostSource *source, double *values, size_t max);

/* Used by the readers. */
bool host_source_accept(HostSource *source, const double *values, size_t n, bool integral);
int host_source_fail(HostSource *source, int status, const char *format, ...) HOST_PRINTF(3, 4);
void host_source_needs(const HostSource *source);
/* Reads n numbers stored one after another; reports a file that ends inside one. */
size_t host_source_stored(HostSource *source, double *values, size_t max);

/* The next line without its end into source->text; false at the end of the file or on an error. */
bool host_source_line(HostSource *source);

int host_npy_open(HostSource *source);
size_t host_npy_read(HostSource *source, double *values, size_t max);
/* A field of source->text. */
typedef struct HostField {
  size_t at, length;
} HostField;
/* host_columns.c: whether columns are to be left out; which, by the row of names; a row without
 * them. The latter two report what is wrong. */
bool host_columns_wanted(const HostSource *source);
int host_columns_open(HostSource *source, const HostField *names, size_t count);
bool host_columns_row(HostSource *source, const HostField *fields, size_t count);

int host_npz_open(HostSource *source);
int host_json_open(HostSource *source);
size_t host_json_read(HostSource *source, double *values, size_t max);
int host_csv_open(HostSource *source);
size_t host_csv_read(HostSource *source, double *values, size_t max);
int host_wav_open(HostSource *source);
size_t host_wav_read(HostSource *source, double *values, size_t max);

#endif
