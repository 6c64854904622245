/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --emit=duckdb. In: a bound model over whole sequences. Out: a shared library (emit_shared.c) with
 * the functions of runtime/host/grus_duckdb.c, and behind it what DuckDB asks of a file that it
 * loads: the platform, the version of the interface, and room for a signature, which stays empty.
 */
#include "driver/emit_duckdb.h"

#include "driver/emit_shared.h"
#include "driver/files.h"
#include "driver/machine.h"
#include "driver/version.h"

#include <ctype.h>
#include <string.h>

enum {
  MOST_PORTS = 64,     /* of grus_duckdb.c */
  MOST_ARRAY = 100000, /* elements of an array of DuckDB */
  FIELD = 32,
  SIGNATURE = 256
};

static bool refuse(Session *s, const KirModule *m, const char *why) {
  session_error(s,
                "`%s` cannot be a function of DuckDB: %s; `--emit=shared` builds a library instead",
                m->name, why);
  return false;
}

static int64_t count(const KirPort *port) {
  int64_t n = 1; /* the checker keeps it below the sizes of memory */
  for (int k = 0; k < port->rank; k++)
    n *= port->dim[k];
  return n;
}

static bool model_fits(Session *s, const KirModule *m) {
  if (m->run_kind != KIR_WHOLE)
    return refuse(s, m, "it runs over a stream, and rows of a table have no order");
  if (m->n_ports > MOST_PORTS) return refuse(s, m, "it has more than 64 inputs and outputs");
  for (int i = 0; i < m->n_ports; i++) {
    const KirPort *port = &m->port[i];
    const char *name = port->name;
    if (!port->is_out) continue;
    if (port->length >= 0)
      return refuse(s, m, arena_printf(s->arena, "its output `%s` has a bounded length", name));
    if (port->buffer->elem == KIR_F16)
      return refuse(s, m,
                    arena_printf(s->arena, "its output `%s` is f16, which DuckDB lacks", name));
    if (count(port) > MOST_ARRAY)
      return refuse(s, m,
                    arena_printf(s->arena, "its output `%s` has more than 100000 numbers", name));
  }
  return true;
}

/* "score_init_c_api" for out/score.duckdb_extension; NULL after reporting. */
static const char *first_function(Session *s, const char *out) {
  const char *slash = strrchr(out, '/'), *name = slash ? slash + 1 : out;
  size_t n = strcspn(name, ".");
  bool fits = n > 0 && !isdigit((unsigned char)name[0]);
  for (size_t i = 0; i < n; i++)
    fits = fits &&
           (islower((unsigned char)name[i]) || isdigit((unsigned char)name[i]) || name[i] == '_');
  if (fits && strcmp(name + n, ".duckdb_extension") == 0)
    return arena_printf(s->arena, "%.*s_init_c_api", (int)n, name);
  session_error(s,
                "DuckDB finds an extension by the name of its file: lower-case letters, digits and "
                "_; it must end in .duckdb_extension, found `%s`",
                name);
  s->usage_trouble = true;
  return NULL;
}

/* The name of the target's system in DuckDB; NULL if DuckDB has no name for it. */
static const char *platform(void) {
#if defined(__linux__) && defined(__x86_64__)
  return "linux_amd64";
#elif defined(__linux__) && defined(__aarch64__)
  return "linux_arm64";
#elif defined(__APPLE__) && defined(__aarch64__)
  return "osx_arm64";
#elif defined(__APPLE__) && defined(__x86_64__)
  return "osx_amd64";
#else
  return NULL;
#endif
}

static void add_field(Text *out, const char *word) {
  size_t n = strlen(word);
  text_add_n(out, word, n);
  text_fill(out, 0, FIELD - n);
}

/* The 534 bytes: the head of a section of WebAssembly, which every platform has, eight fields of
 * which the last is the first, and the signature. */
static void add_footer(Text *out, const char *on) {
  static const char head[] = "\0\x93\x04\x10"
                             "duckdb_signature\x80\x04";
  const char *const field[] = {"", "", "", "C_STRUCT", GRUS_VERSION, "v1.2.0", on, "4"};
  text_add_n(out, head, sizeof head - 1);
  for (size_t i = 0; i < sizeof field / sizeof *field; i++)
    add_field(out, field[i]);
  text_fill(out, 0, SIGNATURE);
}

bool duckdb_make(Session *s, const Model *model, const Source *source, const KirModule *m,
                 const char *dir, const char *out, const char *made) {
  const char *first = model_fits(s, m) ? first_function(s, out) : NULL, *reason;
  if (!first) return false;
  if (!platform() || !machine_is_here(s)) {
    session_error(s, "grus builds an extension of DuckDB only for the machine that it runs on");
    s->usage_trouble = true;
    return false;
  }
  if (!library_make(s, model, source, dir, first, made)) return false;
  size_t len;
  const char *library = file_read(s->arena, made, (size_t)1 << 31, &len, &reason);
  if (!library) {
    session_file_error(s, made, "read", reason);
    return false;
  }
  Text text = text_new(s->arena);
  text_add_n(&text, library, len);
  add_footer(&text, platform());
  if (file_put(made, text_str(&text), text.len, &reason)) return true;
  session_file_error(s, made, "write", reason);
  return false;
}
