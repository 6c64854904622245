/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writing weights: for every kind of layer with weights and every option that changes its tensors,
 * the file that model_unbind and safetensors_write make is read by model_bind to the same weights,
 * bit for bit, in each convention that has a name for all of them. */
#include "export/export.h"
#include "import/foreign.h"
#include "model/infer/infer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

/* "direction both, bias false": options of one layer. */
typedef struct Case {
  LayerKind kind;
  const char *words[3][2];
  bool torch, onnx; /* conventions beside keras that can hold it */
  bool not_keras;
} Case;

static const Case cases[] = {
    {LAYER_GRU, {{"reset", "after"}}, true, true, false},
    {LAYER_GRU, {{"reset", "before"}}, false, true, false},
    {LAYER_GRU, {{"reset", "after"}, {"direction", "both"}}, true, true, false},
    {LAYER_GRU, {{"reset", "before"}, {"direction", "both"}}, false, true, false},
    {LAYER_GRU, {{"reset", "after"}, {"bias", "false"}}, true, true, false},
    {LAYER_GRU,
     {{"reset", "before"}, {"bias", "false"}, {"direction", "backward"}},
     false,
     true,
     false},
    {LAYER_LSTM, {{NULL}}, true, true, false},
    {LAYER_LSTM, {{"direction", "both"}}, true, true, false},
    {LAYER_LSTM, {{"bias", "false"}, {"direction", "backward"}}, true, true, false},
    {LAYER_GRU, {{"reset", "after"}, {"init", "learned"}}, true, true, false},
    {LAYER_LSTM, {{"direction", "both"}, {"init", "learned"}}, true, true, false},
    {LAYER_RNN, {{"direction", "backward"}, {"init", "learned"}}, true, true, false},
    {LAYER_LSTM, {{"peephole", "true"}}, false, true, true},
    {LAYER_LSTM, {{"peephole", "true"}, {"direction", "both"}}, false, true, true},
    {LAYER_LSTM,
     {{"peephole", "true"}, {"direction", "both"}, {"init", "learned"}},
     false,
     true,
     true},
    {LAYER_RNN, {{NULL}}, true, true, false},
    {LAYER_RNN, {{"direction", "both"}, {"bias", "false"}}, true, true, false},
    {LAYER_Dense, {{NULL}}, true, true, false},
    {LAYER_Dense, {{"bias", "false"}}, true, true, false},
    {LAYER_Conv1D, {{NULL}}, true, true, false},
    {LAYER_Conv1D, {{"bias", "false"}, {"padding", "causal"}}, true, true, false},
    {LAYER_Embedding, {{NULL}}, true, true, false},
    {LAYER_LayerNorm, {{NULL}}, true, true, false},
    {LAYER_LayerNorm, {{"scale", "false"}}, true, true, false},
    {LAYER_BatchNorm, {{NULL}}, true, true, false},
    {LAYER_BatchNorm, {{"scale", "false"}, {"center", "false"}}, true, true, false},
    {LAYER_prelu, {{NULL}}, true, true, false},
};

static OptName option_named(const Layer *layer, const char *name) {
  return layer_info(layer->kind)->opts[layer_info_opt(layer_info(layer->kind), name)].id;
}

/* x |> the layer, twice: with the paths y.a and y.b. */
static Model *make(Fixture *f, const Case *c, Convention convention) {
  Model *model = model_new(f->arena, "m");
  Time time = {.kind = TIME_FIXED, .n = 5};
  Type type = foreign_type(time, 1, (int64_t[]){6});
  if (c->kind == LAYER_Embedding) type = (Type){.elem = ELEM_INDEX, .categories = 7, .time = time};
  model->weights.convention = convention;
  for (int i = 0; i < 2; i++) {
    Value *in = model_input(model, i ? "b" : "a", type)->value;
    Layer *layer = model_layer(model, c->kind, 1, &in);
    layer->path = i ? "y.b" : "y.a";
    if (layer_opt(layer, OPT_units)) layer_set_size(layer, OPT_units, 4);
    if (c->kind == LAYER_Conv1D) {
      layer_set_size(layer, OPT_filters, 4);
      layer_set_size(layer, OPT_kernel, 3);
      layer_set_size(layer, OPT_groups, i + 1);
    }
    for (int w = 0; w < 3 && c->words[w][0]; w++)
      if (strcmp(c->words[w][0], "init") == 0)
        layer_set_learned(layer);
      else
        layer_set_word(layer, option_named(layer, c->words[w][0]), c->words[w][1]);
    Port *out = model_output(model, i ? "q" : "p", layer->out[0]);
    model->n_out--;
    assert_true(model_infer(model, f->diags));
    model->n_out++;
    out->declared = layer->out[0]->type;
    out->has_type = true;
  }
  assert_true(model_infer(model, f->diags));
  return model;
}

static void same_weights(const Model *a, const Model *b) {
  for (int i = 0; i < a->n_layers; i++) {
    ParamShape params[LAYER_MAX_PARAMS];
    int n = layer_params(a->layer[i], params);
    assert_true(n > 0);
    for (int p = 0; p < n; p++) {
      const float *x = a->layer[i]->weights->role[params[p].role],
                  *y = b->layer[i]->weights->role[params[p].role];
      assert_non_null(y);
      assert_memory_equal(x, y, sizeof *x * (size_t)param_count(&params[p]));
    }
  }
}

static void round_trip(Fixture *f, const Case *c, Convention convention) {
  Model *model = make(f, c, convention), *again = make(f, c, convention);
  const char *reason = "";
  model_bind_random(model, 7);
  TensorFile *tensors = model_unbind(model, convention, "w");
  Text bytes = text_new(f->arena), twice = text_new(f->arena);
  safetensors_write(&bytes, tensors);
  safetensors_write(&twice, tensors);
  assert_int_equal(bytes.len, twice.len);
  assert_memory_equal(bytes.s, twice.s, bytes.len);
  TensorFile *file =
      safetensors_parse(f->arena, (Mapped){(const uint8_t *)bytes.s, bytes.len}, &reason);
  assert_non_null(file);
  assert_int_equal(file->convention, convention);
  assert_int_equal(file->n, tensors->n);
  file->path = "w";
  assert_true(model_bind(again, file, f->diags));
  assert_int_equal(f->diags->n_errors, 0);
  same_weights(model, again);
}

static void every_layer(void **state) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const Case *c = &cases[i];
    if (!c->not_keras) round_trip(*state, c, CONVENTION_KERAS);
    if (c->torch) round_trip(*state, c, CONVENTION_TORCH);
    if (c->onnx) round_trip(*state, c, CONVENTION_ONNX);
  }
}

/* A model with peepholes is written in the convention that has them. */
static void convention_chosen(void **state) {
  Fixture *f = *state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Model *model = make(f, &cases[i], CONVENTION_KERAS);
    assert_int_equal(model_unbind_convention(model),
                     cases[i].not_keras ? CONVENTION_ONNX : CONVENTION_KERAS);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(every_layer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(convention_chosen, set_up, tear_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
