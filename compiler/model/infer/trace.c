/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* "How the shape got here": the walk from a value back to the inputs, as rows of a diagnostic.
 * In: a value of a (partly) typed model. Out: a row for each stage, inputs first, each stage once,
 * with a note where it changed more than its rule says. */
#include "model/infer/infer_rule.h"

#include <string.h>

/* The walk back is bounded, so that a report in a chain of many thousand stages costs no more than
 * one in a short chain; the code of a row is cut, since a sum may be any number of pipelines. */
enum { TRACE_ROWS = 8, TRACE_WALK = 128, TRACE_CODE = 60, TRACE_PARTS = 8 };

typedef struct TraceRow {
  const Value *value;
  const Value *from; /* the value before it in the chain; NULL: an input */
} TraceRow;

typedef struct ShapeTrace {
  Arena *arena;
  const Sources *sources;
  bool with_rate;
  bool over; /* the walk of this value was cut short */
  bool more; /* one of them was: there are earlier stages */
  const Value *seen[TRACE_WALK];
  int n_seen;
  TraceRow row[TRACE_WALK];
  int n;
} ShapeTrace;

/* Where the width of a joined value came from: the name of what was joined. */
static const char *part_name(const ShapeTrace *t, const Value *v) {
  const Value *origin = v;
  while (origin->layer &&
         (origin->layer->kind == LAYER_repeat || origin->layer->kind == LAYER_delay))
    origin = origin->layer->in[0];
  if (origin->layer && origin->layer->kind == LAYER_onehot) {
    const Value *index = origin->layer->in[0];
    const char *type = arena_printf(t->arena, "index(%lld)", (long long)index->type.categories);
    return index->name ? arena_printf(t->arena, "%s `%s`", type, index->name) : type;
  }
  if (v->name) return arena_printf(t->arena, "`%s`", v->name);
  return v->layer ? arena_printf(t->arena, "`%s`", layer_text(t->arena, t->sources, v->layer))
                  : "a value";
}

/* "7 = 3 from `sensors` + 4 from index(4) `site`" */
static const char *concat_note(const ShapeTrace *t, const Layer *layer) {
  if (layer->n_in > TRACE_PARTS) return NULL;
  const Type *type = &layer->out[0]->type;
  Text text = text_new(t->arena);
  text_printf(&text, "%lld = ", (long long)type->dim[layer->along[0].axis].n);
  for (int i = 0; i < layer->n_in; i++) {
    const Type *in = &layer->in[i]->type;
    text_printf(&text, "%s%lld from %s", i ? " + " : "", (long long)in->dim[layer->along[0].axis].n,
                part_name(t, layer->in[i]));
  }
  return text_str(&text);
}

/* Stages that slide over time: how many values they made of how many steps. */
static const char *window_note(const ShapeTrace *t, const Layer *layer) {
  if (layer->n_along && !layer_time(layer)) return NULL;
  const Time *in = &layer->in[0]->type.time, *out = &layer->out[0]->type.time;
  long long size =
      (long long)layer_size(layer, layer->kind == LAYER_Conv1D ? OPT_kernel : OPT_size, 1);
  long long span = (size - 1) * (long long)layer_size(layer, OPT_dilation, 1) + 1;
  long long step = (long long)layer_size(layer, layer->kind == LAYER_frames ? OPT_hop : OPT_stride,
                                         layer->kind == LAYER_Conv1D ? 1 : size);
  PadKind padding = layer->n_along ? layer_time(layer)->padding.kind : PAD_VALID;
  if (padding == PAD_ZEROS) return NULL;
  if (padding != PAD_VALID) span = 1; /* as many as without a kernel */
  if (in->kind == TIME_STREAM && step > 1)
    return arena_printf(t->arena, "one value in %lld steps", step);
  if (in->kind == TIME_BOUNDED && in->length != out->length)
    return arena_printf(t->arena, "(%s - %lld) / %lld + 1 steps", in->len ? in->len : "n", span,
                        step);
  if (in->kind != TIME_FIXED || in->n == out->n) return NULL;
  return arena_printf(t->arena, "(%lld - %lld) / %lld + 1 = %lld", (long long)in->n, span, step,
                      (long long)out->n);
}

static const char *end_note(const ShapeTrace *t, const Layer *layer, const Type *in) {
  if (layer->n_along > 1) return "axes end here";
  if (layer_time(layer)) return "time ends here";
  return arena_printf(t->arena, "`%s` ends here", axis_name(t->arena, in, layer->along[0].axis));
}

static const char *row_note(const ShapeTrace *t, const Value *v) {
  const Layer *layer = v->layer;
  if (!layer || v->field || !layer->n_in) return NULL;
  LayerKind kind = layer->kind;
  const Type *in = &layer->in[0]->type;
  if (kind == LAYER_flatten)
    return type_is_sequence(in) ? "time becomes part of the features" : NULL;
  if (layer_info(kind)->flags & ENDS) return end_note(t, layer, in);
  if (kind == LAYER_Dense) return type_is_sequence(in) ? "runs once per step" : NULL;
  if (kind == LAYER_concat) return concat_note(t, layer);
  if (kind == LAYER_expand) return "one step";
  bool windows = kind == LAYER_Conv1D || kind == LAYER_frames || kind == LAYER_max_pool ||
                 kind == LAYER_mean_pool;
  return windows ? window_note(t, layer) : NULL;
}

static const char *code_cut(Arena *arena, const char *code) {
  size_t n = TRACE_CODE - 3;
  if (strlen(code) <= TRACE_CODE) return code;
  while (n && ((unsigned char)code[n] & 0xC0) == 0x80)
    n--;
  return arena_printf(arena, "%.*s...", (int)n, code);
}

static const char *row_code(const ShapeTrace *t, const Value *v) {
  if (!v->layer) return arena_printf(t->arena, "in %s", v->name ? v->name : "?");
  const char *text = code_cut(t->arena, layer_text(t->arena, t->sources, v->layer));
  if (span_valid(v->layer->pipe)) text = arena_printf(t->arena, "|> %s", text);
  return v->field ? arena_printf(t->arena, "%s, .%s", text, v->field) : text;
}

static const char *row_shape(const ShapeTrace *t, const Value *v) {
  Text text = text_new(t->arena);
  text_add_type(&text, &v->type, t->with_rate);
  const char *s = text_str(&text), *axes = strchr(s, '[');
  return v->type.elem == ELEM_F32 && axes ? axes : s;
}

static void trace_row(Diag *d, const ShapeTrace *t, const Value *v) {
  Span at = v->layer ? v->layer->span : v->port ? v->port->span : v->span;
  diag_step(d, at, row_code(t, v), row_shape(t, v), row_note(t, v));
}

/* Marks v as visited; false if it was, or if the walk of `limit` values is over. */
static bool visit(ShapeTrace *t, const Value *v, int limit) {
  for (int i = t->n_seen - 1; i >= 0; i--)
    if (t->seen[i] == v) return false;
  t->over |= t->n_seen >= limit;
  if (!t->over) t->seen[t->n_seen++] = v;
  return !t->over;
}

/* Post-order: what a value was made of comes before it. */
static void collect(ShapeTrace *t, const Value *v, int limit) {
  struct Frame {
    const Value *value;
    int next;
  } stack[TRACE_WALK];
  int n = 0;
  t->over = false;
  if (visit(t, v, limit)) stack[n++] = (struct Frame){v, 0};
  while (n) {
    struct Frame *top = &stack[n - 1];
    const Layer *layer = top->value->layer;
    const OptVal *along = layer ? layer_opt(layer, OPT_along) : NULL;
    int inputs = layer ? layer->n_in + (along && along->value) : 0;
    if (top->next == inputs || t->over) {
      t->row[t->n++] = (TraceRow){top->value, layer && layer->n_in ? layer->in[0] : NULL};
      n--;
      continue;
    }
    const Value *in = top->next < layer->n_in ? layer->in[top->next] : along->value;
    top->next++;
    if (in && in->typed && visit(t, in, limit)) stack[n++] = (struct Frame){in, 0};
  }
  t->more |= t->over;
}

/* Whether a row shows no change: its axes are those of the value before it. */
static bool row_keeps_shape(const TraceRow *row) {
  if (!row->from || row->value->field) return false;
  const Type *a = &row->value->type, *b = &row->from->type;
  return time_equal(&a->time, &b->time) && dims_equal(a, b);
}

/* At most TRACE_ROWS: first those that keep the shape go, then the middle; where the walk ended
 * before the inputs, all but the end. */
static void emit(Diag *d, const ShapeTrace *t) {
  int kept = 0;
  bool cut = t->n > TRACE_ROWS;
  const Value *show[TRACE_WALK];
  for (int i = 0; i < t->n; i++)
    if (!cut || i == t->n - 1 || !row_keeps_shape(&t->row[i])) show[kept++] = t->row[i].value;
  int head = t->more ? 0 : kept <= TRACE_ROWS ? kept : 2;
  int room = TRACE_ROWS - head - 1, rest = kept - head;
  int tail = rest == 0 ? 0 : rest < room ? rest : room;
  for (int i = 0; i < head; i++)
    trace_row(d, t, show[i]);
  if (t->more)
    diag_step(d, span_none(), "...", "(earlier stages not shown)", NULL);
  else if (head + tail < kept)
    diag_step(d, span_none(), "...",
              arena_printf(t->arena, "(%d stages not shown)", kept - head - tail), NULL);
  for (int i = kept - tail; i < kept; i++)
    trace_row(d, t, show[i]);
}

void trace_values(Diag *diag, const Model *model, int n, const Value *const *values,
                  bool with_rate) {
  ShapeTrace t = {
      .arena = diag->diags->arena, .sources = diag->diags->sources, .with_rate = with_rate};
  (void)model;
  for (int i = 0; i < n; i++)
    if (values[i]->typed) collect(&t, values[i], (i + 1) * TRACE_WALK / n);
  emit(diag, &t);
}

void diag_trace_value(Diag *diag, const Model *model, const Value *value) {
  trace_values(diag, model, 1, &value, false);
}
