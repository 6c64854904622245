/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a self-test expects; see selftest.h. Codes: the layers of the model in order from 1 on;
 * after them the outputs, for when every layer alone is right; -1: the model refused inputs that
 * are good. */
#include "driver/selftest.h"

#include "driver/machine.h"
#include "driver/trial.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Elements that are compared, of outputs and of layers: all, or so many at even distances. */
enum { OUTPUT_SAMPLES = 1024, LAYER_SAMPLES = 256, SPARE_CALLS = 4 };

/* As verify's defaults; wider for shorter functions. */
static const double absolute = 1e-5, relative = 1e-4, fast = 2e-3;

static uint32_t next_number(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/* The same expression as on the target, rounded as there. */
static double next_input(const KirBuffer *b, uint32_t *state) {
  uint32_t n = next_number(state);
  if (b->categories) return (double)(n % (uint32_t)b->categories);
  if (b->elem != KIR_F32) return (double)(n % 100u);
  float scaled = (float)(int32_t)n * 1.1920929e-7f;
  return (double)(scaled - 1.0f);
}

static const KirFunc *entry_of(const KirModule *m, KirFuncKind kind) {
  for (int i = 0; i < m->n_funcs; i++)
    if (m->func[i]->kind == kind) return m->func[i];
  return NULL;
}

static int port_of(const KirModule *m, const KirBuffer *b) {
  int i = 0;
  while (i < m->n_ports && m->port[i].buffer != b)
    i++;
  return i;
}

static bool moves_on(const KirModule *m, const KirPort *p) {
  return m->run_kind != KIR_WHOLE && p->has_time && (m->run_kind == KIR_STREAM || p->every);
}

/* Room for all calls of every input; of a bounded length, the part that is used. */
static void prepare(Session *s, const KirModule *m, const Model *model, int calls, Recorded *in,
                    int64_t *length) {
  for (int i = 0; i < model->n_in; i++) {
    const KirPort *p = &m->port[i];
    const Type *type = &model->in[i]->value->type;
    int64_t n = p->buffer->count * (moves_on(m, p) ? calls : 1), step = type_step_size(type);
    in[i] = (Recorded){
        .data = ARENA_ARRAY(s->arena, double, n), .count = n, .steps = n / (step ? step : 1)};
    if (type->time.kind == TIME_BOUNDED && p->length >= 0) {
      int64_t bound = m->length[p->length].bound;
      length[p->length] = bound - bound / 3;
    }
  }
}

/* In the order of the target: parameters of reset, then what stays, then what moves, call by
 * call. */
static void fill(const KirModule *m, const KirFunc *f, bool moving, int call, Recorded *in,
                 uint32_t *state) {
  for (int i = 0; f && i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    int k = port_of(m, b);
    if (b->space != KIR_IN || b->elem == KIR_SIZE || moves_on(m, &m->port[k]) != moving) continue;
    for (int64_t at = 0; at < b->count; at++)
      in[k].data[call * b->count + at] = next_input(b, state);
  }
}

/* The evaluator takes the steps that are there, one after the other; the interface has room for
 * all. */
static void cut_to_length(const KirModule *m, const Model *model, const int64_t *length,
                          Recorded *in) {
  for (int i = 0; i < model->n_in; i++) {
    const KirPort *p = &m->port[i];
    const Type *type = &model->in[i]->value->type;
    if (type->time.kind != TIME_BOUNDED || p->length < 0) continue;
    int64_t outer = 1, inner = 1, bound = p->dim[p->time_axis], n = length[p->length];
    for (int k = 0; k < p->rank; k++) {
      if (k < p->time_axis) outer *= p->dim[k];
      if (k > p->time_axis) inner *= p->dim[k];
    }
    for (int64_t o = 0; o < outer; o++)
      memmove(in[i].data + o * n * inner, in[i].data + o * bound * inner,
              (size_t)(n * inner) * sizeof *in[i].data);
    in[i].steps = n;
    in[i].count = outer * n * inner;
  }
}

/* Element `at` of the evaluator's value, which has `steps` of the bound along time, in the
 * interface. */
static int64_t place(const KirPort *p, int64_t steps, int64_t at) {
  if (p->time_axis < 0 || p->length < 0) return at;
  int64_t inner = 1, bound = p->dim[p->time_axis];
  for (int k = p->time_axis + 1; k < p->rank; k++)
    inner *= p->dim[k];
  return at / (steps * inner) * bound * inner + at % (steps * inner);
}

/* Some elements of the last call's value. */
static CExpected expect(Session *s, const KirModule *m, int port, const Recorded *value, int code,
                        int samples) {
  const KirPort *p = &m->port[port];
  bool in_calls = m->run_kind == KIR_STREAM && p->has_time;
  int64_t n = in_calls ? p->buffer->count : value->count, from = value->count - n;
  int count = (int)(n < samples ? n : samples);
  bool in_order = true;
  int64_t *at = ARENA_ARRAY(s->arena, int64_t, count + 1);
  float *want = ARENA_ARRAY(s->arena, float, count + 1);
  double scale = 0;
  for (int64_t i = 0; i < n; i++)
    scale = fmax(scale, fabs(value->data[from + i]));
  for (int i = 0; i < count; i++) {
    int64_t k = count > 1 ? i * (n - 1) / (count - 1) : 0;
    at[i] = place(p, value->steps, k);
    in_order &= at[i] == i;
    want[i] = (float)value->data[from + k];
  }
  double wide = s->options->math_fast ? fast : relative;
  return (CExpected){.port = port,
                     .code = code,
                     .n = count,
                     .at = in_order ? NULL : at,
                     .want = want,
                     .tolerance = (float)(absolute + wide * scale)};
}

/* Calls until every output of the module has a value, and some more. */
static int calls_of(const KirModule *m) {
  int64_t most = 0;
  if (m->run_kind == KIR_WHOLE) return 1;
  for (int i = 0; i < m->n_ports; i++) {
    const KirPort *p = &m->port[i];
    int64_t slots = m->steps_per_call / (p->period > 0 ? p->period : 1);
    if (m->run_kind == KIR_WINDOW && p->every && p->run_buffer->count / p->buffer->count > most)
      most = p->run_buffer->count / p->buffer->count;
    if (m->run_kind == KIR_STREAM && slots > 0 && (p->lag + slots - 1) / slots + SPARE_CALLS > most)
      most = (p->lag + slots - 1) / slots + SPARE_CALLS;
  }
  return (int)(most > 1 ? most : 1);
}

static bool refuse(Session *s, const char *why) {
  session_error(s, "--selftest %s", why);
  s->usage_trouble = true;
  return false;
}

/* Outputs for the layers, in the order of their codes; of a stream those that have a value at each
 * step. */
static KirModule *probe(Session *s, Model *model, const Source *source, int *codes) {
  int first = model->n_out;
  for (int i = 0; i < model->n_layers; i++) {
    Value *v = model->layer[i]->out[0];
    if (!v->typed || (model->run == RUN_STREAM && !type_is_stream(&v->type))) continue;
    codes[model->n_out - first] = i + 1;
    model_output(model, arena_printf(s->arena, "layer_%d", i + 1), v);
  }
  return model->n_out > first ? build_lower_for(s, model, source, s->machine.schedule) : NULL;
}

bool selftest_make(Session *s, Model *model, const Source *source, const KirModule *m,
                   const CSelftest **out) {
  int n_out = model->n_out;
  if (machine_is_multi(s->options))
    return refuse(s, "does not go with `--target multi`: test one processor at a time");
  if (weights_are_extern(s->options))
    return refuse(s, "needs the weights: `--weights=extern` leaves them to run time");
  if (m->batch > 1) return refuse(s, "does not go with --batch");
  if (model->quant)
    return refuse(s, "compares floats: arithmetic in integers gives the same bits everywhere, "
                     "compare a checksum");
  int *codes = ARENA_ARRAY(s->arena, int, model->n_layers + 1);
  KirModule *layers = probe(s, model, source, codes);
  if (model->n_out > n_out && !layers) return false;
  CSelftest *test = ARENA_NEW(s->arena, CSelftest);
  *test = (CSelftest){.probe = layers, .calls = calls_of(layers ? layers : m)};
  int64_t *length = ARENA_ARRAY(s->arena, int64_t, m->n_lengths + 1);
  Recorded *in = ARENA_ARRAY(s->arena, Recorded, model->n_in + 1),
           *value = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
  uint32_t state = 1;
  KirFuncKind kind = m->run_kind == KIR_STREAM   ? KIR_STEP
                     : m->run_kind == KIR_WINDOW ? KIR_PUSH
                                                 : KIR_RUN;
  prepare(s, m, model, test->calls, in, length);
  fill(m, entry_of(m, KIR_RESET), false, 0, in, &state);
  fill(m, entry_of(m, kind), false, 0, in, &state);
  for (int call = 0; call < test->calls && m->run_kind != KIR_WHOLE; call++)
    fill(m, entry_of(m, kind), true, call, in, &state);
  cut_to_length(m, model, length, in);
  if (trial_reference(s, model, in, value, NULL) != EVAL_OK)
    return refuse(
        s, "makes inputs that the evaluator does not accept: an internal error, please report it");
  CExpected *outs = ARENA_ARRAY(s->arena, CExpected, model->n_out + 1),
            *inside = ARENA_ARRAY(s->arena, CExpected, model->n_out + 1);
  for (int i = 0; i < n_out; i++)
    outs[test->n_out++] =
        expect(s, m, m->n_ports - n_out + i, &value[i], model->n_layers + 1 + i, OUTPUT_SAMPLES);
  for (int i = n_out; layers && i < model->n_out; i++)
    inside[test->n_layers++] = expect(s, layers, layers->n_ports - model->n_out + i, &value[i],
                                      codes[i - n_out], LAYER_SAMPLES);
  test->length = length;
  test->out = outs;
  test->layer = inside;
  *out = test;
  return true;
}

ExitCode selftest_explain(Session *s, const Model *model, long code) {
  Text line = text_new(s->arena);
  const Layer *layer = code > 0 && code <= model->n_layers ? model->layer[code - 1] : NULL;
  int out = (int)(code - model->n_layers - 1);
  if (code == 0)
    text_add(&line, "0: every output is what it should be\n");
  else if (code == -1)
    text_add(&line, "-1: the model refused inputs that it should take: the code that runs is not "
                    "that of this build\n");
  else if (layer) {
    text_printf(
        &line,
        "%ld: `%s` (%s) is the first layer whose value is wrong, given its inputs are right\n",
        code, layer->path, layer_text(s->arena, &s->sources, layer));
    const Source *source = sources_get(&s->sources, layer->span.file);
    if (source)
      text_printf(&line, "   %s:%u\n", source->path,
                  source_place(&s->sources, source, layer->span.begin).line);
    text_add(&line, "   Its weights in flash are damaged, or the compiler's flags are not those "
                    "that the file asks for.\n");
  } else if (out >= 0 && out < model->n_out) {
    text_printf(&line,
                "%ld: output `%s` is wrong, though every layer alone is right: the compiler makes "
                "something else of the fused code\n",
                code, model->out[out]->name);
  } else {
    session_error(s, "no self-test of `%s` returns %ld: its codes are -1, 0, and 1 to %d",
                  model->name, code, model->n_layers + model->n_out);
    s->usage_trouble = true;
    return EXIT_USAGE;
  }
  session_out(text_str(&line), line.len);
  return EXIT_DONE;
}
