/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus inspect: the source, stage by stage, with the shape after each, its parameters and its cost;
 * then totals and the C prototypes. --json, --html, --dot and --svg print the same facts in other
 * forms. */
#include "base/safe.h"
#include "driver/budget.h"
#include "driver/build.h"
#include "driver/draw.h"
#include "driver/inspect_html.h"
#include "driver/quantise.h"
#include "driver/written.h"
#include "import/weights_file.h"
#include "lower/lower.h"
#include "model/graph/cost.h"

#include <string.h>

typedef struct InspectRow {
  uint32_t line;
  const char *code, *params, *shape, *cost;
} InspectRow;

typedef struct InspectRows {
  InspectRow *row;
  size_t n, cap;
} InspectRows;

static uint32_t line_of(Session *s, Span span) {
  const Source *source = sources_get(&s->sources, span.file);
  return source ? source_place(&s->sources, source, span.begin).line : 0;
}

static const char *full_type(Session *s, const Type *type) {
  Text text = text_new(s->arena);
  text_add_type(&text, type, true);
  return text_str(&text);
}

static void add_row(Session *s, InspectRows *rows, Span span, const char *code, const char *params,
                    const char *shape, const char *cost) {
  InspectRow row = {line_of(s, span), code, params, shape, cost};
  ARENA_PUSH(s->arena, rows->row, rows->n, rows->cap, row);
}

static const char *layer_params_str(Session *s, const Layer *layer) {
  int64_t n = layer_param_count(layer);
  Text text = text_new(s->arena);
  if (!n) return "";
  text_add_thousands(&text, n);
  text_add(&text, n == 1 ? " param" : " params");
  return text_str(&text);
}

static const char *layer_cost_str(Session *s, const Model *model, const Layer *layer) {
  int64_t n = layer_macs(model, layer);
  Text text = text_new(s->arena);
  if (layer_info(layer->kind)->flags & TRAINING) return "training only";
  if (!n) return "";
  text_add_count(&text, n);
  text_add(&text, " MAC");
  if (s->machine.schedule && lower_layer_rounds(model, layer, s->machine.schedule))
    text_add(&text, "  bf16 products");
  if (!model->quant || !model->quant->layer[layer->id]) return text_str(&text);
  text_printf(&text, "  %s", precision_name[layer_precision(model, layer)]);
  double snr = layer_ratio(s, model, layer);
  if (snr > 0) text_printf(&text, "  %.1f dB", snr);
  return text_str(&text);
}

/* "67 % zeros left out" of what its kernels multiply; "" if none are. */
static const char *zeros_str(Session *s, const KirModule *m, const Layer *layer) {
  const KirCost *cost = m ? &m->cost[layer->id] : NULL;
  if (!cost || !cost->left_out) return "";
  return arena_printf(s->arena, "  %.0f %% zeros left out",
                      100 * (double)cost->left_out / (double)cost->kernel_weights);
}

static void add_layer(Session *s, InspectRows *rows, const Model *model, const KirModule *m,
                      const Layer *layer) {
  const char *text = layer_text(s->arena, &s->sources, layer);
  bool piped = span_valid(layer->pipe);
  const char *code = arena_printf(s->arena, "  %s%s", piped ? "|> " : "", text);
  const char *shape = layer->out[0]->typed ? shape_str(s->arena, &layer->out[0]->type) : "?";
  if (layer->out[0]->typed && layer->out[0]->type.elem == ELEM_INDEX)
    shape = type_str(s->arena, &layer->out[0]->type);
  add_row(s, rows, layer->span, code, layer_params_str(s, layer), shape,
          arena_printf(s->arena, "%s%s", layer_cost_str(s, model, layer), zeros_str(s, m, layer)));
}

/* The type of a port with its axes in storage order: an output may store time after other axes. */
static Type port_type(const Port *port) {
  Type type = port->value->type;
  type.time_pos = port->declared.time_pos;
  return type;
}

static InspectRows rows_of(Session *s, const Model *model, const KirModule *m) {
  InspectRows rows = {0};
  const char *binding = NULL;
  for (int i = 0; i < model->n_in; i++) {
    const Port *port = model->in[i];
    const char *note = port->is_init ? "read by reset" : "";
    Type type = port_type(port);
    add_row(s, &rows, port->span, arena_printf(s->arena, "in  %s", port->name), "",
            full_type(s, &type), note);
  }
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    if (layer->binding && (!binding || strcmp(binding, layer->binding) != 0)) {
      const char *word = "let";
      for (int k = 0; k < model->n_out; k++)
        if (strcmp(model->out[k]->name, layer->binding) == 0) word = "out";
      add_row(s, &rows, layer->span, arena_printf(s->arena, "%s %s", word, layer->binding), "", "",
              "");
      binding = layer->binding;
    }
    add_layer(s, &rows, model, m, layer);
  }
  for (int i = 0; i < model->n_out; i++) {
    const Port *port = model->out[i];
    if (!port->value || !port->value->typed) continue;
    Type type = port_type(port);
    add_row(s, &rows, port->span, arena_printf(s->arena, "out %s", port->name), "",
            full_type(s, &type), "");
  }
  return rows;
}

static void print_rows(Text *out, const InspectRows *rows) {
  size_t code = 0, params = 0, shape = 0;
  for (size_t i = 0; i < rows->n; i++) {
    const InspectRow *r = &rows->row[i];
    size_t c = text_width(r->code, strlen(r->code));
    code = c > code && c <= 60 ? c : code;
    params = strlen(r->params) > params ? strlen(r->params) : params;
    shape = *r->cost && strlen(r->shape) > shape ? strlen(r->shape) : shape;
  }
  for (size_t i = 0; i < rows->n; i++) {
    const InspectRow *r = &rows->row[i];
    size_t c = text_width(r->code, strlen(r->code)), begin = out->len;
    if (r->line)
      text_printf(out, "%4u  ", r->line);
    else
      text_add(out, "      ");
    text_printf(out, "%s", r->code);
    text_fill(out, ' ', c < code ? code - c : 0);
    text_printf(out, "  %*s  %-*s  %s", (int)params, r->params, (int)shape, r->shape, r->cost);
    while (out->len > begin && out->s[out->len - 1] == ' ')
      out->s[--out->len] = 0;
    text_add_char(out, '\n');
  }
}

/* What leaving out blocks of zeros saves, if it does. */
static void print_saved(Text *out, const KirModule *m) {
  int64_t macs = 0, bytes = 0;
  for (int i = 0; i < m->n_costs; i++) {
    macs += kir_cost_saved(&m->cost[i]);
    bytes += m->cost[i].saved_bytes;
  }
  if (!macs) return;
  text_add(out, "\n  zeros left out: ");
  text_add_count(out, macs);
  text_add(out, " multiply-adds and ");
  text_add_bytes(out, bytes);
  text_add(out, " flash less");
}

static void print_totals(Session *s, Text *out, const Model *model, const KirModule *m) {
  ModelCost cost = model_cost(model);
  text_add(out, "\n  total ");
  text_add_thousands(out, cost.params);
  text_add(out, " params, ");
  text_add_count(out, cost.macs);
  text_printf(out, " multiply-adds a %s", model->run == RUN_STREAM ? "call" : "run");
  if (m) {
    Report t = report_new(m, s->arena);
    text_add(out, "\n  ");
    text_add_bytes(out, t.flash);
    text_add(out, " flash, ");
    text_add_bytes(out, t.scratch);
    text_add(out, " scratch, ");
    text_add_bytes(out, t.state);
    text_add(out, " state");
    double snr = model->quant ? model_ratio(s, model) : 0;
    if (snr > 0) text_printf(out, ", %.1f dB in integers on the data of calibration", snr);
    print_saved(out, m);
    COptions c = {.prefix = model->name};
    text_add(out, "\n\n");
    backend_c_prototypes(m, &c, out);
  } else
    text_add_char(out, '\n');
}

static void inspect_text(Session *s, Text *out, const Model *model, const KirModule *m) {
  static const char *const run[] = {"whole sequences", "a stream", "windows on a stream"};
  text_printf(out, "model %s: %s\n", model->name, run[model->run]);
  InspectRows rows = rows_of(s, model, m);
  print_rows(out, &rows);
  print_totals(s, out, model, m);
}

static void json_port(Text *out, const Port *port) {
  Text type = text_new(out->arena);
  Type stored = port_type(port);
  text_add_type(&type, &stored, true);
  text_add(out, "{\"name\":");
  text_add_json(out, port->name);
  text_add(out, ",\"type\":");
  text_add_json(out, text_str(&type));
  text_add_char(out, '}');
}

static void inspect_json(Session *s, Text *out, const Model *model, const KirModule *m) {
  static const char *const run[] = {"whole", "stream", "window"};
  text_add(out, "{\"v\":1,\"model\":");
  text_add_json(out, model->name);
  text_printf(out, ",\"run\":\"%s\",\"steps_per_call\":%lld,\"inputs\":[", run[model->run],
              (long long)model->steps_per_call);
  for (int i = 0; i < model->n_in; i++) {
    if (i) text_add_char(out, ',');
    json_port(out, model->in[i]);
  }
  text_add(out, "],\"layers\":[");
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    text_printf(out, "%s{\"line\":%u,\"path\":", i ? "," : "", line_of(s, layer->span));
    text_add_json(out, layer->path ? layer->path : "");
    text_add(out, ",\"stage\":");
    text_add_json(out, layer_text(s->arena, &s->sources, layer));
    text_add(out, ",\"type\":");
    text_add_json(out, full_type(s, &layer->out[0]->type));
    text_printf(out, ",\"params\":%lld,\"macs\":%lld", (long long)layer_param_count(layer),
                (long long)layer_macs(model, layer));
    bool integer = model->quant && model->quant->layer[layer->id];
    double snr = integer ? layer_ratio(s, model, layer) : 0;
    if (integer)
      text_printf(out, ",\"precision\":\"%s\"", precision_name[layer_precision(model, layer)]);
    if (snr > 0) text_printf(out, ",\"snr_db\":%.1f", snr);
    if (m && m->cost[i].left_out)
      text_printf(out, ",\"zero_share\":%.3f,\"macs_left_out\":%lld,\"flash_saved\":%lld",
                  (double)m->cost[i].left_out / (double)m->cost[i].kernel_weights,
                  (long long)kir_cost_saved(&m->cost[i]), (long long)m->cost[i].saved_bytes);
    text_add_char(out, '}');
  }
  text_add(out, "],\"outputs\":[");
  for (int i = 0; i < model->n_out; i++) {
    if (i) text_add_char(out, ',');
    json_port(out, model->out[i]);
  }
  text_add_char(out, ']');
  if (m) {
    Report t = report_new(m, s->arena);
    text_printf(out, ",\"flash_bytes\":%lld,\"state_bytes\":%lld,\"scratch_bytes\":%lld",
                (long long)t.flash, (long long)t.state, (long long)t.scratch);
  }
  text_add(out, "}\n");
}

/* Weights and ranges as a build has them, for a model in integers. */
static bool bound_in_integers(Session *s, Model *model, const Source *source) {
  return model_wants_integers(model) && build_bind(s, model, source) &&
         build_quantise(s, model, source) && !s->diags->n_errors;
}

/* Memory figures come from the lowered module. Of trained values only zeros matter for them:
 * without a weights file the model is lowered with random ones. */
static KirModule *lower_for_figures(Session *s, Model *model, const Source *source) {
  Diags *kept = s->diags;
  bool trouble = s->file_trouble;
  session_reset_diags(s);
  if (!bound_in_integers(s, model, source)) {
    if (!build_bind_or_invent(s, model, source)) model_bind_random(model, 1);
    quantise_invented(s, model);
  }
  KirModule *m = build_lower(s, model, source, false);
  s->diags = kept;
  s->file_trouble = trouble;
  return m;
}

static void inspect_model(Session *s, Text *out, Model *model, const Source *source) {
  precision_choose(s, model);
  if (s->options->dot)
    draw_dot(out, &s->sources, model);
  else if (s->options->svg)
    draw_svg(out, &s->sources, model);
  else {
    KirModule *m = lower_for_figures(s, model, source);
    if (s->options->json)
      inspect_json(s, out, model, m);
    else if (s->options->html)
      html_model(out, s, model, m);
    else
      inspect_text(s, out, model, m);
  }
}

/* A weights file: its tensors. */
static bool inspect_tensors(Session *s, Text *out, const char *path) {
  size_t n = strlen(path);
  bool weights =
      (n > 12 && strcmp(path + n - 12, ".safetensors") == 0) ||
      (n > 4 && (strcmp(path + n - 4, ".npz") == 0 || strcmp(path + n - 4, ".npy") == 0));
  if (!weights || config_is_written(s)) return false;
  TensorFile *file = tensor_file_open(s->arena, path, path, s->diags, span_none());
  for (int i = 0; file && i < file->n; i++)
    text_printf(out, "%-48s %-5s %s\n",
                *file->tensor[i].name ? safe_line(s->arena, file->tensor[i].name) : "(no name)",
                tensor_elem_name[file->tensor[i].elem],
                tensor_shape_str(s->arena, &file->tensor[i]));
  return true;
}

ExitCode command_inspect(Session *s) {
  Text out = text_new(s->arena);
  if (!s->options->n_args) {
    session_error(s, "`grus inspect` needs a file; `-` reads standard input");
    return EXIT_USAGE;
  }
  if (s->options->n_args > 1) {
    session_error(s, "`grus inspect` takes one file: remove `%s`", s->options->args[1]);
    return EXIT_USAGE;
  }
  if (inspect_tensors(s, &out, s->options->args[0])) {
    session_print_diags(s);
    session_out(text_str(&out), out.len);
    return s->diags->n_errors ? EXIT_FILE : EXIT_DONE;
  }
  const Source *source;
  Program *program = session_load(s, s->options->args[0], &source);
  session_print_diags(s);
  if (s->usage_trouble) return EXIT_USAGE;
  if (s->diags->n_errors || !program) return session_exit_code(s);
  for (int i = 0, shown = 0; i < program->n_models; i++) {
    const char *wanted = s->options->model;
    if (wanted && strcmp(wanted, program->model[i]->name) != 0) continue;
    if (shown++ && !s->options->json) text_add_char(&out, '\n');
    if (shown > 1 && (s->options->svg || s->options->dot)) continue; /* one drawing a file */
    inspect_model(s, &out, program->model[i], source);
    if (s->usage_trouble) return EXIT_USAGE;
  }
  if (!out.len) {
    session_error(s, s->options->model ? "`%s` has no model `%s`" : "`%s` has no model",
                  source->path, s->options->model);
    return EXIT_USAGE;
  }
  if (s->options->html) {
    Text body = out;
    out = text_new(s->arena);
    html_begin(&out, source->path);
    text_add(&out, text_str(&body));
    html_end(&out);
  }
  const char *reason;
  if (!s->options->out)
    session_out(text_str(&out), out.len);
  else if (!file_write(s->arena, s->options->out, text_str(&out), out.len, &reason))
    session_file_error(s, s->options->out, "write", reason);
  return session_exit_code(s);
}
