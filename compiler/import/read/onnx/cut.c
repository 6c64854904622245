/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What to do about an operator that cannot be read: the nearest one that can, or else the names of
 * the tensors where the model is cut. In, a node; out, a help. */
#include "import/read/onnx/reader.h"

#include <string.h>

enum { LISTED = 4 }; /* of more inputs, no list is given */

static bool is_input(const OnnxReader *r, const GraphValue *value) {
  for (int i = 0; i < r->graph->n_in; i++)
    if (r->graph->in[i].value == value) return true;
  return false;
}

static void add_name(Text *list, const char *name) {
  text_printf(list, "%s\"%s\"", list->len ? ", " : "", name);
}

static bool is_output(const OnnxBody *g, const char *name) {
  for (size_t i = 0; i < g->n_output; i++)
    if (strcmp(g->output[i]->name, name) == 0) return true;
  return false;
}

const char *onnx_cut(const OnnxCall *c) {
  const OnnxReader *r = c->reader;
  const OnnxNode *node = c->node;
  const OnnxBody *g = r->model->graph;
  if (c->scope->graph != r->graph || c->scope->caller)
    return "cut the model before the loop, branch or function that holds it "
           "(`onnx.utils.extract_model`), and compute the rest in your program";
  Text in = text_new(r->arena), out = in, operands = in, results = in;
  bool is_last = true, few = r->graph->n_in <= LISTED;
  for (size_t k = 0; k < g->n_output; k++)
    add_name(&out, g->output[k]->name);
  for (size_t k = 0; k < node->n_output; k++) {
    if (!*node->output[k]) continue;
    add_name(&results, node->output[k]);
    is_last = is_last && is_output(g, node->output[k]);
  }
  for (int k = 0; k < r->graph->n_in; k++) {
    add_name(&in, r->graph->in[k].name);
    add_name(&results, r->graph->in[k].name); /* other nodes may read it */
  }
  for (size_t k = 0; k < node->n_input; k++) {
    const GraphValue *value = map_get(&c->scope->names, node->input[k]);
    if (value && !value->constant && !is_input(r, value)) add_name(&operands, node->input[k]);
  }
  if (!operands.len && is_last)
    return arena_printf(r->arena,
                        "compute `%s` in your program, and leave it out of the model: "
                        "`onnx.utils.extract_model` writes a part",
                        node->n_output ? node->output[0] : c->emit->name);
  return foreign_way_out(r->file, &(ForeignNode){.name = c->emit->name,
                                                 .inputs = few ? text_str(&in) : NULL,
                                                 .outputs = text_str(&out),
                                                 .operands = text_str(&operands),
                                                 .results = few ? text_str(&results) : NULL,
                                                 .is_first = !operands.len});
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
