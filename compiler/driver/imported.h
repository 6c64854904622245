/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Models of other frameworks in the driver: read, printed as .grus text, and that text compiled
 * like any other, with the weights at hand. What a person sees in messages is the text. */
#ifndef GRUS_DRIVER_IMPORTED_H
#define GRUS_DRIVER_IMPORTED_H

#include "driver/session.h"
#include "import/foreign.h"

typedef struct Imported {
  Foreign *foreign;
  const Source *source; /* the formatted text */
  Program *program;
  Model *model;  /* of the text; typed, with weights */
  Layer **order; /* the layer of foreign->model that each layer of model was */
} Imported;

/* The content says so, or, of what is no model at all, the name. */
bool path_is_foreign(Session *s, const char *path);
/* For a text that is written: what the file makes grus warn of is reported here, and the text
 * allows it. weights: the file that the text names; shown: the path of the text in messages. False
 * after reporting. */
bool session_import(Session *s, const char *path, const char *weights, const char *shown,
                    Imported *out);
/* The same for content already in memory. */
bool session_import_content(Session *s, const ForeignFile *file, const char *weights,
                            const char *shown, Imported *out);
/* session_load for a foreign file. */
Program *session_load_foreign(Session *s, const char *path, const Source **source);

#endif
