/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A module of WebAssembly and the files around it; see emit_wasm.h. */
#include "driver/emit_wasm.h"

#include "backend/wasm.h"
#include "driver/version.h"

#include <string.h>

extern const char *const wasm_runtime[]; /* runtime/wasm/model.js, from cmake/EmbedText.cmake */

void wasm_choose_target(Options *o) {
  if (!o->target) o->target = "wasm-simd";
}

/* The runtime that is the same for every model, and a loader for this one. */
static void add_script(const KirModule *m, const WasmOptions *options, const char *module_name,
                       Text *out) {
  text_printf(out, "// %s. Written by %s; changes are lost.\n", m->name, options->compiler);
  for (const char *const *line = wasm_runtime; *line; line++)
    text_add(out, *line);
  text_add(out, "\n/** The model, from the module beside this file unless another source is given. "
                "*/\nexport function load(source = new URL(");
  text_add_json(out, module_name);
  text_add(out,
           ", import.meta.url), weights = undefined) {\n  return loadModel(source, weights);\n}\n");
}

bool wasm_make(Session *s, const KirModule *m, const char *out, WasmFiles *files) {
  static const char ending[] = ".wasm";
  bool to_stdout = strcmp(out, "-") == 0;
  if (!to_stdout && !text_ends(out, ending)) {
    session_error(s, "`--emit=wasm` writes NAME.wasm, NAME.js and NAME.d.ts: -o must end in .wasm");
    s->usage_trouble = true;
    return false;
  }
  WasmOptions options = {.compiler = "grus " GRUS_VERSION};
  *files = (WasmFiles){text_new(s->arena), text_new(s->arena), text_new(s->arena), NULL, NULL};
  const char *why = backend_wasm(m, &options, &files->module);
  if (why) {
    session_error(s,
                  "`%s` for %s cannot become WebAssembly: %s; use `--target wasm-simd`, which has "
                  "vectors of 4 lanes, or `--target generic`",
                  m->name, s->machine.name, why);
    s->usage_trouble = true;
    return false;
  }
  if (to_stdout) return true;
  size_t stem = strlen(out) - (sizeof ending - 1);
  const char *slash = strrchr(out, '/');
  files->script_path = arena_printf(s->arena, "%.*s.js", (int)stem, out);
  files->types_path = arena_printf(s->arena, "%.*s.d.ts", (int)stem, out);
  add_script(m, &options, slash ? slash + 1 : out, &files->script);
  backend_wasm_types(m, &options, &files->types);
  return true;
}
