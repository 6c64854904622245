/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR -> C99 that is also C++. */
#ifndef GRUS_BACKEND_C_H
#define GRUS_BACKEND_C_H

#include "kir/kir.h"

typedef enum CScratch { C_SCRATCH_STACK, C_SCRATCH_STATIC, C_SCRATCH_CALLER } CScratch;
typedef enum CVectors {
  C_VECTORS_GNU, /* vector_size types of gcc and clang */
  C_VECTORS_ISO  /* the same lanes as arrays and loops, for any C99 compiler */
} CVectors;

typedef struct COptions {
  const char *prefix;      /* "kws": kws_run, KWS_...; NULL: the model's name */
  const char *header_name; /* what the .c includes: "kws.h" */
  const char *compiler;    /* "grus 0.1.0", for the first comment; may be NULL */
  CScratch scratch;
  CVectors vectors;
  bool flat_arrays; /* one-dimensional array parameters */
} COptions;

/* A .h and .c pair; source NULL: the .h alone. */
void backend_c(const KirModule *m, const COptions *options, Text *header, Text *source);
/* One header that holds everything: static functions and static const weights. */
void backend_c_header(const KirModule *m, const COptions *options, Text *header);
/* The prototypes alone, one a line, as `grus inspect` shows them. */
void backend_c_prototypes(const KirModule *m, const COptions *options, Text *text);

#endif
