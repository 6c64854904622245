/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* object_tool FILE.grus OUT [option...]: compiles a model, with the random weights that kernel_tool
 * gives it, to what the LLVM backend makes of it.
 *
 *   --schedule=NAME --batch=N --chunk=N --scratch=static|caller  (as of kernel_tool's --target)
 *   --target=NAME --cpu=NAME --features=LIST -O0..3, -Os  --emit=obj|asm|llvm|bc  -g
 *   --time (the milliseconds of the backend, to standard output) */
#include "backend/llvm.h"
#include "front/front.h"
#include "lower/lower.h"
#include "model/infer/infer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Tool {
  Arena *arena;
  LowerOptions lower;
  LlvmOptions llvm;
  LlvmOutput output;
  bool time;
} Tool;

static bool emit(Tool *t, const char *v) {
  static const char *const name[] = {"obj", "asm", "llvm", "bc"};
  for (int i = 0; i < 4; i++)
    if (strcmp(v, name[i]) == 0) {
      t->output = (LlvmOutput)i;
      return true;
    }
  return false;
}

static bool option(Tool *t, const char *arg) {
  const char *v = strchr(arg, '=') ? strchr(arg, '=') + 1 : "";
  if (!strncmp(arg, "--schedule=", 11)) return (t->lower.target = target_find(v)) != NULL;
  if (!strncmp(arg, "--batch=", 8)) return (t->lower.batch = atoi(v)) > 0;
  if (!strncmp(arg, "--chunk=", 8)) return (t->lower.chunk = atoi(v)) > 0;
  if (!strncmp(arg, "--target=", 9)) return (t->llvm.target = v) != NULL;
  if (!strncmp(arg, "--cpu=", 6)) return (t->llvm.cpu = v) != NULL;
  if (!strncmp(arg, "--features=", 11)) return (t->llvm.features = v) != NULL;
  if (!strncmp(arg, "--emit=", 7)) return emit(t, v);
  if (!strcmp(arg, "--scratch=static")) return (t->llvm.scratch = C_SCRATCH_STATIC, true);
  if (!strcmp(arg, "--scratch=caller")) return (t->llvm.scratch = C_SCRATCH_CALLER, true);
  if (!strcmp(arg, "--time")) return (t->time = true);
  if (!strcmp(arg, "-g")) return (t->llvm.debug = true);
  if (!strncmp(arg, "-O", 2) && strlen(arg) == 3 && strchr("0123sz", arg[2]))
    return (t->llvm.level = arg[2]) != 0;
  return false;
}

static char *read_file(Arena *arena, const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  if (!f) {
    fprintf(stderr, "object_tool: cannot read %s\n", path);
    exit(3);
  }
  char *text = arena_alloc(arena, 1 << 20);
  *len = fread(text, 1, (1 << 20) - 1, f);
  fclose(f);
  return text;
}

static void write_file(const char *path, const Text *text) {
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(text_str(text), 1, text->len, f) != text->len || fclose(f)) {
    fprintf(stderr, "object_tool: cannot write %s\n", path);
    exit(3);
  }
}

static KirModule *lowered(Tool *t, const char *path, Sources *sources, Diags *diags) {
  size_t len;
  char *text = read_file(t->arena, path, &len);
  const Source *source = sources_add(sources, path, text, len);
  ResolveOptions options = {0};
  Program *program = resolve(t->arena, source, parse(t->arena, source, diags), &options, diags);
  if (diags->n_errors || !program->n_models || !model_infer(program->model[0], diags)) return NULL;
  model_bind_random(program->model[0], 7);
  KirModule *m = lower(program->model[0], &t->lower, t->arena, diags);
  if (m) m->sources = sources;
  return m;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

int main(int argc, char **argv) {
  jmp_buf oom;
  if (argc < 3 || setjmp(oom)) return 2;
  Tool tool = {.llvm.level = '2'}, *t = &tool;
  t->arena = arena_new(&oom);
  for (int i = 3; i < argc; i++)
    if (!option(t, argv[i])) {
      fprintf(stderr, "object_tool: %s?\n", argv[i]);
      return 2;
    }
  Sources sources = {.arena = t->arena};
  Diags *diags = diags_new(t->arena, &sources);
  Text out = text_new(t->arena);
  KirModule *m = lowered(t, argv[1], &sources, diags);
  double start = now();
  bool done = m && backend_llvm(m, &t->llvm, t->output, diags, &out);
  if (t->time) printf("%.1f ms\n", now() - start);
  for (const Diag *d = diags->first; d; d = d->next) {
    if (d->level != LEVEL_ERROR) continue;
    fprintf(stderr, "%s: %s: %s\n", argv[1], diag_info[d->code].code, d->message);
    for (size_t i = 0; i < d->n_notes; i++)
      fprintf(stderr, "  %s\n", d->notes[i]);
  }
  if (done) write_file(argv[2], &out);
  arena_free(t->arena);
  return done ? 0 : 1;
}
