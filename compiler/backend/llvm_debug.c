/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Line tables: each instruction points at the line of the model its layer stands on. Helpers have
 * none; inlined, they belong to the line that calls them. */
#include "backend/llvm_internal.h"

#include <string.h>

static LLVMMetadataRef file_of(LlvmWriter *w, const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  size_t dir = slash ? (size_t)(slash - path) : 1;
  return LLVMDIBuilderCreateFile(w->debug, name, strlen(name), slash ? path : ".", dir);
}

static LLVMMetadataRef debug_file(LlvmWriter *w, uint32_t id) {
  const Source *source = w->m->sources ? sources_get(w->m->sources, id) : NULL;
  if (!source) return NULL;
  if (!w->debug_file[id]) w->debug_file[id] = file_of(w, source->path);
  return w->debug_file[id];
}

static void module_flag(LlvmWriter *w, const char *name, unsigned value) {
  LLVMAddModuleFlag(w->module, LLVMModuleFlagBehaviorWarning, name, strlen(name),
                    LLVMValueAsMetadata(LLVMConstInt(w->i32, value, false)));
}

/* The first place a function's statements come from. */
static Span first_span(const KirStmt *list) {
  for (const KirStmt *s = list; s; s = s->next) {
    if (span_valid(s->origin.span)) return s->origin.span;
    Span inner = first_span(s->body);
    if (span_valid(inner)) return inner;
  }
  return span_none();
}

void llvm_debug_begin(LlvmWriter *w) {
  size_t n_files = w->m->sources ? w->m->sources->n : 0;
  if (!w->o->debug || n_files == 0) return;
  w->debug = LLVMCreateDIBuilder(w->module);
  w->debug_file = ARENA_ARRAY(w->arena, LLVMMetadataRef, n_files + 1);
  const char *producer = w->o->compiler ? w->o->compiler : "grus";
  bool optimised = w->o->level != '0';
  w->debug_unit = LLVMDIBuilderCreateCompileUnit(
      w->debug, LLVMDWARFSourceLanguageC99, debug_file(w, 1), producer, strlen(producer), optimised,
      "", 0, 0, "", 0, LLVMDWARFEmissionFull, 0, false, false, "", 0, "", 0);
  module_flag(w, "Debug Info Version", LLVMDebugMetadataVersion());
  module_flag(w, "Dwarf Version", 4);
}

void llvm_debug_function(LlvmWriter *w, const KirFunc *f, const char *name) {
  w->debug_scope = NULL;
  if (!w->debug) return;
  LLVMSetCurrentDebugLocation2(w->builder, NULL);
  if (f->kind == KIR_HELPER) return;
  Span span = first_span(f->body);
  uint32_t id = span_valid(span) ? span.file : 1;
  LLVMMetadataRef file = debug_file(w, id);
  unsigned line = span_valid(span)
                      ? source_place(w->m->sources, sources_get(w->m->sources, id), span.begin).line
                      : 1;
  LLVMMetadataRef type = LLVMDIBuilderCreateSubroutineType(w->debug, file, NULL, 0, LLVMDIFlagZero);
  w->debug_scope = LLVMDIBuilderCreateFunction(w->debug, w->debug_unit, name, strlen(name), name,
                                               strlen(name), file, line, type, false, true, line,
                                               LLVMDIFlagPrototyped, w->o->level != '0');
  LLVMSetSubprogram(w->fn, w->debug_scope);
  LLVMSetCurrentDebugLocation2(
      w->builder, LLVMDIBuilderCreateDebugLocation(w->context, line, 0, w->debug_scope, NULL));
}

/* Statements without a place keep that of the ones before them. */
void llvm_debug_at(LlvmWriter *w, KirOrigin origin) {
  LLVMMetadataRef file =
      w->debug_scope && span_valid(origin.span) ? debug_file(w, origin.span.file) : NULL;
  if (!file) return;
  Place at =
      source_place(w->m->sources, sources_get(w->m->sources, origin.span.file), origin.span.begin);
  LLVMMetadataRef scope = w->debug_scope;
  if (LLVMDIScopeGetFile(scope) != file)
    scope = LLVMDIBuilderCreateLexicalBlockFile(w->debug, scope, file, 0);
  LLVMSetCurrentDebugLocation2(
      w->builder, LLVMDIBuilderCreateDebugLocation(w->context, at.line, at.column, scope, NULL));
}

void llvm_debug_end(LlvmWriter *w) {
  if (!w->debug) return;
  LLVMDIBuilderFinalize(w->debug);
  LLVMDisposeDIBuilder(w->debug);
  w->debug = NULL;
}
