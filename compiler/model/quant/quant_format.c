/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Formats of values. In: a bound model with ranges. After: quant->value says how each value is
 * kept, and quant->layer is there for each layer that computes in integers (still without its
 * numbers).
 *
 * A value is in f32 if anything reads it in f32: an output, an initial state, or a stage without an
 * integer form. A field of a recurrent layer is in f32, too. The result of a stage that only moves
 * elements has the format of its input, so f32 spreads backwards through such stages, up to
 * products and bounded functions, which convert their results. All other values are kept in the
 * integers that their readers multiply. */
#include "model/quant/quant_internal.h"

#include <math.h>
#include <string.h>

Diag *quant_report(Quantise *q, DiagCode code, const Layer *layer, const char *message) {
  bool given = layer && layer_has(layer, OPT_precision) && layer_opt(layer, OPT_precision)->given &&
               span_valid(layer_opt(layer, OPT_precision)->span);
  Span at = given ? layer_opt(layer, OPT_precision)->span : layer ? layer->span : q->model->span;
  Diag *d = diag_new(q->diags, code, at, "%s", message);
  if (!given && span_valid(q->model->precision_span))
    diag_label(d, q->model->precision_span, "set for the whole model here");
  q->failed = q->failed || d->level == LEVEL_ERROR;
  return d;
}

/* ---- formats ---- */

QuantFormat quant_format_fraction(int fraction, int bits) {
  int32_t most = bits == 8 ? 127 : 32767;
  return (QuantFormat){.bits = bits,
                       .scale = ldexp(1, -fraction),
                       .low = bits == 8 ? -127 : -32768,
                       .high = most,
                       .inverse = (float)ldexp(1, fraction)};
}

/* A value that was always zero in the data could have any scale. It gets the range -1..1, so that
 * the multipliers to and from the values around it fit 16 bits. */
static void widen_nothing(double *low, double *high) {
  double least = 1e-9;
  if (fmax(-*low, *high) >= least) return;
  *low = -1;
  *high = 1;
}

/* 16 bits go around zero, with headroom for numbers twice as large, because clipping costs much and
 * one bit costs little. 8 bits go from the least to the greatest number. */
QuantFormat quant_format_of_range(double low, double high, int bits, bool headroom) {
  QuantFormat f = {.bits = bits, .low = -32767, .high = 32767};
  widen_nothing(&low, &high);
  if (bits == 8) {
    low = fmin(low, 0);
    high = fmax(high, 0);
    f.low = -128;
    f.high = 127;
    f.scale = (high - low) / 255;
  } else
    f.scale = (headroom ? 2 : 1) * fmax(-low, high) / 32767;
  f.inverse = (float)(1 / f.scale); /* the f32 number that multiplies defines the scale */
  f.scale = 1 / (double)f.inverse;
  if (bits == 8) f.zero = fmin(fmax(nearbyint(-128 - low / f.scale), -128), 127);
  return f;
}

const Range *quant_range(Quantise *q, const char *name, const Layer *layer) {
  static const Range none = {.low = -1, .high = 1};
  const Range *r = q->ranges ? ranges_find(q->ranges, name) : NULL;
  if (r) return r;
  if (q->missing) {
    quant_name(q->model->arena, q->missing, name);
    return &none;
  }
  Diag *d = quant_report(q, E704, layer, arena_printf(q->arena, "no range for `%s`", name));
  diag_primary(d, "computes in integers and needs the range of its values");
  if (q->ranges && q->ranges->path)
    diag_note(d, "`%s` has no range with this name", q->ranges->path);
  diag_fix(d, FIX_MAYBE, "measure it: `grus calibrate MODEL.grus NAME=DATA`");
  return &none;
}

/* ---- readers ---- */

/* Whether a layer reads v as an initial state, or only for its length. */
static bool reads_start(const Layer *layer, const Value *v) {
  const OptVal *init = layer_opt(layer, OPT_init);
  const OptVal *along = layer_opt(layer, OPT_along);
  for (int i = 0; init && i < init->n_values; i++)
    if (init->values[i] == v) return true;
  return along && along->value == v;
}

/* The only layer that reads v, if it has no other input and v is no output; else NULL. */
static const Layer *only_reader(const Model *model, const Value *v) {
  const Layer *reader = NULL;
  if (v->n_uses != 1 || model_has_output(model, v)) return NULL;
  for (int i = 0; i < model->n_layers; i++)
    for (int k = 0; k < model->layer[i]->n_in; k++)
      if (model->layer[i]->in[k] == v) reader = model->layer[i];
  return reader && reader->n_in == 1 ? reader : NULL;
}

/* Notes the BatchNorm and the activation that a Dense or Conv1D computes on its sums: those after
 * it, if nothing else reads their inputs. */
static void absorb(Quantise *q, const Layer *layer) {
  QuantLayer *ql = q->quant->layer[layer->id];
  ql->last = layer;
  const Layer *next = only_reader(q->model, layer->out[0]);
  if (next && next->kind == LAYER_BatchNorm) {
    ql->norm = ql->last = next;
    q->quant->absorber[next->id] = layer;
    next = only_reader(q->model, next->out[0]);
  }
  if (!next || !quant_is_activation(next) || ql->precision == PRECISION_W8) return;
  ql->activation = ql->last = next;
  q->quant->absorber[next->id] = layer;
}

/* Whether all inputs come from integers, or are inputs of a model of integers. */
static bool is_among_integers(const Quantise *q, const Layer *layer) {
  for (int i = 0; i < layer->n_in; i++) {
    const Value *v = layer->in[i];
    if (v->field) return false;
    if (v->port && !quant_is_integer(q->model->precision)) return false;
    if (v->port && v->type.elem != ELEM_F32) return false;
    if (!v->layer) continue;
    const Layer *by = q->quant->absorber[v->layer->id];
    const QuantLayer *from = q->quant->layer[by ? by->id : v->layer->id];
    if (!from || from->precision == PRECISION_W8) return false;
  }
  return true;
}

/* Whether only Dense and recurrent layers read v, which need no zeros around it. */
static bool only_products_read(const Quantise *q, const Value *v) {
  for (int i = 0; i < q->model->n_layers; i++) {
    const Layer *r = q->model->layer[i];
    for (int k = 0; k < r->n_in; k++)
      if (r->in[k] == v && r->kind != LAYER_Dense && quant_kind(r) != QUANT_RECURRENT) return false;
  }
  return true;
}

/* Whether the integers of an input can be the operand of the products after a `normalize`. */
static bool is_port_operand(const Quantise *q, const Layer *layer) {
  Elem e = layer->in[0]->type.elem;
  if (layer_number(layer, OPT_mean, 0) != 0 && !only_products_read(q, layer->out[0])) return false;
  return layer->in[0]->port && (e == ELEM_I8 || e == ELEM_U8 || e == ELEM_I16) &&
         quant_is_integer(q->model->precision) && layer_number(layer, OPT_std, 1) > 0;
}

/* The precision of stages that cannot have one of their own. */
static Precision stage_precision(const Quantise *q) {
  return quant_is_integer(q->model->precision) ? q->model->precision : PRECISION_I16;
}

/* Decides whether a layer computes in integers, as far as it does not depend on later layers. */
static void choose_layer(Quantise *q, const Layer *layer) {
  QuantKind kind = quant_kind(layer);
  Precision p = layer_precision(q->model, layer);
  bool integer = false;
  if (q->quant->absorber[layer->id]) return;
  switch (kind) {
  case QUANT_MATRIX:
  case QUANT_RECURRENT:
  case QUANT_TABLE: integer = quant_is_integer(p) || p == PRECISION_W8; break;
  case QUANT_SAME:
  case QUANT_RESCALE:
    integer = is_among_integers(q, layer);
    p = stage_precision(q);
    break;
  case QUANT_PORT:
    integer = is_port_operand(q, layer);
    p = stage_precision(q);
    break;
  case QUANT_NORM:
  case QUANT_FLOAT: break;
  }
  if (!integer) return;
  QuantLayer *ql = ARENA_NEW(q->arena, QuantLayer);
  ql->precision = p;
  ql->last = layer;
  ql->directions = layer_directions(layer);
  q->quant->layer[layer->id] = ql;
  if (kind == QUANT_MATRIX) absorb(q, layer);
}

/* ---- which values are f32: repeated until nothing changes ---- */

static bool computes_in_integers(const Quantise *q, const Layer *layer) {
  const Layer *by = q->quant->absorber[layer->id];
  const QuantLayer *ql = q->quant->layer[by ? by->id : layer->id];
  return ql && ql->precision != PRECISION_W8;
}

/* Whether a value is f32 because of the layer that makes it or of one that reads it. */
static bool must_be_float(const Quantise *q, const Value *v) {
  const Model *model = q->model;
  if (v->field || model_has_output(model, v)) return true;
  if (v->layer && !computes_in_integers(q, v->layer)) return true;
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *r = model->layer[i];
    if (reads_start(r, v)) return true;
    for (int k = 0; k < r->n_in; k++)
      if (r->in[k] == v && !computes_in_integers(q, r)) return true;
  }
  return false;
}

/* Whether a bounded function reads integers, so that it can give f32 to its readers. */
static bool gives_float(const Layer *layer, const bool *is_float) {
  const Value *in = layer->in[0];
  return quant_is_bounded(layer) && in->layer && !is_float[in->id];
}

/* One round. True if a value or layer became f32. */
static bool spread_float(Quantise *q, bool *is_float) {
  bool changed = false;
  for (int i = 0; i < q->model->n_values; i++)
    if (!is_float[i] && must_be_float(q, q->model->value[i])) is_float[i] = changed = true;
  for (int i = 0; i < q->model->n_layers; i++) {
    const Layer *layer = q->model->layer[i];
    QuantKind kind = quant_kind(layer);
    bool follows = kind == QUANT_SAME || kind == QUANT_RESCALE || kind == QUANT_PORT;
    if (!q->quant->layer[i] || !follows) continue;
    bool in = kind == QUANT_SAME && is_float[layer->in[0]->id];
    if (!is_float[layer->out[0]->id] && !in) continue;
    if (gives_float(layer, is_float)) continue;
    q->quant->layer[i] = NULL;
    changed = true;
  }
  return changed;
}

static bool reads_windows(const Layer *layer) {
  return layer->kind == LAYER_Conv1D || layer->kind == LAYER_Conv2D;
}

/* Whether an input is kept in integers. Convolutions and stages that move elements need that. If
 * only other products read it, each of them converts the rows that it multiplies. */
static bool input_is_kept(const Quantise *q, const Value *v) {
  for (int i = 0; i < q->model->n_layers; i++) {
    const Layer *r = q->model->layer[i];
    for (int k = 0; k < r->n_in; k++)
      if (r->in[k] == v && (reads_windows(r) || quant_kind(r) == QUANT_SAME)) return true;
  }
  return false;
}

/* ---- the format of each ---- */

/* The bits of a value: 8 if all its readers multiply 8 bits, else 16. */
static int value_bits(const Quantise *q, const Value *v, int depth) {
  int bits = 8, readers = 0;
  for (int i = 0; i < q->model->n_layers; i++) {
    const Layer *r = q->model->layer[i];
    for (int k = 0; k < r->n_in; k++) {
      if (r->in[k] != v || !q->quant->layer[i]) continue;
      readers++;
      QuantKind kind = quant_kind(r);
      bool product = kind == QUANT_MATRIX || kind == QUANT_RECURRENT;
      int own = product ? precision_operand_bits(q->quant->layer[i]->precision)
                : kind == QUANT_SAME && depth < q->model->n_layers
                    ? value_bits(q, r->out[0], depth + 1)
                    : 16;
      if (own > bits) bits = own;
    }
  }
  return readers ? bits : 16;
}

static QuantFormat port_format(const Layer *normalize) {
  Elem e = normalize->in[0]->type.elem;
  QuantFormat f = {.bits = e == ELEM_I16 ? 16 : 8, .is_unsigned = e == ELEM_U8};
  f.low = e == ELEM_I16 ? -32768 : e == ELEM_U8 ? 0 : -128;
  f.high = e == ELEM_I16 ? 32767 : e == ELEM_U8 ? 255 : 127;
  f.scale = 1 / layer_number(normalize, OPT_std, 1);
  f.zero = layer_number(normalize, OPT_mean, 0);
  f.inverse = (float)(1 / f.scale);
  return f;
}

static QuantFormat recurrent_format(Quantise *q, const Layer *layer) {
  return quant_format_fraction(quant_state_fraction(q, layer), 16);
}

QuantFormat quant_format_of_table(const Layer *layer, Precision precision) {
  int bits = precision_info[precision].weight_bits;
  int64_t n = layer->in[0]->type.categories * layer_units(layer);
  double most, step = quant_table_grid(layer_role(layer, ROLE_TABLE), n, bits, &most);
  if (step <= 0) step = most / (bits == 8 ? INT8_MAX : INT16_MAX);
  QuantFormat f = quant_format_fraction(0, bits);
  f.low = -f.high;
  f.inverse = (float)(1 / step);
  f.scale = 1 / (double)f.inverse;
  return f;
}

static QuantFormat value_format(Quantise *q, const Value *v) {
  int bits = value_bits(q, v, 0);
  const Layer *layer = v->layer;
  if (layer && q->quant->absorber[layer->id] && quant_is_bounded(layer))
    return quant_format_fraction(15, 16);
  if (layer && !q->quant->absorber[layer->id]) {
    switch (quant_kind(layer)) {
    case QUANT_RECURRENT: return recurrent_format(q, layer);
    case QUANT_TABLE: return quant_format_of_table(layer, layer_precision(q->model, layer));
    case QUANT_PORT: return port_format(layer);
    case QUANT_SAME: return q->quant->value[layer->in[0]->id];
    case QUANT_RESCALE:
      if (quant_is_bounded(layer)) return quant_format_fraction(15, 16);
      break;
    case QUANT_MATRIX:
    case QUANT_NORM:
    case QUANT_FLOAT: break;
    }
  }
  const Range *r = quant_range(q, quant_value_name(v), layer);
  if (bits == 8 && !only_products_read(q, v)) { /* zeros around it are the integer 0 */
    double most = fmax(-r->low, r->high), least = -most;
    widen_nothing(&least, &most);
    QuantFormat f = quant_format_of_range(-most, most, 8, true);
    f.scale = most / 127;
    f.inverse = (float)(1 / f.scale);
    f.scale = 1 / (double)f.inverse;
    f.zero = 0;
    f.low = -127;
    return f;
  }
  return quant_format_of_range(r->low, r->high, bits, true);
}

QuantFormat quant_operand(Quantise *q, const Value *value, Precision precision,
                          const Layer *layer) {
  QuantFormat own = q->quant->value[value->id];
  int bits = precision_operand_bits(precision);
  if (own.bits && own.bits <= bits) return own;
  if (own.bits && bits == 8) { /* the upper half */
    QuantFormat f = {
        .bits = 8, .scale = own.scale * 256, .zero = own.zero / 256, .low = -127, .high = 127};
    f.inverse = (float)(1 / f.scale);
    return f;
  }
  if (value->field || (value->layer && quant_kind(value->layer) == QUANT_RECURRENT)) {
    QuantFormat h = recurrent_format(q, value->layer);
    if (!(value->field && value->field[0] == 'c')) {
      if (bits == 16) return h;
      return quant_format_fraction((int)-log2(h.scale) - 8, 8);
    }
    const Range *r = quant_range(q, arena_printf(q->arena, "%s.c", value->layer->path), layer);
    return quant_format_of_range(r->low, r->high, bits, true);
  }
  const Range *r = quant_range(q, quant_value_name(value), layer);
  return quant_format_of_range(r->low, r->high, bits, true);
}

/* Whether a value exists only as sums, because a BatchNorm or an activation is computed on them. */
static bool is_hidden(const Quantise *q, const Value *v) {
  const Layer *by = q->quant->absorber[v->layer->id];
  const QuantLayer *ql = q->quant->layer[by ? by->id : v->layer->id];
  return ql && ql->last != v->layer;
}

void quantise_formats(Quantise *q) {
  const Model *model = q->model;
  bool *is_float = ARENA_ARRAY(q->arena, bool, model->n_values + 1);
  for (int i = 0; i < model->n_layers; i++)
    choose_layer(q, model->layer[i]);
  while (spread_float(q, is_float)) {
  }
  for (int i = 0; i < model->n_in; i++) {
    const Value *v = model->in[i]->value;
    if (!is_float[v->id] && v->type.elem == ELEM_F32 && input_is_kept(q, v))
      q->quant->value[v->id] = value_format(q, v);
  }
  for (int i = 0; i < model->n_layers; i++) {
    const Value *v = model->layer[i]->out[0];
    if (!is_float[v->id] && !is_hidden(q, v)) q->quant->value[v->id] = value_format(q, v);
  }
}
