/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The C that `build` writes; see emitted.h. */
#include "driver/emitted.h"

#include "backend/program.h"
#include "driver/apart.h"
#include "driver/budget.h"
#include "driver/machine.h"
#include "driver/multi.h"
#include "driver/trial.h"
#include "driver/version.h"

#include <string.h>

/* With --target multi a flag is only for speed. */
static CMachine machine_of(const Session *s) {
  if (machine_is_multi(s->options))
    return (CMachine){.name = "generic", .flags = s->options->dispatch ? "" : "-march=native"};
  return (CMachine){.name = s->machine.name,
                    .flags = s->machine.flags,
                    .needs = s->machine.needs,
                    .inlines = s->machine.schedule->inlines,
                    .is_avr = s->machine.schedule->flash_apart};
}

COptions emitted_options(const Session *s, const Model *model) {
  const Options *o = s->options;
  return (COptions){.prefix = o->prefix ? o->prefix : model->name,
                    .compiler = "grus " GRUS_VERSION,
                    .scratch = (CScratch)o->scratch,
                    .vectors = o->iso ? C_VECTORS_ISO : C_VECTORS_GNU,
                    .weights = (CWeights)o->c_weights,
                    .flat_arrays = o->flat_arrays,
                    .flush = o->flush,
                    .queue = o->queue,
                    .machine = machine_of(s)};
}

bool emitted_write(Session *s, const Model *model, const Source *from, const KirModule *m,
                   const COptions *c, Text *header, Text *source) {
  if (machine_is_multi(s->options)) return multi_write(s, model, from, c, header, source);
  if (source)
    backend_c(m, c, header, source);
  else
    backend_c_header(m, c, header);
  return true;
}

const char *emitted_command(const Session *s, const COptions *c) {
  if (s->options->cc) return s->options->cc;
  return arena_printf(s->arena, "%s %s", c_compiler(), c_flags(s->arena, &c->machine));
}

static bool write_file(Session *s, const char *path, const Text *text) {
  const char *reason;
  if (file_write(s->arena, path, text_str(text), text->len, &reason)) return true;
  session_file_error(s, path, "write", reason);
  return false;
}

const GrusProgram *emitted_load(Session *s, const Model *model, const Source *from,
                                const KirModule *m, bool header) {
  COptions c = emitted_options(s, model);
  if (m->scratch_bytes > REPORT_LARGE_STACK && !s->options->scratch_given)
    c.scratch = C_SCRATCH_STATIC; /* grus itself calls this code */
  const char *dir = temp_dir(s), *runtime = runtime_dir(s);
  if (!dir || !runtime) return NULL;
  const char *header_path = arena_printf(s->arena, "%s/%s.h", dir, c.prefix);
  const char *source_path = arena_printf(s->arena, "%s/%s.c", dir, c.prefix);
  const char *main_path = arena_printf(s->arena, "%s/%s_main.c", dir, c.prefix);
  bool is_apart = s->options->run_with != NULL;
  const char *made = file_join(s->arena, dir, is_apart ? "model.exe" : "model.so");
  Text h = text_new(s->arena), source = text_new(s->arena), program = text_new(s->arena);
  c.header_name = arena_printf(s->arena, "%s.h", c.prefix);
  if (!emitted_write(s, model, from, m, &c, &h, header ? NULL : &source)) return NULL;
  backend_program(m, &c, is_apart, &program);
  if (!write_file(s, header_path, &h) || !write_file(s, main_path, &program)) return NULL;
  if (!header && !write_file(s, source_path, &source)) return NULL;
  const char *args[] = {is_apart ? "-D_POSIX_C_SOURCE=200809L" : "-fPIC",
                        is_apart ? file_join(s->arena, runtime, "host/grus_apart.c") : "-shared",
                        arena_printf(s->arena, "-I%s/host", runtime),
                        main_path,
                        "-o",
                        made,
                        header ? NULL : source_path,
                        NULL};
  if (!run_compiler(s, emitted_command(s, &c), dir, args)) return NULL;
  return is_apart ? apart_program(s, m, dir, made) : trial_open(s, dir, made);
}
