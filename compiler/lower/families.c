/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a layer to the functions of its family, and the comment above its code. */
#include "lower/int_layers.h"
#include "lower/lower_internal.h"

static const Lowering *const lowering[LAYER_KIND_COUNT] = {
#define LAYER(id, name, rule, flags, family, ...) &family##_lowering,
#include "model/graph/layers.def"
};

const Lowering *lowering_of(const Layer *layer) {
  return lowering[layer->kind];
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
static KirStmt *open_section(Emit *e, const Layer *layer) {
  KirStmt **at = e->kb.tail;
  kb_section(&e->kb, layer_origin(layer), NULL);
  return *at;
}

static void close_section(Emit *e, const Layer *layer, KirStmt *section) {
  Lower *l = e->l;
  const Lowering *how = lowering_of(layer);
  section->doc = layer_doc(l, layer, how->formula ? how->formula(l, layer) : how->text);
  kb_end(&e->kb);
}

void emit_products(Emit *e, const Layer *layer, const HoistBlock *block) {
  kb_section(&e->kb, layer_origin(layer),
             arena_printf(e->l->arena, "%s: b + W x of the next steps",
                          layer->path ? layer->path : layer_info(layer->kind)->name));
  recurrent_products(e, layer, 0, block);
  kb_end(&e->kb);
}

void emit_step(Emit *e, const Layer *layer, Step t) {
  KirStmt *section = open_section(e, layer);
  if (!int_emit(e, layer, INT_STEP, t)) lowering_of(layer)->step(e, layer, t);
  close_section(e, layer, section);
}

void emit_before(Emit *e, const Layer *layer) {
  const Lowering *how = lowering_of(layer);
  if (!int_emit(e, layer, INT_BEFORE, ONLY_STEP) && how->before) how->before(e, layer);
}

void emit_after(Emit *e, const Layer *layer) {
  const Lowering *how = lowering_of(layer);
  if (!int_emit(e, layer, INT_AFTER, ONLY_STEP) && how->after) how->after(e, layer);
}

void emit_private(Emit *e, const Layer *layer) {
  const Lowering *how = lowering_of(layer);
  KirStmt *section = open_section(e, layer);
  bool one_by_one = !batch_takes(e, layer);
  KirStmt **samples = one_by_one ? batch_open(e) : NULL;
  how->alone(e, layer);
  if (one_by_one) batch_close(e, samples);
  close_section(e, layer, section);
}
