/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* stepping MODEL.grus TARGET FOLDER: stepping equals running. Compiles a streaming model twice, as
 * the stream it is and, with its endless time replaced by a fixed one, as a whole sequence, and
 * writes FOLDER/stepping.c, which feeds both the same input and compares every value bit for bit
 * (and FOLDER/{step,whole}_model.[ch], FOLDER/{step,whole}_program.c). A model that is no stream
 * gives exit code 77: there is nothing to compare. */
#include "backend/program.h"
#include "front/front.h"
#include "lower/lower.h"
#include "model/infer/infer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 37 };

static void die(const char *what, const char *why) {
  fprintf(stderr, "stepping: %s: %s\n", what, why);
  exit(1);
}

static char *read_file(Arena *arena, const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  if (!f) die(path, "cannot be read");
  char *text = arena_alloc(arena, 1 << 20);
  *len = fread(text, 1, (1 << 20) - 1, f);
  fclose(f);
  return text;
}

static void write_file(const char *dir, const char *name, const Text *text) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(text_str(text), 1, text->len, f) != text->len || fclose(f) != 0)
    die(path, "cannot be written");
}

/* The model of a file; with base > 0 its streams become sequences of base base steps. */
static Model *load(Arena *arena, const char *path, int64_t base, Diags **out) {
  Sources *sources = ARENA_NEW(arena, Sources);
  sources->arena = arena;
  Diags *diags = *out = diags_new(arena, sources);
  size_t len;
  char *text = read_file(arena, path, &len);
  const Source *source = sources_add(sources, path, text, len);
  ResolveOptions options = {0};
  Program *program = resolve(arena, source, parse(arena, source, diags), &options, diags);
  if (diags->n_errors || !program->n_models)
    die(path, diags->first ? diags->first->message : "has no model");
  Model *model = program->model[0];
  for (int i = 0; base && i < model->n_in; i++) {
    Time *t = &model->in[i]->declared.time;
    if (t->kind != TIME_STREAM) continue;
    t->kind = TIME_FIXED;
    t->n = base / t->period;
  }
  for (int i = 0; base && i < model->n_layers;
       i++) { /* reshape([time .., ...]) keeps the steps there are */
    const OptVal *shape = layer_opt(model->layer[i], OPT_shape);
    if (!shape || !shape->shape || shape->shape->time.kind != TIME_STREAM) continue;
    shape->shape->time.kind = TIME_FIXED;
    shape->shape->time.n = base / (shape->shape->time.period ? shape->shape->time.period : 1);
  }
  for (int i = 0; base && i < model->n_out; i++) /* declared as streams: take what is inferred */
    model->out[i]->has_type = false;
  model_infer(model, diags);
  for (const Diag *d = diags->first; d; d = d->next)
    if (d->level == LEVEL_ERROR && d->code != E208) die(path, d->message);
  model->failed = false;
  for (int i = 0; base && i < model->n_out; i++) {
    model->out[i]->declared = model->out[i]->value->type;
    model->out[i]->has_type = true;
  }
  model_bind_random(model, 1);
  return model;
}

static void compile(Arena *arena, Model *model, Diags *diags, const char *target, const char *dir,
                    const char *prefix) {
  LowerOptions options = {.target = target_find(target)};
  KirModule *m = lower(model, &options, arena, diags);
  if (!m) die(model->name, diags->first ? diags->first->message : "cannot be lowered");
  COptions c = {.prefix = prefix, .header_name = arena_printf(arena, "%s_model.h", prefix)};
  Text header = text_new(arena), source = text_new(arena), program = text_new(arena),
       named = text_new(arena);
  backend_c(m, &c, &header, &source);
  backend_program(m, &c, false, &program);
  text_printf(&named, "#define grus_program %s_program\n%s", prefix, text_str(&program));
  write_file(dir, arena_printf(arena, "%s_model.h", prefix), &header);
  write_file(dir, arena_printf(arena, "%s_model.c", prefix), &source);
  write_file(dir, arena_printf(arena, "%s_program.c", prefix), &named);
}

static void add_driver(Text *out) {
  text_add(
      out,
      "#include \"grus_host.h\"\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\n"
      "extern const GrusProgram step_program, whole_program;\n\n"
      "static size_t bytes_of(const GrusPort *p) {\n"
      "  static const size_t size[] = {4, 2, 1, 2, 4, 1, 2};\n  size_t n = size[p->elem];\n"
      "  for (int i = 0; i < p->rank; i++) n *= p->axes[i].size;\n  return n;\n}\n\n"
      "static void fill(const GrusPort *p, void *to, size_t bytes) {\n"
      "  static unsigned long long seed = 7;\n"
      "  for (size_t i = 0; i < bytes; i++) {\n"
      "    seed = seed * 6364136223846793005u + 1442695040888963407u;\n"
      "    unsigned r = (unsigned)(seed >> 33);\n"
      "    if (p->elem == GRUS_ELEM_F32) { if (i % 4 == 0) { float f = (float)(r % 4001) / 2000 - "
      "1; memcpy((char *)to + i, &f, 4); } }\n"
      "    else ((unsigned char *)to)[i] = p->bound ? (unsigned char)(r % (p->bound < 200 ? "
      "p->bound : 200)) : (unsigned char)(r % 100);\n"
      "  }\n}\n\n");
  text_printf(
      out,
      "int main(void) {\n  enum { CALLS = %d };\n  void *state = calloc(1, step_program.state_size "
      "+ 64);\n"
      "  const void *win[40], *sin[40], *init[40];\n  void *wout[40], *sout[40];\n"
      "  char *data[40];\n  const GrusPort *wo[40], *so[40], *si[40];\n  size_t got[40] = {0};\n"
      "  int n_in = 0, n_sin = 0, n_init = 0, n_out = 0, m_out = 0;\n",
      CALLS);
  text_add(out, "  for (size_t i = 0; i < whole_program.port_count; i++) {\n    const GrusPort *p "
                "= &whole_program.ports[i];\n"
                "    char *b = calloc(1, bytes_of(p) + 64);\n"
                "    if (p->role == GRUS_ROLE_OUT) { wo[n_out] = p; wout[n_out++] = b; }\n"
                "    else { fill(p, b, bytes_of(p)); data[n_in] = b; win[n_in++] = b; }\n  }\n");
  text_add(
      out,
      "  int k = 0;\n  for (size_t i = 0; i < step_program.port_count; i++) {\n    const GrusPort "
      "*p = &step_program.ports[i];\n"
      "    if (p->role == GRUS_ROLE_OUT) { so[m_out] = p; sout[m_out++] = calloc(1, bytes_of(p) + "
      "64); continue; }\n"
      "    if (p->role == GRUS_ROLE_INIT) init[n_init++] = data[k]; else { si[n_sin] = p; "
      "sin[n_sin++] = data[k]; }\n    k++;\n  }\n"
      "  if (whole_program.run(NULL, win, wout) != GRUS_OK) return puts(\"run failed\"), 1;\n"
      "  step_program.reset(state, init);\n  int answers = 0;\n  const void *in[40];\n"
      "  for (int call = 0; call < CALLS; call++) {\n"
      "    for (int i = 0; i < n_sin; i++)\n"
      "      in[i] = (const char *)sin[i] + (si[i]->time == GRUS_TIME_STREAM ? (size_t)call * "
      "bytes_of(si[i]) : 0);\n"
      "    int status = step_program.step(state, in, sout);\n    if (status == GRUS_NO_OUTPUT) "
      "continue;\n"
      "    if (status != GRUS_OK) return puts(\"step failed\"), 1;\n    answers++;\n"
      "    for (int i = 0; i < m_out; i++) {\n      size_t n = bytes_of(so[i]);\n"
      "      if (got[i] + n > bytes_of(wo[i])) return puts(\"more values than the run has\"), 1;\n"
      "      if (memcmp(sout[i], (char *)wout[i] + got[i], n)) return printf(\"output %s differs "
      "in call %d\\n\", so[i]->name, call), 1;\n"
      "      got[i] += n;\n    }\n  }\n"
      "  printf(\"%d calls, %d answers, bit for bit\\n\", CALLS, answers);\n  return answers == "
      "0;\n}\n");
}

int main(int argc, char **argv) {
  jmp_buf oom;
  if (argc != 4 || setjmp(oom)) die("usage", "stepping MODEL.grus TARGET FOLDER");
  Arena *arena = arena_new(&oom);
  Diags *diags;
  Model *stream = load(arena, argv[1], 0, &diags);
  if (stream->run != RUN_STREAM) return 77;
  compile(arena, stream, diags, argv[2], argv[3], "step");
  Model *whole = load(arena, argv[1], CALLS * stream->steps_per_call, &diags);
  compile(arena, whole, diags, argv[2], argv[3], "whole");
  Text driver = text_new(arena);
  add_driver(&driver);
  write_file(argv[3], "stepping.c", &driver);
  arena_free(arena);
  return 0;
}
