/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whether the names of a model can be names in C: parameters are called like the inputs and
 * outputs, macros like them in capitals. */
#include "driver/interface.h"

#include "base/map.h"
#include "base/names.h"

#include <stdint.h>
#include <string.h>

static void check_name(const char *name, Span span, const char *what, Diags *diags) {
  const char *reserved = name_taken_in_c(name);
  if (!reserved) return;
  Diag *d = diag_new(diags, E803, span, "`%s` cannot be %s: it is %s", name, what, reserved);
  diag_primary(d, "becomes a name in C");
  diag_fix(d, FIX_MAYBE, "rename it, for instance to `%s_`", name);
}

/* Macros begin with the model's name in capitals, and GRUS_ is the runtime's. */
static void check_model_name(const Model *model, Diags *diags) {
  if (strcmp(text_upper(diags->arena, model->name), "GRUS") != 0) return;
  Diag *d = diag_new(
      diags, E803, model->name_span,
      "`%s` cannot be the name of a model: its macros would have the names of the runtime's macros",
      model->name);
  diag_fix(d, FIX_MAYBE, "rename it, for instance to `%s_model`", model->name);
}

void interface_check(const Model *model, Diags *diags) {
  check_model_name(model, diags);
  int n = model->n_in + model->n_out;
  Map macros = {0}; /* Port, by its name in capitals */
  for (int i = 0; i < n; i++) {
    bool in = i < model->n_in;
    const Port *port = in ? model->in[i] : model->out[i - model->n_in];
    check_name(port->name, port->name_span, in ? "the name of an input" : "the name of an output",
               diags);
    const char *macro = text_upper(diags->arena, port->name);
    const Port *other = map_get(&macros, macro);
    if (!other) map_put(diags->arena, &macros, macro, (void *)(uintptr_t)port);
    if (!other || strcmp(port->name, other->name) == 0) continue;
    Diag *d =
        diag_new(diags, E803, port->name_span, "`%s` and `%s` differ only in upper and lower case",
                 other->name, port->name);
    diag_primary(d, "their macros in C would have the same name");
    diag_label(d, other->name_span, "the other");
    diag_fix(d, FIX_MAYBE, "rename one of them");
  }
  for (int i = 1; i < model->n_lengths; i++)
    if (model->length[i].name)
      check_name(model->length[i].name, model->name_span, "the name of a length", diags);
}
