/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* figures MODEL.grus TARGET FOLDER [NAME=VALUE...]: writes FOLDER/model.[ch] with random weights,
 * and program.c around them
 * (precision=i8: in integers, with invented ranges) and prints what estimates of code, stack and
 * time rest on: a line "weights N", a line "scratch N", and for every function "text NAME
 * COUNT...", "own NAME COUNT...", "call NAME COUNT..." in the order of census.h. */
#include "lower/figures.h"
#include "backend/c.h"
#include "backend/program.h"
#include "driver/quantise.h"
#include "front/front.h"
#include "kir/census.h"
#include "lower/lower.h"
#include "model/infer/infer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what, const char *why) {
  fprintf(stderr, "figures: %s: %s\n", what, why);
  exit(1);
}

static char *read_file(Arena *arena, const char *path, size_t *len) {
  enum { ROOM = 1 << 20 };
  FILE *f = fopen(path, "rb");
  if (!f) die(path, "cannot be read");
  char *text = arena_alloc(arena, ROOM);
  *len = fread(text, 1, ROOM - 1, f);
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

static Model *load(Arena *arena, const char *path, Define *define, int n, Diags **out) {
  Sources *sources = ARENA_NEW(arena, Sources);
  sources->arena = arena;
  Diags *diags = *out = diags_new(arena, sources);
  size_t len;
  char *text = read_file(arena, path, &len);
  const Source *source = sources_add(sources, path, text, len);
  ResolveOptions options = {.define = define, .n_defines = n};
  Program *program = resolve(arena, source, parse(arena, source, diags), &options, diags);
  if (program->n_models) model_infer(program->model[0], diags);
  if (diags->n_errors || !program->n_models)
    die(path, diags->first ? diags->first->message : "has no model");
  return program->model[0];
}

/* In the precision of that name, if there is one. */
static void quantise(Arena *arena, Model *model, const char *name, Diags *diags) {
  Options options = {0};
  Session session = {.arena = arena, .diags = diags, .options = &options};
  for (int i = 0; name && i < PRECISION_COUNT; i++)
    if (strcmp(precision_name[i], name) == 0) model->precision = (Precision)i;
  if (name) quantise_invented(&session, model);
  if (diags->n_errors) die(name, diags->first->message);
}

static void print(const char *what, const KirFunc *f, Census c) {
  printf("%s %s", what, f->name);
  for (int i = 0; i < CENSUS_KINDS; i++)
    printf(" %lld", (long long)c.n[i]);
  printf("\n");
}

int main(int argc, char **argv) {
  jmp_buf oom;
  if (argc < 4 || setjmp(oom)) die("usage", "figures MODEL.grus TARGET FOLDER [NAME=VALUE...]");
  Arena *arena = arena_new(&oom);
  Diags *diags;
  Define *define = ARENA_ARRAY(arena, Define, argc);
  const char *precision = NULL;
  int n = 0;
  for (int i = 4; i < argc; i++) {
    char *eq = strchr(argv[i], '=');
    if (!eq) die(argv[i], "is not NAME=VALUE");
    *eq = 0;
    if (strcmp(argv[i], "precision") == 0)
      precision = eq + 1;
    else
      define[n++] = (Define){.name = argv[i], .value = eq + 1};
  }
  Model *model = load(arena, argv[1], define, n, &diags);
  model_bind_random(model, 1);
  quantise(arena, model, precision, diags);
  LowerOptions options = {.target = target_find(argv[2])};
  if (!options.target) die(argv[2], "is no target");
  KirModule *m = lower(model, &options, arena, diags);
  if (!m) die(argv[1], diags->first ? diags->first->message : "cannot be lowered");
  COptions c = {.prefix = "model",
                .header_name = "model.h",
                .machine = {.needs = options.target->c_needs, .inlines = options.target->inlines}};
  Text header = text_new(arena), source = text_new(arena);
  backend_c(m, &c, &header, &source);
  write_file(argv[3], "model.h", &header);
  write_file(argv[3], "model.c", &source);
  Text program = text_new(arena);
  backend_program(m, &c, false, &program);
  write_file(argv[3], "program.c", &program);
  int64_t weights = 0;
  for (int i = 0; i < m->n_buffers; i++)
    if (m->buffer[i]->space == KIR_CONST)
      weights += m->buffer[i]->count * kir_elem_size(m->buffer[i]->elem);
  printf("weights %lld\nscratch %lld\n", (long long)weights,
         (long long)(m->scratch_bytes + figures_narrow_scratch(m)));
  for (int i = 0; i < m->n_funcs; i++) {
    print("text", m->func[i], census_of_text(m->func[i]));
    if (m->func[i]->kind == KIR_HELPER) continue;
    print("own", m->func[i], census_of_own(m->func[i]));
    print("call", m->func[i], census_of_call(m->func[i], true));
  }
  arena_free(arena);
  return 0;
}
