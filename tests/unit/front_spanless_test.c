/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Models that importers build have no source text. Every model in the folders given is resolved and
 * loses all its spans; then inference and lints must report what they report of the text, in every
 * rendering, and no fix may have an edit. */
#include "front_compile.h"
#include "front_models.h"

#include "base/render.h"
#include "model/infer/infer.h"

static int n_folders;
static char **folders;

static void port_strip(Port *port) {
  port->span = port->name_span = port->type_span = port->every_span = span_none();
}

static void layer_strip(Arena *arena, Layer *layer) {
  layer->span = layer->name_span = layer->pipe = span_none();
  layer->call = NULL;
  layer->origin = arena_printf(arena, "node `%s`", layer->path);
  for (int i = 0; i < layer->n_in; i++)
    layer->in_span[i] = span_none();
  for (int o = 0, n = layer_opt_count(layer_info(layer->kind)); o < n; o++) {
    OptVal *opt = &layer->opt[o];
    opt->span = opt->at = span_none();
    for (int i = 0; i < opt->n_values + opt->n_axes; i++)
      opt->value_span[i] = span_none();
  }
}

static void model_strip(Model *model) {
  model->span = model->name_span = model->precision_span = span_none();
  for (int i = 0; i < model->n_in; i++)
    port_strip(model->in[i]);
  for (int i = 0; i < model->n_out; i++)
    port_strip(model->out[i]);
  for (int i = 0; i < model->n_layers; i++)
    layer_strip(model->arena, model->layer[i]);
  for (int i = 0; i < model->n_values; i++)
    model->value[i]->span = model->value[i]->name_span = span_none();
  for (int i = 0; i < model->n_ascriptions; i++)
    model->ascription[i].type_span = model->ascription[i].name_span =
        model->ascription[i].use_span = span_none();
}

/* Codes reported by inference and lints, each once. */
static const char *codes_of(Compile *c, bool strip, bool *clean) {
  static int seen[DIAG_CODE_COUNT];
  memset(seen, 0, sizeof seen);
  c->diags = diags_new(c->arena, &c->sources); /* without those of resolve */
  for (int i = 0; i < c->program->n_models; i++) {
    Model *model = c->program->model[i];
    if (strip) model_strip(model);
    model_infer(model, c->diags);
    model_lint(model, c->diags);
  }
  Text out = text_new(c->arena), text = text_new(c->arena);
  for (const Diag *d = c->diags->first; d; d = d->next) {
    seen[d->code]++;
    render_human(&out, d, false);
    render_short(&out, d);
    render_gcc(&out, d);
    render_json(&out, d);
    for (size_t i = 0; i < d->n_fixes; i++)
      if (strip && d->fixes[i]->n_edits)
        print_error("%s %s\n", diag_info[d->code].code, d->fixes[i]->title), *clean = false;
  }
  seen[E208] = 0; /* without text an output needs no type */
  for (int i = 0; i < DIAG_CODE_COUNT; i++)
    if (seen[i]) text_printf(&text, " %s", diag_info[i].code);
  return text_str(&text);
}

static void check_text(const char *path, const char *text, int *checked) {
  Compile c, bare;
  bool clean = true;
  compile(&c, text);
  compile(&bare, text);
  if (c.diags->n_errors == 0 && c.program->n_models) {
    const char *with = codes_of(&c, false, &clean), *without = codes_of(&bare, true, &clean);
    if (strcmp(with, without) != 0) fail_msg("%s:%s with its text,%s without", path, with, without);
    if (!clean) fail_msg("%s: a fix edits text that is not there", path);
    ++*checked;
  }
  compile_end(&bare);
  compile_end(&c);
}

static void models_without_text(void **state) {
  (void)state;
  each_model(n_folders, folders, check_text);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(models_without_text)};
  n_folders = argc - 1;
  folders = argv + 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
