/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* vectors MODEL.grus TARGET[:iso] FOLDER [NAME=VALUE...]: compiles the model with random weights to
 * FOLDER/model.[ch] and FOLDER/program.c, and writes FOLDER/vectors.c: random inputs and what the
 * reference evaluator makes of them; FOLDER/flags has what a C compiler needs for the target, and
 * FOLDER/weights.h the weights as the model knows them (model/bind/weights.h), by layer and
 * role. */
#include "backend/program.h"
#include "front/front.h"
#include "lower/lower.h"
#include "model/eval/eval.h"
#include "model/infer/infer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 24 };

static void die(const char *what, const char *why) {
  fprintf(stderr, "vectors: %s: %s\n", what, why);
  exit(1);
}

static char *read_file(Arena *arena, const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  if (!f) die(path, "cannot be read");
  char *text = arena_alloc(arena, 1 << 20);
  *len = fread(text, 1, (1 << 20) - 1, f);
  fclose(f);
  return text;
}

static void write_file(const char *dir, const char *name, const Text *text) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(text_str(text), 1, text->len, f) != text->len || fclose(f) != 0)
    die(path, "cannot be written");
}

static double next_unit(uint64_t *state) { /* a multiplicative congruential generator, 24 bits */
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 40) * 0x1p-24;
}

/* Steps of an input in the whole test. */
static int64_t steps_of(const Model *model, const Port *port) {
  const Time *t = &port->value->type.time;
  if (port->every) return t->n + 3 * port->every;
  if (t->kind == TIME_STREAM) return CALLS * model->steps_per_call / t->period;
  return t->kind == TIME_BOUNDED ? t->n - t->n / 3 : t->kind == TIME_FIXED ? t->n : 1;
}

static EvalTensor random_input(Arena *arena, const Model *model, const Port *port,
                               uint64_t *state) {
  const Type *type = &port->value->type;
  EvalTensor t = {.steps = steps_of(model, port)};
  int64_t n = t.steps * type_step_size(type);
  t.data = ARENA_ARRAY(arena, double, n);
  for (int64_t i = 0; i < n; i++) {
    double u = next_unit(state);
    t.data[i] = type->elem == ELEM_INDEX ? floor(u * (double)type->categories)
                : type->elem == ELEM_F32 ? (double)(float)(2 * u - 1)
                                         : floor(u * 100);
  }
  return t;
}

static const char *c_type(KirElem elem) {
  static const char *const name[] = {
      [KIR_F32] = "float",   [KIR_F16] = "uint16_t", [KIR_I8] = "int8_t",   [KIR_I16] = "int16_t",
      [KIR_I32] = "int32_t", [KIR_U8] = "uint8_t",   [KIR_U16] = "uint16_t"};
  return name[elem];
}

static void add_array(Text *out, const char *type, const char *name, int index, const double *data,
                      int64_t n) {
  text_printf(out, "static const %s %s_%d[] = {", type, name, index);
  for (int64_t i = 0; i < n; i++) {
    text_add(out, i % 12 ? ", " : i ? ",\n  " : "\n  ");
    if (strcmp(type, "float") == 0)
      text_printf(out, "%.9gf%s", (double)(float)data[i], "");
    else
      text_printf(out, "%lld", (long long)data[i]);
  }
  text_add(out, n ? "};\n" : "0};\n");
}

/* "1f" is no C: every float gets a point. */
static void fix_floats(Text *text) {
  Text fixed = text_new(text->arena);
  for (size_t i = 0; i < text->len; i++) {
    char c = text->s[i];
    if (c == 'f' && i && text->s[i - 1] >= '0' && text->s[i - 1] <= '9') {
      size_t k = i;
      while (k &&
             ((text->s[k - 1] >= '0' && text->s[k - 1] <= '9') || strchr("+-e.", text->s[k - 1])))
        k--;
      bool has_point = memchr(text->s + k, '.', i - k) || memchr(text->s + k, 'e', i - k);
      if (k < i && (k == 0 || strchr(" ,\n", text->s[k - 1])) && !has_point) text_add(&fixed, ".0");
    }
    text_add_char(&fixed, c);
  }
  *text = fixed;
}

/* A bounded input or output in the interface's layout: its time axis has the bound's size. */
static double *to_bound(Arena *arena, const Type *type, const double *data, int64_t steps,
                        int64_t *n) {
  int64_t outer = 1, inner = 1, bound = type->time.kind == TIME_BOUNDED ? type->time.n : steps;
  for (int i = 0; i < type->rank; i++)
    *(i < type->time_pos && type_is_sequence(type) ? &outer : &inner) *= type->dim[i].n;
  *n = outer * bound * inner;
  double *to = ARENA_ARRAY(arena, double, *n);
  for (int64_t o = 0; o < outer; o++)
    for (int64_t t = 0; t < steps; t++)
      memcpy(to + (o * bound + t) * inner, data + (o * steps + t) * inner,
             (size_t)inner * sizeof *to);
  return to;
}

typedef struct Writer {
  Arena *arena;
  const Model *model;
  const KirModule *kir;
  EvalTensor *in;
  Text out;
} Writer;

static const KirPort *kir_port(const KirModule *m, const char *name, bool is_out) {
  for (int i = 0; i < m->n_ports; i++)
    if (m->port[i].is_out == is_out && strcmp(m->port[i].name, name) == 0) return &m->port[i];
  die(name, "is no port");
  return NULL;
}

/* Input arrays and the tables of them. */
static void write_inputs(Writer *w) {
  Text in = text_new(w->arena), init = text_new(w->arena);
  for (int i = 0; i < w->model->n_in; i++) {
    const Port *port = w->model->in[i];
    const Type *type = &port->value->type;
    const KirPort *k = kir_port(w->kir, port->name, false);
    int64_t n;
    const double *data = to_bound(w->arena, type, w->in[i].data, w->in[i].steps, &n);
    add_array(&w->out, c_type(k->buffer->elem), "in", i, data, n);
    bool timed = type_is_stream(type) || port->every;
    int64_t per_call = port->every ? 1 : w->model->steps_per_call / (timed ? type->time.period : 1);
    text_printf(k->is_init ? &init : &in, "  {in_%d, %lld * sizeof in_%d[0]},\n", i,
                timed ? (long long)(per_call * type_step_size(type)) : 0LL, i);
  }
  text_printf(&w->out, "const VectorPort vector_in[] = {\n%s  {0, 0}};\n", text_str(&in));
  text_printf(&w->out, "const VectorPort vector_init[] = {\n%s  {0, 0}};\n", text_str(&init));
}

/* Everything the evaluator gives: one run, or one per window. */
static EvalTensor *evaluate(Writer *w, int *calls) {
  const Model *model = w->model;
  EvalTensor *all = ARENA_ARRAY(w->arena, EvalTensor, model->n_out);
  int window = 0;
  while (window < model->n_in - 1 && !model->in[window]->every)
    window++;
  bool windows = model->run == RUN_WINDOW;
  int64_t size = windows ? model->in[window]->value->type.time.n : 0,
          hop = windows ? model->in[window]->every : 1;
  int64_t runs = windows ? (w->in[window].steps - size) / hop + 1 : 1;
  *calls = windows ? (int)w->in[window].steps : model->run == RUN_STREAM ? CALLS : 1;
  for (int64_t r = 0; r < runs; r++) {
    EvalRun run = {.in = ARENA_ARRAY(w->arena, EvalTensor, model->n_in)};
    for (int i = 0; i < model->n_in; i++) {
      run.in[i] = w->in[i];
      if (model->in[i]->every)
        run.in[i] = (EvalTensor){
            w->in[i].data + r * hop * type_step_size(&model->in[i]->value->type), size};
    }
    if (model_eval(model, w->arena, &run) != EVAL_OK) die(model->name, "the evaluator refuses");
    for (int i = 0; i < model->n_out; i++) {
      int64_t n = run.out[i].steps * type_step_size(&model->out[i]->value->type),
              have = all[i].steps;
      double *data = ARENA_ARRAY(w->arena, double, have + n);
      if (have) memcpy(data, all[i].data, (size_t)have * sizeof *data);
      if (n) memcpy(data + have, run.out[i].data, (size_t)n * sizeof *data);
      all[i] = (EvalTensor){data, have + n}; /* steps counts elements here */
    }
  }
  return all;
}

static void write_outputs(Writer *w) {
  const Model *model = w->model;
  int calls;
  EvalTensor *all = evaluate(w, &calls);
  Text table = text_new(w->arena);
  for (int i = 0; i < model->n_out; i++) {
    Type type = model->out[i]->value->type;
    if (model->out[i]->has_type) type.time_pos = model->out[i]->declared.time_pos;
    int64_t n = all[i].steps, step = type_step_size(&type), per_call = n, compared = n;
    const double *data = all[i].data;
    if (type_is_stream(&type))
      per_call = compared = model->steps_per_call / type.time.period * step;
    else if (model->run == RUN_WINDOW)
      per_call = compared = type_size(&type);
    else if (type.time.kind == TIME_BOUNDED) {
      compared = type.time_pos == 0 ? n : type_size(&type);
      data = to_bound(w->arena, &type, all[i].data, n / step, &per_call);
      n = per_call;
    }
    add_array(&w->out, "float", "out", i, data, n);
    text_printf(&table, "  {out_%d, %lld, %lld},\n", i, (long long)per_call, (long long)compared);
  }
  text_printf(&w->out, "const VectorOut vector_out[] = {\n%s};\nconst int vector_calls = %d;\n",
              text_str(&table), calls);
  text_add(&w->out, "const size_t vector_lengths[] = {");
  for (int i = 0; i < w->kir->n_lengths; i++)
    for (int k = 0; k < model->n_in; k++) {
      const KirPort *port = kir_port(w->kir, model->in[k]->name, false);
      if (port->length != i) continue;
      text_printf(&w->out, "%lld, ", (long long)w->in[k].steps);
      break;
    }
  text_add(&w->out, "0};\n");
}

static int64_t kernel_depth(const Layer *layer) {
  const Type *in = &layer->in[0]->type;
  return in->dim[in->rank - 1].n;
}

/* LSTM, GRU, RNN (forward) and Dense: "static const float kernel_0[] = {" is of the first layer. */
static void write_weights(Arena *arena, const Model *model, Text *out) {
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    if (!layer->weights || !layer->n_in || !layer_opt(layer, OPT_units)) continue;
    int64_t units = layer_size(layer, OPT_units, 1);
    int64_t gates = layer->kind == LAYER_LSTM ? 4 : layer->kind == LAYER_GRU ? 3 : 1;
    int64_t row[] = {[ROLE_KERNEL] = kernel_depth(layer),
                     [ROLE_RECURRENT] = units,
                     [ROLE_BIAS] = 1,
                     [ROLE_RECURRENT_BIAS] = 1};
    for (int role = 0; role <= ROLE_RECURRENT_BIAS; role++) {
      const float *from = layer->weights->role[role];
      int64_t n = gates * units * row[role];
      if (!from) continue;
      double *data = ARENA_ARRAY(arena, double, n);
      for (int64_t k = 0; k < n; k++)
        data[k] = (double)from[k];
      add_array(out, "float", role_name[role], i, data, n);
    }
  }
}

static Model *load(Arena *arena, const char *path, Define *define, int n, Diags **out) {
  Sources *sources = ARENA_NEW(arena, Sources);
  sources->arena = arena;
  Diags *diags = *out = diags_new(arena, sources);
  size_t len;
  char *text = read_file(arena, path, &len);
  const Source *source = sources_add(sources, path, text, len);
  ResolveOptions options = {.define = define, .n_defines = n};
  Program *program = resolve(arena, source, parse(arena, source, diags), &options, diags);
  if (program->n_models) model_infer(program->model[0], diags);
  if (diags->n_errors || !program->n_models)
    die(path, diags->first ? diags->first->message : "has no model");
  return program->model[0];
}

int main(int argc, char **argv) {
  jmp_buf oom;
  if (argc < 4 || setjmp(oom)) die("usage", "vectors MODEL.grus TARGET FOLDER [NAME=VALUE...]");
  Arena *arena = arena_new(&oom);
  Diags *diags;
  Define *define = ARENA_ARRAY(arena, Define, argc);
  for (int i = 4; i < argc; i++) {
    char *eq = strchr(argv[i], '=');
    if (!eq) die(argv[i], "is not NAME=VALUE");
    *eq = 0;
    define[i - 4] = (Define){.name = argv[i], .value = eq + 1};
  }
  Model *model = load(arena, argv[1], define, argc - 4, &diags);
  model_bind_random(model, 1);
  char *form = strchr(argv[2], ':');
  if (form) *form++ = 0;
  LowerOptions options = {.target = target_find(argv[2])};
  if (!options.target) die(argv[2], "is no target");
  KirModule *kir = lower(model, &options, arena, diags);
  if (!kir) die(argv[1], diags->first ? diags->first->message : "cannot be lowered");
  COptions c = {.prefix = "model", .header_name = "model.h"};
  if (form && strcmp(form, "iso") == 0) c.vectors = C_VECTORS_ISO;
  Text flags = text_new(arena);
  text_printf(&flags, "%s\n", options.target->c_flags);
  write_file(argv[3], "flags", &flags);
  Text header = text_new(arena), source = text_new(arena), program = text_new(arena);
  backend_c(kir, &c, &header, &source);
  backend_program(kir, &c, false, &program);
  write_file(argv[3], "model.h", &header);
  write_file(argv[3], "model.c", &source);
  write_file(argv[3], "program.c", &program);
  Writer w = {.arena = arena,
              .model = model,
              .kir = kir,
              .in = ARENA_ARRAY(arena, EvalTensor, model->n_in + 1),
              .out = text_new(arena)};
  uint64_t state = 42;
  for (int i = 0; i < model->n_in; i++)
    w.in[i] = random_input(arena, model, model->in[i], &state);
  text_add(&w.out, "#include \"vectors.h\"\n#include <stdint.h>\n");
  write_inputs(&w);
  write_outputs(&w);
  fix_floats(&w.out);
  write_file(argv[3], "vectors.c", &w.out);
  Text weights = text_new(arena);
  write_weights(arena, model, &weights);
  fix_floats(&weights);
  write_file(argv[3], "weights.h", &weights);
  arena_free(arena);
  return 0;
}
