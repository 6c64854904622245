/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The inputs of a graph as inputs of a model: which axis is the batch, which is time. A file does
 * not say so; there are a few customs:
 *
 *   batch first     [batch, time, features...]
 *   time first      [time, batch, features...]
 *   channels first  [batch, features, time]
 *   no time         [batch, features...] */
#include "import/onnx.h"

#include <string.h>

/* The length taken for a time axis that the file leaves open, while the graph is followed. */
enum { OPEN_STEPS = 23 };

static bool is_whole(int elem) {
  return elem == 6 || elem == 7;
}

static int time_axis(const OnnxPort *p, OnnxLayout layout) {
  bool index = is_whole(p->elem);
  if (p->rank == 0) return -1;
  switch (layout) {
  case BATCH_FIRST: return p->rank >= 3 || (index && p->rank == 2) ? 1 : -1;
  case TIME_FIRST: return p->rank >= 2 || index ? 0 : -1;
  case CHANNELS_FIRST: return p->rank == 3 ? 2 : -1;
  default: return -1;
  }
}

static int batch_axis(const OnnxPort *p, OnnxLayout layout) {
  if (layout == TIME_FIRST)
    return p->rank >= 3 || (p->rank == 2 && p->dim[1] == 0 && is_whole(p->elem)) ? 1 : -1;
  return p->rank >= 1 ? 0 : -1;
}

/* The axis of another input that is the batch: it has the same name, or the same size. */
static int batch_like(const OnnxPort *p, const OnnxPort *first, OnnxLayout layout, bool is_state) {
  int axis = batch_axis(first, layout), own = -1;
  if (axis < 0 || p == first) return axis;
  for (int i = p->rank; i-- > 0;) {
    if (is_state && own == 1) break; /* [layers, batch, units] */
    bool same = first->dim[axis] ? p->dim[i] == first->dim[axis] && p->dim[i] > 1
                                 : p->dim[i] == 0 && strcmp(p->symbol[i], first->symbol[axis]) == 0;
    if (same && (own < 0 || i <= 1)) own = i;
  }
  return own;
}

/* ---- inputs that are start states ---- */

enum { READ_AS_STATE = 1, READ_OTHERWISE = 2 };

static void note_read(Onnx *onnx, Map *reads, const char *name, int how) {
  int *so_far = map_get(reads, name);
  if (!so_far) map_put(onnx->arena, reads, name, so_far = ARENA_NEW(onnx->arena, int));
  *so_far |= how;
}

/* Whether all that reads the input are start states of recurrent nodes, be it by way of nodes that
 * move elements. */
static bool is_start_state(Onnx *onnx, const OnnxPort *p) {
  static const char moving[] = " Slice Split Gather Squeeze Unsqueeze Reshape Transpose Identity ";
  static const char recurrent[] = " LSTM GRU RNN ";
  const OnnxGraph *g = onnx->graph;
  Map *reads = &onnx->reads;
  for (int i = 0; i < g->n_out && !onnx->reads_known; i++)
    note_read(onnx, reads, g->out[i].name, READ_OTHERWISE);
  for (int i = g->n_nodes; i-- > 0 && !onnx->reads_known;) {
    const OnnxNode *n = &g->node[i];
    int through = 0;
    for (int k = 0; k < n->n_out; k++) {
      const int *of = map_get(reads, n->out[k]);
      through |= of ? *of : 0;
    }
    for (int k = 0; k < n->n_in; k++) {
      bool start = onnx_is_among(recurrent, n->op) && (k == 5 || k == 6);
      note_read(onnx, reads, n->in[k],
                start                                    ? READ_AS_STATE
                : k == 0 && onnx_is_among(moving, n->op) ? through
                                                         : READ_OTHERWISE);
    }
  }
  onnx->reads_known = true;
  const int *how = map_get(reads, p->name);
  return how && *how == READ_AS_STATE;
}

/* An open axis of an input beside the first one, where no axis of it is that input's batch: the
 * same batch by another name. Not if it has the name of that input's time. */
static bool is_other_batch(const OnnxPort *p, const OnnxPort *first, OnnxLayout layout, int axis,
                           int batch) {
  int time = time_axis(first, layout);
  return p != first && batch < 0 && axis <= 1 &&
         (time < 0 || !*p->symbol[axis] || strcmp(p->symbol[axis], first->symbol[time]) != 0);
}

/* The shape of an input as the graph is to see it. False: the layout does not fit. */
static bool input_shape(Onnx *onnx, const OnnxPort *p, OnnxLayout layout, int64_t *dim, int *time,
                        bool *open) {
  const OnnxPort *first = &onnx->graph->in[0];
  bool is_state = p != first && is_start_state(onnx, p);
  int batch = batch_like(p, first, layout, is_state);
  if (batch >= 0 && p->dim[batch] > 1 && !onnx->batch_is_free) batch = -1; /* a size of its own */
  bool is_main = p == first || (p->rank == first->rank && !is_state);
  *time = is_main || is_whole(p->elem) ? time_axis(p, layout) : -1;
  if (*time == batch) *time = -1;
  *open = false;
  for (int i = 0; i < p->rank; i++) {
    dim[i] = p->dim[i];
    if (i == batch) {
      onnx->unsure |= is_main && dim[i] != 1 && (*time < 0 ? onnx->has_time : p->dim[*time] == 1);
      onnx->open_batch |= !p->dim[i];
      dim[i] = onnx->many_samples && !p->dim[i] ? ONNX_SAMPLES : 1;
    } else if (i == *time && p == first && dim[i] == 1 && onnx->confirming)
      dim[i] = 2;
    else if (i == *time && !dim[i])
      dim[i] = OPEN_STEPS, *open = true;
    else if (!dim[i] && is_other_batch(p, first, layout, i, batch))
      dim[i] = 1;
    if (dim[i]) continue;
    Diag *d = foreign_report(onnx->diags, onnx->file, E904,
                             "input `%s` does not say how long its axis %d%s%s%s is", p->name, i,
                             *p->symbol[i] ? " (`" : "", p->symbol[i], *p->symbol[i] ? "`)" : "");
    diag_note(d, "only the batch and time may be left open");
    return false;
  }
  return true;
}

static void refuse_elements(Onnx *onnx, const OnnxPort *p) {
  static const struct {
    int type;
    const char *name, *note;
  } known[] = {
      {2, "uint8", "a quantised model: import the float model it was made from"},
      {3, "int8", "a quantised model: import the float model it was made from"},
      {9, "bool", "masks belong into the program that calls"},
      {10, "float16", "export it in float32: grus stores weights in 16 bits with `precision f16`"},
      {11, "float64", "export it in float32: `model.float()`"},
      {16, "bfloat16",
       "export it in float32: grus stores weights in 16 bits with `precision bf16`"}};
  const char *name = arena_printf(onnx->arena, "type %d of the format", p->elem), *note = NULL;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].type == p->elem) name = known[i].name, note = known[i].note;
  Diag *d = foreign_report(onnx->diags, onnx->file, E902,
                           "input `%s` has elements of %s, and grus takes float32, int32 and int64",
                           p->name, name);
  if (note) diag_note(d, "%s", note);
}

bool onnx_input(Onnx *onnx, int number, OnnxLayout layout) {
  const OnnxPort *p = &onnx->graph->in[number];
  int64_t dim[ONNX_MAX_RANK] = {0}, features[ONNX_MAX_RANK] = {0};
  int time = -1, rank = 0;
  bool open = false;
  if (p->rank < 0) {
    foreign_report(onnx->diags, onnx->file, E904, "input `%s` has no shape", p->name);
    return false;
  }
  if (p->elem != 1 && !is_whole(p->elem)) {
    refuse_elements(onnx, p);
    return false;
  }
  if (!input_shape(onnx, p, layout, dim, &time, &open)) return false;
  OnnxTensor *whole = onnx_tensor_new(onnx, p->rank, dim); /* of a size that can be computed with */
  if (!whole) return false;
  *onnx->left += whole->count;
  int64_t in_front = 1;
  for (int i = 0; i < time; i++)
    in_front *= dim[i];
  if (in_front > 1 && layout != CHANNELS_FIRST)
    return foreign_report(onnx->diags, onnx->file, E902, "input `%s` has axes in front of time",
                          p->name),
           false;
  if (in_front > 1)
    foreign_note(onnx->foreign,
                 "input `%s` has its time axis in front; in the file it is axis %d of %s", p->name,
                 time, onnx_dims(onnx->arena, p->rank, dim));
  for (int i = 0; i < p->rank; i++)
    if (i != time && dim[i] != 1) {
      if (rank == TYPE_MAX_AXES - 1)
        return foreign_report(onnx->diags, onnx->file, E902,
                              "input `%s` has more axes than grus has", p->name),
               false;
      features[rank++] = dim[i];
    }
  if (!rank) features[rank++] = 1;
  Time none = {.kind = TIME_NONE}, fixed = {.kind = TIME_FIXED, .n = time >= 0 ? dim[time] : 1};
  onnx->port[number] =
      model_input(onnx->model, p->name, foreign_type(time >= 0 ? fixed : none, rank, features));
  int source = onnx_source(onnx, onnx->port[number]->value, fixed.n, time >= 0, rank, features);
  onnx->source[source].input = number;
  onnx->source[source].is_index = is_whole(p->elem);
  OnnxTensor *t = onnx_references(onnx, source, p->rank, dim, time);
  if (!t) return false;
  t->name = p->name;
  onnx->input[number] = t;
  onnx->open_time |= open;
  map_put(onnx->arena, &onnx->tensor, p->name, t);
  return true;
}

/* Inputs that became state are no ports any more. */
void onnx_drop_inputs(Onnx *onnx) {
  Model *m = onnx->model;
  int n = 0, values = 0;
  for (int i = 0; i < onnx->graph->n_in; i++)
    if (onnx->port[i]) m->in[n++] = onnx->port[i];
  if (n == m->n_in) return;
  m->n_in = n;
  for (int i = 0; i < m->n_values; i++) {
    Value *v = m->value[i];
    bool there = v->layer != NULL;
    for (int k = 0; k < n && !there; k++)
      there = m->in[k]->value == v;
    if (!there) continue;
    v->id = values;
    m->value[values++] = v;
  }
  m->n_values = values;
}
