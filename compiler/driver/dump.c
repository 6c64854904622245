/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --dump-after: the syntax tree, the layer graph, the tensors, the kernel IR. */
#include "driver/dump.h"

#include "base/safe.h"
#include "model/bind/weights.h"
#include "model/quant/quant.h"

#include <string.h>

static const char *const stage_name[] = {
#define STAGE(name, what) #name,
#include "driver/stages.def"
#undef STAGE
};
static const char *const stage_what[] = {
#define STAGE(name, what) what,
#include "driver/stages.def"
#undef STAGE
};

bool dump_wanted(const Session *s, StageId stage) {
  return s->options->dump_after && strcmp(s->options->dump_after, stage_name[stage]) == 0;
}

bool dump_check(Session *s) {
  Text list = text_new(s->arena);
  if (!s->options->dump_after) return true;
  for (int i = 0; i < STAGE_COUNT; i++) {
    if (dump_wanted(s, (StageId)i)) return true;
    text_printf(&list, "\n  %-8s %s", stage_name[i], stage_what[i]);
  }
  session_error(s, "--dump-after names one of the stages:%s", text_str(&list));
  s->usage_trouble = true;
  return false;
}

static void print(const Text *text) {
  session_out(text_str(text), text->len);
}

static const char *const node_name[] = {
    "file",   "use",   "param", "block",   "model",   "formals",   "formal", "body",
    "in",     "out",   "let",   "weights", "ranges",  "precision", "allow",  "type",
    "elem",   "index", "shape", "axis",    "time",    "upto",      "stream", "pipe",
    "stage",  "arg",   "field", "tuple",   "name",    "int",       "float",  "quantity",
    "string", "dtype", "sum",   "product", "operand", "neg",       "-",      "bad"};

static void add_node(Session *s, Text *out, const Node *n, int depth) {
  const Source *source = sources_get(&s->sources, n->span.file);
  text_fill(out, ' ', (size_t)depth * 2);
  text_add(out, node_name[n->kind]);
  if (n->text) {
    text_add_char(out, ' ');
    text_add_json(out, n->text);
  }
  if (source) {
    Place p = source_place(&s->sources, source, n->span.begin);
    text_printf(out, "  %u:%u", p.line, p.column);
  }
  text_add_char(out, '\n');
  for (size_t i = 0; i < n->n; i++)
    if (n->kid[i]) add_node(s, out, n->kid[i], depth + 1);
}

void dump_tree(Session *s, const Node *tree) {
  Text out = text_new(s->arena);
  add_node(s, &out, tree, 0);
  print(&out);
}

static void add_type_of(Text *out, const Value *v) {
  if (!v->typed) return;
  text_add(out, " : ");
  text_add_type(out, &v->type, true);
  if (type_is_stream(&v->type) && v->type.time.lag)
    text_printf(out, " lag %lld", (long long)v->type.time.lag);
}

/* "%3 = GRU(%0) units=64 reset=after : f32[time 49, 64]   # probs.gru" */
static void add_layer(Text *out, const Layer *layer) {
  const LayerInfo *info = layer_info(layer->kind);
  text_printf(out, "  %%%d = %s(", layer->out[0]->id, info->name);
  for (int i = 0; i < layer->n_in; i++)
    text_printf(out, "%s%%%d", i ? ", " : "", layer->in[i]->id);
  text_add_char(out, ')');
  for (int i = 0; i < layer_opt_count(info); i++) {
    const OptVal *opt = &layer->opt[i];
    if (!opt->given && !opt->s) continue;
    text_printf(out, " %s=", info->opts[i].name);
    if (info->opts[i].kind == OPTK_SIZE)
      text_printf(out, "%lld", (long long)opt->i);
    else if (info->opts[i].kind == OPTK_NUMBER)
      text_add_double(out, opt->f);
    else if (info->opts[i].kind == OPTK_VALUE && opt->value)
      text_printf(out, "%%%d", opt->value->id);
    else if (info->opts[i].kind == OPTK_SHAPE)
      text_add_shape(out, opt->shape);
    else if (info->opts[i].kind == OPTK_SIZES || info->opts[i].kind == OPTK_PADDING ||
             info->opts[i].kind == OPTK_AXES)
      option_print(out, &info->opts[i], opt);
    else if (opt->learned)
      text_add(out, "learned");
    else if (opt->states_of)
      text_printf(out, "states of %%%d", opt->states_of->out[0]->id);
    else if (info->opts[i].kind == OPTK_STATE)
      for (int k = 0; k < opt->n_values; k++)
        text_printf(out, "%s%%%d", k ? "," : "", opt->values[k]->id);
    else
      text_add(out, opt->s ? safe_line(out->arena, opt->s) : "?");
  }
  add_type_of(out, layer->out[0]);
  text_printf(out, "   # %s\n", layer->path ? layer->path : "");
}

void dump_model(Session *s, const Model *model) {
  Text out = text_new(s->arena);
  text_printf(&out, "model %s\n", model->name);
  for (int i = 0; i < model->n_in; i++) {
    text_printf(&out, "  %%%d = in %s", model->in[i]->value->id, model->in[i]->name);
    add_type_of(&out, model->in[i]->value);
    text_add(&out, model->in[i]->is_init ? "   # read by reset\n" : "\n");
  }
  for (int i = 0; i < model->n_layers; i++)
    add_layer(&out, model->layer[i]);
  for (int i = 0; i < model->n_out; i++) {
    text_printf(&out, "  out %s = %%%d", model->out[i]->name,
                model->out[i]->value ? model->out[i]->value->id : -1);
    if (model->out[i]->value) add_type_of(&out, model->out[i]->value);
    text_add_char(&out, '\n');
  }
  print(&out);
}

void dump_weights(Session *s, const Model *model) {
  Text out = text_new(s->arena);
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    ParamShape params[LAYER_MAX_PARAMS];
    for (int k = 0, n = layer_params(layer, params); k < n; k++) {
      text_printf(&out, "%s %s ", layer->path, role_name[params[k].role]);
      text_add_dims(&out, params[k].rank, params[k].dim);
      const float *w = layer->weights ? layer->weights->role[params[k].role] : NULL;
      float low = w ? w[0] : 0, high = low;
      for (int64_t j = 0, count = param_count(&params[k]); w && j < count; j++) {
        low = w[j] < low ? w[j] : low;
        high = w[j] > high ? w[j] : high;
      }
      if (w) {
        text_add(&out, " from ");
        text_add_float(&out, low);
        text_add(&out, " to ");
        text_add_float(&out, high);
      } else
        text_add(&out, " at run time");
      text_add_char(&out, '\n');
    }
  }
  print(&out);
}

static void add_format(Text *out, const QuantFormat *f) {
  if (!f->bits) {
    text_add(out, "f32");
    return;
  }
  text_printf(out, "%s%d * ", f->is_unsigned ? "u" : "i", f->bits);
  text_add_double(out, f->scale);
  if (f->zero != 0) text_printf(out, " from %g", f->zero);
}

static void add_part(Text *out, const QuantPart *p, const char *name) {
  int64_t largest = 0;
  for (int64_t i = 0; i < p->rows * p->depth; i++)
    largest = p->w[i] > largest ? p->w[i] : p->w[i] < -largest ? -p->w[i] : largest;
  text_printf(out, "  %s [%lld, %lld] i%d, largest %lld, operand ", name, (long long)p->rows,
              (long long)p->depth, p->bits, (long long)largest);
  add_format(out, &p->x);
  if (p->m) text_printf(out, ", sums << %d * m[row] >> 16", p->shift);
  text_add_char(out, '\n');
}

void dump_quant(Session *s, const Model *model) {
  Text out = text_new(s->arena);
  for (int i = 0; i < model->n_layers && model->quant; i++) {
    const Layer *layer = model->layer[i];
    const QuantLayer *q = model->quant->layer[i];
    text_printf(&out, "%s %s : ", layer->path,
                q                           ? precision_name[q->precision]
                : model->quant->absorber[i] ? "on those sums"
                                            : "f32");
    add_format(&out, &model->quant->value[layer->out[0]->id]);
    if (q && (q->part[0][0].w || q->input))
      text_printf(&out, ", fraction %d", q->part[0][0].w ? q->fraction : q->input[0].fraction);
    if (q && layer->kind == LAYER_LSTM) text_printf(&out, ", cell fraction %d", q->cell_fraction);
    text_add_char(&out, '\n');
    for (int dir = 0; q && dir < q->directions; dir++)
      for (int k = 0; k < QUANT_PARTS; k++)
        if (q->part[dir][k].w) add_part(&out, &q->part[dir][k], k == QUANT_INPUT ? "W" : "U");
  }
  print(&out);
}

void dump_kir(Session *s, const KirModule *m) {
  Text out = text_new(s->arena);
  kir_print(m, &out);
  print(&out);
}
