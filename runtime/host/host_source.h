/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A source reads the numbers of one input from a file, a pipe or memory. Out: numbers in the order
 * of the file, each of which its port accepts.
 *
 * The formats differ only in where the numbers are: every reader passes each number through
 * host_source_accept. A source that fails prints why and sets `status`. */
#ifndef GRUS_HOST_SOURCE_H
#define GRUS_HOST_SOURCE_H

#include "host_bytes.h"
#include "host_number.h"
#include "host_port.h"

typedef enum HostFormat {
  HOST_FORMAT_NONE, /* not known yet: the name or the content tells it */
  HOST_FORMAT_NPY,
  HOST_FORMAT_NPZ, /* an archive of .npy files, of which the one with the name of the port is read.
                      Then it becomes HOST_FORMAT_NPY */
  HOST_FORMAT_CSV,
  HOST_FORMAT_JSON, /* JSON lines */
  HOST_FORMAT_WAV,
  HOST_FORMAT_RAW,    /* only numbers, little-endian */
  HOST_FORMAT_NUMBERS /* numbers on the command line */
} HostFormat;

/* A format. For raw numbers also their type, if the name tells it (.s16, .f32); with size 0 it is
 * that of the port. */
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
  HostNumber number; /* npy, wav, raw: how the file stores a number */
  double scale;      /* a number of the file times scale is the value; 1 except for PCM as -1..1 */
  uint64_t total;    /* numbers in the file, or HOST_SIZE_UNKNOWN */
  uint64_t done;     /* numbers delivered */
  int status;        /* the GRUS_EXIT_ code of the error that ended it; 0: none */

  int rank; /* npy: the shape in the file */
  uint64_t shape[GRUS_HOST_MAX_RANK + 1];
  unsigned char *inflated; /* npz: the bytes of a compressed member */
  unsigned char *fortran;  /* npy in column-major order: all its bytes */

  uint64_t columns; /* csv, wav: numbers per row, 0 until known */
  double rate;      /* wav: frames per second */
  char separator;   /* csv */
  uint64_t line;    /* csv, json: the number of the line in `text`, from 1 */
  char *text;       /* csv, json: the current line */
  size_t text_capacity, text_length;
  size_t text_at;  /* csv: where the next field begins */
  bool text_has;   /* csv: the line has more fields */
  bool has_index;  /* csv: the first column, which has no name, numbers the rows */
  uint64_t column; /* csv: how many fields of this row were delivered */

  const char *id_name, *skip_names; /* csv: --id and --skip, NULL if not given */
  unsigned char *column_use;        /* csv: a COLUMN_ word for each column; NULL: all are kept */
  size_t column_count;
  uint64_t *ids, id_now; /* csv: hashes of the ids so far, in a table of ids_room places */
  size_t ids_room;

  double *row; /* json: the numbers of one line; row[row_at .. row_count) were not delivered yet */
  size_t row_count, row_at, row_capacity;
  size_t *row_steps; /* json: steps of each line; csv with --id: rows of each sample */
  size_t rows, rows_capacity;
} HostSource;

/* The format with this name, such as "csv" or "s16"; HOST_FORMAT_NONE if there is none. */
HostStyle host_style_named(const char *name);
/* The format that the ending of a path names. */
HostStyle host_style_of_path(const char *path);
/* The names of all formats, with blanks between them. */
const char *host_style_list(void);

/* Opens `path` for `port`. Returns GRUS_EXIT_OK or the status of the printed error; either way the
 * source must be closed. */
int host_source_open(HostSource *source, const char *path, HostStyle style);
/* Numbers from the command line or, in tests, the content of a file. */
int host_source_memory(HostSource *source, const void *memory, size_t size, HostStyle style);
void host_source_close(HostSource *source);

/* Reads up to `max` numbers; waits for at least one. Returns how many it read, 0 at the end or
 * after an error, which sets status. */
size_t host_source_read(HostSource *source, double *values, size_t max);

/* ---- functions for the readers of formats ---- */
/* Whether the port accepts the next n numbers; reports the first that it does not. integral: the
 * file stores integers. */
bool host_source_accept(HostSource *source, const double *values, size_t n, bool integral);
/* Prints an error of this source, sets its status and returns it. */
int host_source_fail(HostSource *source, int status, const char *format, ...) HOST_PRINTF(3, 4);
/* Prints the type of the port as a detail of an error. */
void host_source_needs(const HostSource *source);
/* Reads up to max numbers that are stored one after another; reports a file that ends inside of
 * one. */
size_t host_source_stored(HostSource *source, double *values, size_t max);

/* Reads the next line, without its end, into source->text. False at the end of the file or after an
 * error. */
bool host_source_line(HostSource *source);

int host_npy_open(HostSource *source);
size_t host_npy_read(HostSource *source, double *values, size_t max);
/* A field of source->text. */
typedef struct HostField {
  size_t at, length;
} HostField;
/* host_columns.c: whether --id or --skip leaves out columns; finds these columns in the row of
 * names; and removes their fields from a row. The latter two report errors. */
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
