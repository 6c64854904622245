/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The way out where nothing near a node works: the part of the model before it, or the one after
 * it, is imported, and the program computes the node. In, a node that cannot be read; out, the call
 * in Python that writes that part. */
#include "import/read/onnx/reader.h"

#include <string.h>

enum { LISTED = 4 };

static bool is_input(const OnnxReader *r, const GraphValue *value) {
  for (int i = 0; i < r->graph->n_in; i++)
    if (r->graph->in[i].value == value) return true;
  return false;
}

/* The inputs of the model, as a list of Python; short of that for many. */
static const char *inputs(const OnnxReader *r) {
  Text list = text_new(r->arena);
  if (r->graph->n_in > LISTED) return "INPUTS";
  for (int i = 0; i < r->graph->n_in; i++)
    text_printf(&list, "%s\"%s\"", i ? ", " : "[", r->graph->in[i].name);
  text_add(&list, "]");
  return text_str(&list);
}

static const char *extract(const OnnxReader *r, const char *from, const char *to) {
  return arena_printf(r->arena, "`onnx.utils.extract_model(\"%s\", \"part.onnx\", %s, [\"%s\"])`",
                      r->file->path, from, to);
}

/* The call of Python that writes the part before the node; NULL: there is none. */
static const char *part_before(const OnnxCall *c) {
  const OnnxReader *r = c->reader;
  if (c->scope->graph != r->graph || c->scope->caller) return NULL;
  for (size_t k = 0; k < c->node->n_input; k++) {
    const GraphValue *value = map_get(&c->scope->names, c->node->input[k]);
    if (value && !value->constant && !is_input(r, value))
      return extract(r, inputs(r), c->node->input[k]);
  }
  return NULL;
}

const char *onnx_cut(const OnnxCall *c) {
  const OnnxReader *r = c->reader;
  const char *before = part_before(c);
  if (before)
    return arena_printf(
        r->arena, "import the part before it, %s, and compute the rest in your program", before);
  if (c->scope->graph != r->graph || c->scope->caller)
    return "cut the model before the loop, branch or function that holds it "
           "(`onnx.utils.extract_model`), and compute the rest in your program";
  const char *result = c->node->n_output ? c->node->output[0] : "";
  const OnnxBody *g = r->model->graph;
  for (size_t i = 0; i < g->n_output; i++)
    if (strcmp(g->output[i]->name, result) == 0)
      return arena_printf(r->arena,
                          "compute `%s` in your program, and leave it out of the model: "
                          "`onnx.utils.extract_model` writes a part",
                          result);
  return arena_printf(r->arena, "compute it in your program, and import the part after it: %s",
                      extract(r, arena_printf(r->arena, "[\"%s\"]", result),
                              g->n_output ? g->output[0]->name : ""));
}

typedef struct Unread {
  const char *domain;
  const char *names; /* with blanks around each; NULL: all of the domain */
  const char *help;
} Unread;

static const Unread unread[] = {
#define ONNX_UNREAD(domain, names, help) {domain, names, help},
#include "import/read/onnx/onnx_unread.def"
#undef ONNX_UNREAD
};

bool onnx_unknown(const OnnxCall *c) {
  const OnnxReader *r = c->reader;
  const char *domain = onnx_is_standard(c->node->domain) ? "" : c->node->domain, *help = NULL,
             *word = arena_printf(r->arena, " %s ", c->node->op_type);
  Diag *d = foreign_report(r->diags, r->file, E902, "node `%s`: operator `%s` is not supported",
                           c->emit->name, c->node->op_type);
  if (*domain) diag_note(d, "it is of the domain `%s`, not of ONNX itself", domain);
  for (size_t i = 0; !help && i < sizeof unread / sizeof *unread; i++)
    if (strcmp(unread[i].domain, domain) == 0 &&
        (!unread[i].names || strstr(unread[i].names, word)))
      help = unread[i].help;
  diag_fix(d, FIX_MAYBE, "%s", help ? help : onnx_cut(c));
  if (help && strcmp(domain, "com.microsoft") == 0) diag_fix(d, FIX_MAYBE, "%s", onnx_cut(c));
  return false;
}
