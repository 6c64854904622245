/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a layer to the functions of its family, and the comment above its code. */
#include "lower/lower_internal.h"

static const char *recurrent_formula(Lower *l, const Layer *layer) {
  const char *act = layer_word(layer, OPT_activation);
  const char *gate = layer->kind == LAYER_RNN ? "" : layer_word(layer, OPT_gate);
  if (layer->kind == LAYER_RNN) return arena_printf(l->arena, "h' = %s(W x + U h + b)", act);
  if (layer->kind == LAYER_LSTM) {
    const char *out =
        layer_has(layer, OPT_cell_activation) ? layer_word(layer, OPT_cell_activation) : act;
    return arena_printf(
        l->arena,
        "i, f, o = %s(W x + U h + b)   g = %s(W x + U h + b)\nc' = f c + i g   h' = o %s(c')", gate,
        act, out);
  }
  if (layer_word_is(layer, OPT_reset, "before"))
    return arena_printf(l->arena,
                        "z, r = %s(W x + U h + b)   n = %s(W x + b + U (r h))   h' = n + z (h - n)",
                        gate, act);
  return arena_printf(
      l->arena,
      "z, r = %s(W x + U h + b)   n = %s(W x + b + r m)   m = U h + c   h' = n + z (h - n)", gate,
      act);
}

static const char *formula(Lower *l, const Layer *layer) {
  switch (layer->kind) {
  case LAYER_GRU:
  case LAYER_LSTM:
  case LAYER_RNN: return recurrent_formula(l, layer);
  case LAYER_Dense: return "y = W x + b";
  case LAYER_Conv1D: return "y[t] = sum of W[i] x[t * stride + i * dilation] + b";
  case LAYER_LayerNorm: return "y = scale (x - mean) / sqrt(variance + eps) + center";
  case LAYER_BatchNorm: return "y = scale x + shift";
  case LAYER_softmax: return "y = exp(x - max x) / sum of exp(x - max x)";
  default: return NULL;
  }
}

const char *layer_doc(Lower *l, const Layer *layer, const char *text) {
  Text doc = text_new(l->arena);
  const Sources *sources = l->m->sources;
  text_printf(&doc, "%s: %s", layer->path ? layer->path : layer_info(layer->kind)->name,
              l->m->cost[layer->id].text);
  if (span_valid(layer->span) && sources) {
    const Source *s = sources_get(sources, layer->span.file);
    text_printf(&doc, ", line %u", (unsigned)source_place(sources, s, layer->span.begin).line);
  }
  text_add(&doc, "\n");
  text_add_shape(&doc, &layer->in[0]->type);
  text_add(&doc, " -> ");
  text_add_shape(&doc, &layer->out[0]->type);
  int64_t macs = l->m->cost[layer->id].macs, n = domain_of(l, &layer->out[0]->type).n;
  if (macs) {
    text_add(&doc, ", ");
    text_add_thousands(&doc, macs);
    text_add(&doc, n > 1 ? " multiply-adds in all" : " multiply-adds");
  }
  if (text) text_printf(&doc, "\n%s", text);
  for (const Layer *at = l->job[layer->id].tail; at; at = l->job[at->id].tail)
    text_printf(&doc, "\nthen %s%s", l->m->cost[at->id].text,
                at->kind == LAYER_BatchNorm ? ", folded into W and b" : "");
  return text_str(&doc);
}

/* Opens the layer's section; its comment is written when the costs are known, by close_section. */
static KirStmt *open_section(Lower *l, const Layer *layer) {
  KirStmt **at = l->kb.tail;
  kb_section(&l->kb, layer_origin(layer), NULL);
  return *at;
}

static void close_section(Lower *l, const Layer *layer, KirStmt *section) {
  section->doc = layer_doc(l, layer, formula(l, layer));
  kb_end(&l->kb);
}

static void step(Lower *l, const Layer *layer, KirReg *t) {
  switch (layer->kind) {
  case LAYER_GRU:
  case LAYER_LSTM:
  case LAYER_RNN: recurrent_step(l, layer, 0, t); break;
  case LAYER_Dense: dense_step(l, layer, t); break;
  case LAYER_Conv1D: conv_step(l, layer, t); break;
  case LAYER_Embedding: embedding_step(l, layer, t); break;
  case LAYER_LayerNorm:
  case LAYER_BatchNorm:
  case LAYER_prelu: norm_step(l, layer, t); break;
  case LAYER_softmax: softmax_step(l, layer, t); break;
  case LAYER_argmax: argmax_step(l, layer, t); break;
  case LAYER_mean:
  case LAYER_max: over_time_step(l, layer, t); break;
  case LAYER_max_pool:
  case LAYER_mean_pool: pool_step(l, layer, t); break;
  case LAYER_frames: frames_step(l, layer, t); break;
  case LAYER_delay: delay_step(l, layer, t); break;
  case LAYER_concat: concat_step(l, layer, t); break;
  case LAYER_onehot: onehot_step(l, layer, t); break;
  case LAYER_reshape: reshape_private(l, layer); break;
  case LAYER_repeat:
  case LAYER_expand: copy_step(l, layer, t); break;
  default: pointwise_step(l, layer, t); break;
  }
}

void emit_products(Lower *l, const Layer *layer, const HoistBlock *block) {
  kb_section(&l->kb, layer_origin(layer),
             arena_printf(l->arena, "%s: b + W x of the next steps",
                          layer->path ? layer->path : layer_info(layer->kind)->name));
  recurrent_products(l, layer, 0, block);
  kb_end(&l->kb);
}

void emit_step(Lower *l, const Layer *layer, KirReg *t) {
  KirStmt *section = open_section(l, layer);
  step(l, layer, t);
  close_section(l, layer, section);
}

static bool is_recurrent(const Layer *layer) {
  return layer_info(layer->kind)->flags & RECURRENT;
}

static bool is_over_time(const Layer *layer) {
  return layer->kind == LAYER_mean || layer->kind == LAYER_max;
}

void emit_before(Lower *l, const Layer *layer) {
  if (is_recurrent(layer)) recurrent_before(l, layer, 0);
  if (is_over_time(layer)) over_time_before(l, layer);
}

void emit_after(Lower *l, const Layer *layer) {
  if (is_recurrent(layer)) recurrent_fields(l, layer);
  if (is_over_time(layer)) over_time_after(l, layer);
}

/* A recurrent layer that reads backwards: a loop a direction. */
static void recurrent_private(Lower *l, const Layer *layer) {
  Kb *kb = &l->kb;
  Domain d = domain_of(l, &layer->in[0]->type);
  bool both = layer_directions(layer) == 2;
  for (int dir = 0; dir < layer_directions(layer); dir++) {
    bool backward = !both || dir == 1;
    batch_open(l);
    recurrent_before(l, layer, dir);
    batch_close(l);
    KirExpr *n = domain_count(l, d), *zero = kb_int(kb, KIR_INDEX, 0, 1);
    if (l->job[layer->id].hoists) {
      HoistBlock block = hoist_open(l, d, backward);
      recurrent_products(l, layer, dir, &block);
      recurrent_step(l, layer, dir, hoist_steps(l, &block, backward));
      kb_end(kb);
      kb_end(kb);
      continue;
    }
    KirReg *t = backward ? kb_for_expr(kb, "t", kb_op2(kb, KIR_SUB, n, kb_int(kb, KIR_INDEX, 1, 1)),
                                       zero, -1)
                         : kb_for_expr(kb, "t", zero, n, 1);
    recurrent_step(l, layer, dir, t);
    kb_end(kb);
  }
  batch_open(l);
  recurrent_fields(l, layer);
  batch_close(l);
}

void emit_private(Lower *l, const Layer *layer) {
  KirStmt *section = open_section(l, layer);
  bool one_by_one = !is_recurrent(layer);
  if (one_by_one) batch_open(l);
  if (is_recurrent(layer))
    recurrent_private(l, layer);
  else if (layer->kind == LAYER_reverse)
    reverse_private(l, layer);
  else if (layer->kind == LAYER_overlap_add)
    overlap_add_private(l, layer);
  else
    reshape_private(l, layer);
  if (one_by_one) batch_close(l);
  close_section(l, layer, section);
}
