/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* kernel_tool FILE.grus OUT_DIR [option...]: writes model.h, model.c and check.c. check.c holds
 * inputs from a fixed generator and what the reference evaluator makes of them; compiled with
 * model.c it compares, prints the greatest error and exits 1 if it is too great. With an argument
 * it prints the bits of every output instead, so that two builds can be compared exactly.
 *
 *   --target=NAME --batch=N --chunk=N --vectors=iso --scratch=static|caller --flat --header
 *   --extern --calls=N (runs, stream calls or windows)   --math=fast
 *   --dump (the KIR, to standard output)
 *   --precision=i8|i16|i16x16|w8, with ranges of the first run (bits, not errors, are what to
 *   compare)
 *   --prototypes --report (to standard output)   --wasm (model.wasm, too) */
#include "backend/block.h"
#include "backend/c.h"
#include "backend/report.h"
#include "backend/wasm.h"
#include "front/front.h"
#include "lower/lower.h"
#include "model/eval/eval.h"
#include "model/infer/infer.h"
#include "model/quant/observe.h"
#include "model/quant/quant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Tool {
  Arena *arena;
  Model *model;
  KirModule *kir;
  LowerOptions lower;
  COptions c;
  bool header, dump, prototypes, report, wasm;
  const char *precision;
  int64_t calls;
  Text out;
} Tool;

/* What results may be off by, of the largest: sums in f32, and of operands rounded to bf16. */
static const double exact_part = 3e-6, rounded_part = 0x1p-6;

/* ---- inputs ---- */

/* A number in -1..1 that depends on everything given. */
static double noise(int64_t sample, int port, int64_t element) {
  uint64_t x = (uint64_t)sample * 1000003u + (uint64_t)port * 7919u +
               (uint64_t)element * 2654435761u + 12345u;
  for (int i = 0; i < 3; i++) {
    x ^= x >> 31;
    x *= 0x9e3779b97f4a7c15u;
  }
  return (double)(int64_t)(x >> 11) / (double)(1 << 30) / (double)(1 << 22) - 1.0;
}

static double input_value(const Type *type, int64_t sample, int port, int64_t element) {
  double x = noise(sample, port, element);
  switch (type->elem) {
  case ELEM_F32:
  case ELEM_F16: return (double)(float)x;
  case ELEM_INDEX:
    return fmin(floor((x + 1) / 2 * (double)type->categories), (double)type->categories - 1);
  case ELEM_U8:
  case ELEM_U16: return floor((x + 1) * 100);
  case ELEM_I8:
  case ELEM_I16:
  case ELEM_I32: return floor(x * 100);
  }
  return x;
}

/* The least length for which everything derived from it has a step. */
static int64_t length_least(const Model *m, int id) {
  int64_t least = 1;
  for (int i = 1; i < m->n_lengths; i++) {
    const Length *d = &m->length[i];
    int64_t need = d->from == id ? (length_least(m, i) - 1) * d->hop + d->size : 0;
    if (need > least) least = need;
  }
  return least;
}

/* Length number `id` in run `sample`: the bound, the least and what lies between. */
static int64_t length_of(const Model *m, int id, int64_t sample) {
  const Length *l = &m->length[id];
  if (!l->from) {
    int64_t least = length_least(m, id);
    int64_t n = sample % 3 == 0 ? l->bound : sample % 3 == 1 ? least : (l->bound + least) / 2;
    return n;
  }
  int64_t n = length_of(m, l->from, sample);
  return n < l->size ? 0 : (n - l->size) / l->hop + 1;
}

static int64_t steps_of(const Tool *t, const Type *type, int64_t sample, int64_t stream_steps) {
  switch (type->time.kind) {
  case TIME_NONE: return 1;
  case TIME_FIXED: return type->time.n;
  case TIME_BOUNDED: return length_of(t->model, type->time.length, sample);
  case TIME_STREAM: return stream_steps / type->time.period;
  }
  return 1;
}

/* Elements before and behind the time axis. */
static void around(const Type *type, int time_pos, int64_t *outer, int64_t *inner) {
  *outer = *inner = 1;
  for (int i = 0; i < type->rank; i++)
    *(type_is_sequence(type) && i < time_pos ? outer : inner) *= type->dim[i].n;
}

/* Steps of the longest windowed input; all end at the same sample. */
static int64_t longest_window(const Model *m) {
  int64_t n = 0;
  for (int i = 0; i < m->n_in; i++)
    if (m->in[i]->every && m->in[i]->value->type.time.n > n) n = m->in[i]->value->type.time.n;
  return n;
}

/* Runs the evaluator; first_step shifts a windowed input. */
static EvalRun evaluate(Tool *t, int64_t sample, int64_t stream_steps, int64_t first_step) {
  Model *m = t->model;
  EvalRun run = {.in = ARENA_ARRAY(t->arena, EvalTensor, m->n_in + 1)};
  for (int i = 0; i < m->n_in; i++) {
    const Type *type = &m->in[i]->value->type;
    int64_t steps = steps_of(t, type, sample, stream_steps), outer, inner;
    around(type, type->time_pos, &outer, &inner);
    double *data = ARENA_ARRAY(t->arena, double, steps *outer *inner);
    int64_t shift = m->in[i]->every ? first_step + longest_window(m) - steps : 0;
    for (int64_t o = 0; o < outer; o++)
      for (int64_t s = 0; s < steps; s++)
        for (int64_t k = 0; k < inner; k++)
          data[(o * steps + s) * inner + k] =
              input_value(type, sample, i, ((s + shift) * outer + o) * inner + k);
    run.in[i] = (EvalTensor){data, steps};
  }
  if (model_eval(m, t->arena, &run) != EVAL_OK) {
    fprintf(stderr, "kernel_tool: the evaluator refuses the input\n");
    exit(3);
  }
  return run;
}

/* ---- check.c ---- */

static void number(Text *out, double x) {
  text_printf(out, "%.17g,", x);
}

static const char *c_elem_name(KirElem e) {
  static const char *const n[] = {
      [KIR_F32] = "float",   [KIR_F16] = "uint16_t", [KIR_I8] = "int8_t",    [KIR_I16] = "int16_t",
      [KIR_I32] = "int32_t", [KIR_U8] = "uint8_t",   [KIR_U16] = "uint16_t", [KIR_SIZE] = "size_t"};
  return n[e];
}

/* Values of port i in C's layout for samples first..first+batch-1, rows from..from+count-1 of
 * cap. */
static void port_values(Tool *t, int port, bool is_out, EvalRun *runs, int64_t from, int64_t rows,
                        int64_t cap) {
  const Model *m = t->model;
  const Port *p = is_out ? m->out[port] : m->in[port];
  const Type *type = &p->value->type;
  int time_pos = is_out && p->has_type ? p->declared.time_pos : type->time_pos;
  int64_t outer, inner;
  around(type, time_pos, &outer, &inner);
  for (int64_t b = 0; b < t->kir->batch; b++) {
    const EvalTensor *v = is_out ? &runs[b].out[port] : &runs[b].in[port];
    for (int64_t o = 0; o < outer; o++)
      for (int64_t s = from; s < from + (rows > 0 ? cap : 1); s++)
        for (int64_t k = 0; k < inner; k++) {
          bool there = s >= 0 && s < v->steps;
          number(&t->out, there ? v->data[(o * v->steps + s) * inner + k] : 0);
        }
  }
}

static int64_t port_slots(const Tool *t, const Type *type) {
  return type_is_stream(type)     ? t->kir->steps_per_call / type->time.period
         : type_is_sequence(type) ? type->time.n
                                  : 0;
}

static void tables(Tool *t) {
  const Model *m = t->model;
  KirModule *k = t->kir;
  bool stream = k->run_kind == KIR_STREAM, window = k->run_kind == KIR_WINDOW;
  EvalRun *runs = ARENA_ARRAY(t->arena, EvalRun, t->calls * k->batch);
  int64_t hop = 1;
  for (int i = 0; i < m->n_in; i++)
    if (m->in[i]->every) hop = m->in[i]->every;
  for (int64_t c = 0; c < t->calls; c++)
    for (int64_t b = 0; b < k->batch; b++) {
      int64_t sample = stream || window ? b : c * k->batch + b;
      runs[c * k->batch + b] =
          evaluate(t, sample, stream ? t->calls * k->steps_per_call : 0, window ? c * hop : 0);
    }
  for (int i = 0; i < m->n_in; i++) {
    KirBuffer *b = k->port[i].buffer;
    const Type *type = &m->in[i]->value->type;
    if (m->in[i]->every) { /* all samples of all windows, one by one */
      int64_t total = longest_window(m) + (t->calls - 1) * hop, size = type_step_size(type);
      text_printf(&t->out, "static const %s in%d[][%lld] = {", c_elem_name(b->elem), i,
                  (long long)(b->count));
      for (int64_t s = 0; s < total; s++) {
        text_add(&t->out, "{");
        for (int64_t n = 0; n < k->batch; n++)
          for (int64_t e = 0; e < size; e++)
            number(&t->out, input_value(type, n, i, s * size + e));
        text_add(&t->out, "},\n");
      }
      text_add(&t->out, "};\n");
      continue;
    }
    text_printf(&t->out, "static const %s in%d[][%lld] = {", c_elem_name(b->elem), i,
                (long long)b->count);
    for (int64_t c = 0; c < t->calls; c++) {
      int64_t slots = port_slots(t, type);
      text_add(&t->out, "{");
      port_values(t, i, false, runs + c * k->batch, stream && slots ? c * slots : 0, slots, slots);
      text_add(&t->out, "},\n");
    }
    text_add(&t->out, "};\n");
  }
  for (int i = 0; i < m->n_out; i++) {
    KirBuffer *b = k->port[m->n_in + i].buffer;
    const Type *type = &m->out[i]->value->type;
    text_printf(&t->out, "static const double want%d[][%lld] = {", i, (long long)b->count);
    for (int64_t c = 0; c < t->calls; c++) {
      int64_t slots = port_slots(t, type);
      text_add(&t->out, "{");
      port_values(t, i, true, runs + c * k->batch, stream && slots ? c * slots - type->time.lag : 0,
                  slots, slots);
      text_add(&t->out, "},\n");
    }
    text_add(&t->out, "};\n");
    text_printf(&t->out, "static %s out%d[%lld];\n", c_elem_name(b->elem), i, (long long)b->count);
  }
  if (k->n_lengths) {
    text_add(&t->out, "static const size_t lengths[][8][64] = {");
    for (int64_t c = 0; c < t->calls; c++) {
      text_add(&t->out, "{");
      for (int i = 1; i < m->n_lengths; i++) {
        if (m->length[i].from) continue;
        text_add(&t->out, "{");
        for (int64_t b = 0; b < k->batch; b++)
          text_printf(&t->out, "%lld,", (long long)length_of(m, i, c * k->batch + b));
        text_add(&t->out, "},");
      }
      text_add(&t->out, "},\n");
    }
    text_add(&t->out, "};\n");
  }
}

/* Argument of a call: the port's array, cast to the shape of the parameter. */
static void argument(Tool *t, const KirBuffer *b, const char *array, const char *row) {
  Text *out = &t->out;
  if (b->rank == 0) {
    text_printf(out, "%s%s[0]", array, row);
    return;
  }
  if (b->rank > 1 && !t->c.flat_arrays) {
    text_printf(out, "(%s%s (*)", b->space == KIR_IN ? "const " : "", c_elem_name(b->elem));
    for (int d = 1; d < b->rank; d++)
      text_printf(out, "[%lld]", (long long)b->dim[d]);
    text_add(out, ")");
  }
  text_printf(out, "%s%s", array, row);
}

static void call(Tool *t, const KirFunc *f, const char *row, const char *assign) {
  const KirModule *k = t->kir;
  Text *out = &t->out;
  int length = 0;
  text_printf(out, "%s%s_%s(", f->returns_status ? assign : "", k->name, f->name);
  const char *comma = "";
  if (f->uses_state) {
    text_add(out, "&state");
    comma = ", ";
  }
  for (int i = 0; i < f->n_buffers; i++, comma = ", ") {
    const KirBuffer *b = f->buffers[i];
    text_add(out, comma);
    if (b->elem == KIR_SIZE) {
      text_printf(out, k->batch > 1 ? "lengths[c][%d]" : "lengths[c][%d][0]", length++);
      continue;
    }
    for (int p = 0; p < k->n_ports; p++) {
      if (k->port[p].buffer != b && k->port[p].run_buffer != b) continue;
      bool is_out = k->port[p].is_out;
      int number_of = is_out ? p - t->model->n_in : p;
      argument(t, b, arena_printf(t->arena, "%s%d", is_out ? "out" : "in", number_of),
               is_out             ? ""
               : k->port[p].every ? "[s]"
                                  : row);
    }
  }
  if (f->takes_weights) text_printf(out, "%sextern_weights", comma);
  if (t->c.scratch == C_SCRATCH_CALLER && f->uses_scratch && k->scratch_bytes > 0)
    text_add(out, ", scratch");
  text_add(out, ");\n");
}

static const KirFunc *func_of(const KirModule *k, KirFuncKind kind) {
  for (int i = 0; i < k->n_funcs; i++)
    if (k->func[i]->kind == kind) return k->func[i];
  return NULL;
}

static void compare(Tool *t) {
  const Model *m = t->model;
  text_add(&t->out, "    call = c;\n");
  for (int i = 0; i < m->n_out; i++) {
    const KirBuffer *b = t->kir->port[m->n_in + i].buffer;
    bool last_only = t->kir->run_kind == KIR_STREAM && !type_is_sequence(&m->out[i]->value->type);
    text_printf(&t->out, "    %scheck(want%d[c], %lld, %d);\n",
                last_only ? arena_printf(t->arena, "if (c == %lld) ", (long long)t->calls - 1) : "",
                i, (long long)b->count, i);
  }
}

static void write_check(Tool *t) {
  const KirModule *k = t->kir;
  Text *out = &t->out;
  const KirFunc *run = func_of(k, KIR_RUN), *step = func_of(k, KIR_STEP),
                *reset = func_of(k, KIR_RESET), *push = func_of(k, KIR_PUSH);
  text_add(out, "#include \"model.h\"\n#include <stdio.h>\n#include <string.h>\n");
  tables(t);
  if (t->c.scratch == C_SCRATCH_CALLER)
    text_printf(out, "static float scratch[%lld];\n", (long long)k->scratch_bytes / 4 + 1);
  if (k->weights_extern) {
    Text block = text_new(t->arena);
    block_write(k, &block);
    text_add(out, "static const unsigned char extern_weights[] __attribute__((aligned(64))) = {");
    for (size_t i = 0; i < block.len; i++)
      text_printf(out, "%u,", (unsigned char)text_str(&block)[i]);
    text_add(out, "};\n");
  }
  text_add(out, "static double worst, scale;\nstatic int bits;\n");
  text_printf(
      out,
      "static void value(const double *want, double got, int i) {\n"
      "  double e = got - want[i];\n  if (e < 0) e = -e;\n"
      "  if (!(e <= worst)) worst = e;\n"
      "  if (want[i] > scale) scale = want[i];\n  if (-want[i] > scale) scale = -want[i];\n}\n");
  /* sample, output, element counted from the first call */
  text_printf(out,
              "static int call;\nstatic void name(int i, int n, int out) {\n  int each = n / %lld, "
              "b = i / each;\n",
              (long long)k->batch);
  if (k->run_kind == KIR_WHOLE)
    text_printf(out, "  printf(\"%%03d %%02d %%06d \", call * %lld + b, out, i %% each);\n}\n",
                (long long)k->batch);
  else
    text_add(out, "  printf(\"%03d %02d %06d \", b, out, call * each + i % each);\n}\n");
  text_add(
      out,
      "static void check(const double *want, int n, int out) {\n  for (int i = 0; i < n; i++) {\n");
  for (int i = 0; i < t->model->n_out; i++) {
    const KirBuffer *b = k->port[t->model->n_in + i].buffer;
    text_printf(out, "    if (out == %d) {\n      value(want, (double)out%d[i], i);\n", i, i);
    if (b->elem == KIR_F32)
      text_printf(out,
                  "      if (bits) { unsigned u; memcpy(&u, &out%d[i], sizeof u); name(i, n, out); "
                  "printf(\"%%08x\\n\", u); }\n",
                  i);
    else
      text_printf(out, "      if (bits) { name(i, n, out); printf(\"%%d\\n\", (int)out%d[i]); }\n",
                  i);
    text_add(out, "    }\n");
  }
  text_add(out, "  }\n}\n\nint main(int argc, char **argv) {\n  int status = 0;\n  (void)argv;\n  "
                "bits = argc > 1;\n  (void)status;\n");
  if (step || push)
    text_printf(out, "  static %s_%s state;\n  memset(&state, 0x55, sizeof state);\n", k->name,
                step ? "state" : "window");
  if (reset) {
    text_add(out, "  ");
    call(t, reset, "[0]", "");
  }
  if (push) {
    int64_t n = 0, hop = 1;
    for (int i = 0; i < t->model->n_in; i++)
      if (t->model->in[i]->every) n = longest_window(t->model), hop = t->model->in[i]->every;
    text_printf(out,
                "  for (int c = 0, s = 0; c < %lld; c++) {\n    int n = c ? %lld : %lld;\n    for "
                "(int k = 0; k < n; k++, s++) {\n      ",
                (long long)t->calls, (long long)hop, (long long)n);
    call(t, push, "[c]", "status = ");
    text_add(out, "      if ((status == GRUS_OK) != (k == n - 1)) { printf(\"push returned "
                  "%d\\n\", status); return 1; }\n    }\n");
  } else {
    text_printf(out, "  for (int c = 0; c < %lld; c++) {\n    ", (long long)t->calls);
    call(t, step ? step : run, "[c]", "status = ");
    text_printf(out,
                "    if (c < %lld) {\n      if (status != GRUS_NO_OUTPUT) { printf(\"step returned "
                "%%d\\n\", status); return 1; }\n      continue;\n    }\n",
                (long long)k->first_output);
    text_add(out, "    if (status != GRUS_OK) { printf(\"returned %d\\n\", status); return 1; }\n");
  }
  compare(t);
  text_add(out, "  }\n  if (!bits) printf(\"greatest error %.3g of %.3g\\n\", worst, scale);\n");
  text_printf(out, "  return !(worst <= %g * (scale > 1e-3 ? scale : 1e-3));\n}\n",
              t->lower.target && lower_rounds(t->model, t->lower.target) ? rounded_part
                                                                         : exact_part);
}

/* The model in integers, with ranges as the evaluator shows them. */
static bool quantise(Tool *t, Diags *diags) {
  enum { STEPS = 200 };
  Ranges ranges = {0};
  if (!t->precision) return true;
  for (int i = 0; i < PRECISION_COUNT; i++)
    if (!strcmp(precision_name[i], t->precision)) t->model->precision = (Precision)i;
  EvalRun run = evaluate(t, 0, STEPS * t->model->steps_per_call, 0);
  return !ranges_observe(t->arena, t->model, &run, &ranges) &&
         model_quantise(t->model, &ranges, NULL, diags);
}

/* ---- files ---- */

static void write_file(Tool *t, const char *dir, const char *name, const Text *text) {
  FILE *f = fopen(arena_printf(t->arena, "%s/%s", dir, name), "wb");
  if (!f || fwrite(text_str(text), 1, text->len, f) != text->len || fclose(f)) {
    fprintf(stderr, "kernel_tool: cannot write %s/%s\n", dir, name);
    exit(3);
  }
}

static char *read_file(Tool *t, const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  if (!f) {
    fprintf(stderr, "kernel_tool: cannot read %s\n", path);
    exit(3);
  }
  char *text = arena_alloc(t->arena, 1 << 20);
  *len = fread(text, 1, (1 << 20) - 1, f);
  fclose(f);
  return text;
}

static bool option(Tool *t, const char *arg) {
  const char *v = strchr(arg, '=') ? strchr(arg, '=') + 1 : "";
  if (!strncmp(arg, "--target=", 9)) return (t->lower.target = target_find(v)) != NULL;
  if (!strncmp(arg, "--batch=", 8)) return (t->lower.batch = atoi(v)) > 0;
  if (!strncmp(arg, "--chunk=", 8)) return (t->lower.chunk = atoi(v)) > 0;
  if (!strncmp(arg, "--calls=", 8)) return (t->calls = atoi(v)) > 0;
  if (!strncmp(arg, "--precision=", 12)) return (t->precision = v) != NULL;
  if (!strcmp(arg, "--vectors=iso")) return (t->c.vectors = C_VECTORS_ISO, true);
  if (!strcmp(arg, "--scratch=static")) return (t->c.scratch = C_SCRATCH_STATIC, true);
  if (!strcmp(arg, "--scratch=caller")) return (t->c.scratch = C_SCRATCH_CALLER, true);
  if (!strcmp(arg, "--math=fast")) return (t->lower.math_fast = true);
  if (!strcmp(arg, "--flat")) return (t->c.flat_arrays = true);
  if (!strcmp(arg, "--header")) return (t->header = true);
  if (!strcmp(arg, "--extern")) return (t->lower.weights_extern = true);
  if (!strcmp(arg, "--dump")) return (t->dump = true);
  if (!strcmp(arg, "--report")) return (t->report = true);
  if (!strcmp(arg, "--wasm")) return (t->wasm = true);
  if (!strcmp(arg, "--prototypes")) return (t->prototypes = true);
  return false;
}

static void write_wasm(Tool *t, const char *dir) {
  WasmOptions options = {.compiler = "grus"};
  Text bytes = text_new(t->arena);
  const char *why = backend_wasm(t->kir, &options, &bytes);
  if (why) {
    fprintf(stderr, "kernel_tool: no WebAssembly: %s\n", why);
    exit(1);
  }
  write_file(t, dir, "model.wasm", &bytes);
}

int main(int argc, char **argv) {
  jmp_buf oom;
  if (argc < 3 || setjmp(oom)) return 2;
  Tool tool = {.calls = 4}, *t = &tool;
  t->arena = arena_new(&oom);
  for (int i = 3; i < argc; i++)
    if (!option(t, argv[i])) {
      fprintf(stderr, "kernel_tool: %s?\n", argv[i]);
      return 2;
    }
  Sources sources = {.arena = t->arena};
  Diags *diags = diags_new(t->arena, &sources);
  size_t len;
  char *text = read_file(t, argv[1], &len);
  const char *base = strrchr(argv[1], '/') ? strrchr(argv[1], '/') + 1 : argv[1];
  const Source *source = sources_add(&sources, base, text, len);
  ResolveOptions options = {0};
  Program *program = resolve(t->arena, source, parse(t->arena, source, diags), &options, diags);
  t->model = program->n_models ? program->model[0] : NULL;
  if (t->model && diags->n_errors == 0 && model_infer(t->model, diags)) {
    model_bind_random(t->model, 7);
    if (quantise(t, diags)) t->kir = lower(t->model, &t->lower, t->arena, diags);
  }
  for (const Diag *d = diags->first; d; d = d->next) {
    if (d->level != LEVEL_ERROR) continue;
    fprintf(stderr, "%s: %s: %s\n", base, diag_info[d->code].code, d->message);
    for (size_t i = 0; i < d->n_notes; i++)
      fprintf(stderr, "  %s\n", d->notes[i]);
  }
  if (!t->kir) return 1;
  t->kir->source_path = base;
  t->c.header_name = "model.h";
  Text header = text_new(t->arena), code = text_new(t->arena), shown = text_new(t->arena);
  if (t->header) {
    backend_c_header(t->kir, &t->c, &header);
    text_add(&code, "#include \"model.h\"\n");
  } else
    backend_c(t->kir, &t->c, &header, &code);
  if (t->dump) kir_print(t->kir, &shown);
  if (t->prototypes) backend_c_prototypes(t->kir, &t->c, &shown);
  if (t->report) {
    Report report = report_new(t->kir, t->arena);
    report_text(&report, &shown);
    report_json(&report, &shown);
  }
  fputs(text_str(&shown), stdout);
  t->out = text_new(t->arena);
  write_check(t);
  write_file(t, argv[2], "model.h", &header);
  write_file(t, argv[2], "model.c", &code);
  write_file(t, argv[2], "check.c", &t->out);
  if (t->wasm) write_wasm(t, argv[2]);
  arena_free(t->arena);
  return 0;
}
