/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* kernel_tool FILE.grus OUT_DIR [option...]: writes model.h, model.c and check.c. check.c holds
 * inputs from a fixed generator and what the reference evaluator makes of them; compiled with
 * model.c it compares, prints the greatest error and exits 1 if it is too great. With an argument
 * it prints the bits of every output instead, so that two builds can be compared exactly.
 *
 *   --target=NAME --batch=N --chunk=N --vectors=iso --scratch=static|caller --flat --header
 *   --extern --calls=N (runs, stream calls or windows)   --math=fast
 *   --dump (the KIR, to standard output)
 *   --precision=i8|i16|i16x16|w8, with ranges of the first run (bits, not errors, are what to
 *   compare)
 *   --prototypes --report (to standard output)   --wasm (model.wasm, too) */
#include "kernel_tool.h"

#include "backend/report.h"
#include "backend/wasm.h"
#include "front/front.h"
#include "model/infer/infer.h"
#include "model/quant/observe.h"
#include "model/quant/quant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The model in integers, with ranges as the evaluator shows them. */
static bool quantise(Tool *t, Diags *diags) {
  enum { STEPS = 200 };
  Ranges ranges = {0};
  if (!t->precision) return true;
  for (int i = 0; i < PRECISION_COUNT; i++)
    if (!strcmp(precision_name[i], t->precision)) t->model->precision = (Precision)i;
  EvalRun run = tool_evaluate(t, 0, STEPS * t->model->steps_per_call, 0);
  return !ranges_observe(t->arena, t->model, &run, &ranges) &&
         model_quantise(t->model, &ranges, NULL, diags);
}

/* ---- files ---- */

static void write_file(Tool *t, const char *dir, const char *name, const Text *text) {
  FILE *f = fopen(arena_printf(t->arena, "%s/%s", dir, name), "wb");
  if (!f || fwrite(text_str(text), 1, text->len, f) != text->len || fclose(f)) {
    fprintf(stderr, "kernel_tool: cannot write %s/%s\n", dir, name);
    exit(3);
  }
}

static char *read_file(Tool *t, const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  if (!f) {
    fprintf(stderr, "kernel_tool: cannot read %s\n", path);
    exit(3);
  }
  char *text = arena_alloc(t->arena, 1 << 20);
  *len = fread(text, 1, (1 << 20) - 1, f);
  fclose(f);
  return text;
}

static bool option(Tool *t, const char *arg) {
  const char *v = strchr(arg, '=') ? strchr(arg, '=') + 1 : "";
  if (!strncmp(arg, "--target=", 9)) return (t->lower.target = target_find(v)) != NULL;
  if (!strncmp(arg, "--batch=", 8)) return (t->lower.batch = atoi(v)) > 0;
  if (!strncmp(arg, "--chunk=", 8)) return (t->lower.chunk = atoi(v)) > 0;
  if (!strncmp(arg, "--calls=", 8)) return (t->calls = atoi(v)) > 0;
  if (!strncmp(arg, "--precision=", 12)) return (t->precision = v) != NULL;
  if (!strcmp(arg, "--vectors=iso")) return (t->c.vectors = C_VECTORS_ISO, true);
  if (!strcmp(arg, "--scratch=static")) return (t->c.scratch = C_SCRATCH_STATIC, true);
  if (!strcmp(arg, "--scratch=caller")) return (t->c.scratch = C_SCRATCH_CALLER, true);
  if (!strcmp(arg, "--math=fast")) return (t->lower.math_fast = true);
  if (!strcmp(arg, "--flat")) return (t->c.flat_arrays = true);
  if (!strcmp(arg, "--header")) return (t->header = true);
  if (!strcmp(arg, "--extern")) return (t->lower.weights_extern = true);
  if (!strcmp(arg, "--dump")) return (t->dump = true);
  if (!strcmp(arg, "--report")) return (t->report = true);
  if (!strcmp(arg, "--wasm")) return (t->wasm = true);
  if (!strcmp(arg, "--prototypes")) return (t->prototypes = true);
  return false;
}

static void write_wasm(Tool *t, const char *dir) {
  WasmOptions options = {.compiler = "grus"};
  Text bytes = text_new(t->arena);
  const char *why = backend_wasm(t->kir, &options, &bytes);
  if (why) {
    fprintf(stderr, "kernel_tool: no WebAssembly: %s\n", why);
    exit(1);
  }
  write_file(t, dir, "model.wasm", &bytes);
}

int main(int argc, char **argv) {
  jmp_buf oom;
  if (argc < 3 || setjmp(oom)) return 2;
  Tool tool = {.calls = 4}, *t = &tool;
  t->arena = arena_new(&oom);
  for (int i = 3; i < argc; i++)
    if (!option(t, argv[i])) {
      fprintf(stderr, "kernel_tool: %s?\n", argv[i]);
      return 2;
    }
  Sources sources = {.arena = t->arena};
  Diags *diags = diags_new(t->arena, &sources);
  size_t len;
  char *text = read_file(t, argv[1], &len);
  const char *base = strrchr(argv[1], '/') ? strrchr(argv[1], '/') + 1 : argv[1];
  const Source *source = sources_add(&sources, base, text, len);
  ResolveOptions options = {0};
  Program *program = resolve(t->arena, source, parse(t->arena, source, diags), &options, diags);
  t->model = program->n_models ? program->model[0] : NULL;
  if (t->model && diags->n_errors == 0 && model_infer(t->model, diags)) {
    model_bind_random(t->model, 7);
    if (quantise(t, diags)) t->kir = lower(t->model, &t->lower, t->arena, diags);
  }
  for (const Diag *d = diags->first; d; d = d->next) {
    if (d->level != LEVEL_ERROR) continue;
    fprintf(stderr, "%s: %s: %s\n", base, diag_info[d->code].code, d->message);
    for (size_t i = 0; i < d->n_notes; i++)
      fprintf(stderr, "  %s\n", d->notes[i]);
  }
  if (!t->kir) return 1;
  t->kir->source_path = base;
  t->c.header_name = "model.h";
  Text header = text_new(t->arena), code = text_new(t->arena), shown = text_new(t->arena);
  if (t->header) {
    backend_c_header(t->kir, &t->c, &header);
    text_add(&code, "#include \"model.h\"\n");
  } else
    backend_c(t->kir, &t->c, &header, &code);
  if (t->dump) kir_print(t->kir, &shown);
  if (t->prototypes) backend_c_prototypes(t->kir, &t->c, &shown);
  if (t->report) {
    Report report = report_new(t->kir, t->arena);
    report_text(&report, &shown);
    report_json(&report, &shown);
  }
  fputs(text_str(&shown), stdout);
  t->out = text_new(t->arena);
  tool_write_check(t);
  write_file(t, argv[2], "model.h", &header);
  write_file(t, argv[2], "model.c", &code);
  write_file(t, argv[2], "check.c", &t->out);
  if (t->wasm) write_wasm(t, argv[2]);
  arena_free(t->arena);
  return 0;
}
