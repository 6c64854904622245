/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The translation check for a Model that was not lifted: in, a Model whose reader knew layers, and
 * the graph of the same file; out, the Model, proved. */
#include "import/lift/lift.h"

#include <string.h>

static Port *port_named(const Model *model, const char *name) {
  for (int i = 0; i < model->n_in; i++)
    if (strcmp(model->in[i]->name, name) == 0) return model->in[i];
  return NULL;
}

/* Time, as the inputs of the model have it. */
static Time time_of(const Model *model) {
  for (int i = 0; i < model->n_in; i++)
    if (type_is_sequence(&model->in[i]->value->type)) return model->in[i]->value->type.time;
  return (Time){.kind = TIME_NONE};
}

/* Inputs by name, outputs in order; the states that a stream keeps are neither. False after
 * reporting. */
static bool match_ports(Lift *l) {
  const Graph *graph = l->flat->graph;
  const Model *model = l->foreign->model;
  int matched = 0;
  l->placed = ARENA_ARRAY(l->arena, Placed, graph->n_values + 1);
  l->delivered = ARENA_ARRAY(l->arena, bool, graph->n_out + 1);
  for (int i = 0; i < l->flat->n_file_in; i++) {
    const Port *port = port_named(model, graph->in[i].name);
    if (port) l->placed[graph->in[i].value->id].value = port->value;
    matched += port != NULL;
  }
  for (int o = 0; o < l->flat->n_file_out && o < model->n_out; o++)
    l->delivered[o] = true;
  bool all = l->time.kind == TIME_STREAM ? model->n_out <= l->flat->n_file_out
                                         : model->n_out == l->flat->n_file_out;
  if (all && matched == model->n_in) return true;
  foreign_report(l->diags, l->file, E905,
                 "the imported model has %d inputs and %d outputs where the graph of the file has "
                 "%d and %d: nothing was written",
                 model->n_in, model->n_out, l->flat->n_file_in, l->flat->n_file_out);
  return false;
}

Foreign *lift_verify(Foreign *foreign, const Graph *graph, const ImportOptions *options,
                     Diags *diags) {
  if (!foreign_finish(foreign, options, diags)) return NULL;
  foreign->finished = true;
  if (options->unchecked) {
    foreign_note(foreign, "not checked against the graph of the file");
    return foreign;
  }
  Lift *l = ARENA_NEW(foreign->arena, Lift);
  *l = (Lift){.arena = foreign->arena,
              .file = foreign->file,
              .options = options,
              .diags = diags,
              .graph = graph,
              .foreign = foreign};
  if (!lift_analyse(l)) return NULL;
  l->time = time_of(foreign->model);
  return match_ports(l) && lift_check(l) ? foreign : NULL;
}
