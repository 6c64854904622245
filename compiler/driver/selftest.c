/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a self-test expects; see selftest.h. Codes: the layers of the model in order from 1 on;
 * after them the outputs, for when every layer alone is right; -1: the model refused inputs that
 * are good; -2: the block of weights of an extern build is another one. */
#include "driver/selftest.h"

#include "backend/block.h"
#include "driver/machine.h"
#include "driver/multi.h"
#include "driver/trial.h"
#include "model/quant/quant.h"

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

static int port_of(const KirModule *m, const KirBuffer *b) {
  int i = 0;
  while (i < m->n_ports && m->port[i].buffer != b)
    i++;
  return i;
}

static bool moves_on(const KirModule *m, const KirPort *p) {
  return m->run_kind != KIR_WHOLE && p->has_time && (m->run_kind == KIR_STREAM || p->every);
}

/* Room for all calls of every input, with all places of a batch; of a bounded length, the part that
 * is used. */
static void prepare(Session *s, const KirModule *m, const Model *model, int calls, Recorded *in,
                    int64_t *length) {
  for (int i = 0; i < model->n_in; i++) {
    const KirPort *p = &m->port[i];
    const Type *type = &model->in[i]->value->type;
    int64_t n = p->buffer->count * (moves_on(m, p) ? calls : 1);
    in[i] = (Recorded){.data = ARENA_ARRAY(s->arena, double, n), .count = n};
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

/* What place b of the batch gets, call by call. */
static void take_place(Session *s, const KirModule *m, const Model *model, const Recorded *in,
                       int64_t b, Recorded *one) {
  for (int i = 0; i < model->n_in; i++) {
    const int64_t each = m->port[i].buffer->count, own = each / m->batch,
                  calls = in[i].count / each, step = type_step_size(&model->in[i]->value->type);
    one[i] = (Recorded){.data = ARENA_ARRAY(s->arena, double, (own * calls + 1)),
                        .count = own * calls,
                        .steps = own * calls / (step ? step : 1)};
    for (int64_t call = 0; call < calls; call++)
      memcpy(one[i].data + call * own, in[i].data + call * each + b * own,
             (size_t)own * sizeof *one[i].data);
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

/* The n elements that the last call gave. */
static const double *last_call(const Recorded *value, int64_t n) {
  return value->data + value->count - n;
}

/* Some elements of the last call's value, of all places of the batch: output i of values[place]. */
static CExpected expect(Session *s, const KirModule *m, int port, Recorded *const *values,
                        int i_out, bool exact, int code, int samples) {
  const KirPort *p = &m->port[port];
  bool in_calls = m->run_kind == KIR_STREAM && p->has_time;
  int64_t room = p->buffer->count / m->batch;
  int64_t each = in_calls ? room : values[0][i_out].count, n = each * m->batch;
  int count = (int)(n < samples ? n : samples);
  bool in_order = true;
  int64_t *at = ARENA_ARRAY(s->arena, int64_t, count + 1);
  float *want = ARENA_ARRAY(s->arena, float, count + 1);
  double scale = 0;
  for (int64_t i = 0; i < n; i++)
    scale = fmax(scale, fabs(last_call(&values[i / each][i_out], each)[i % each]));
  for (int i = 0; i < count; i++) {
    int64_t k = count > 1 ? i * (n - 1) / (count - 1) : 0;
    const Recorded *value = &values[k / each][i_out];
    at[i] = k / each * room + place(p, value->steps, k % each);
    in_order &= at[i] == i;
    want[i] = (float)last_call(value, each)[k % each];
  }
  double wide = s->options->math_fast ? fast : relative;
  return (CExpected){.port = port,
                     .code = code,
                     .n = count,
                     .at = in_order ? NULL : at,
                     .want = want,
                     .tolerance = exact ? 0 : (float)(absolute + wide * scale)};
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

/* The model with its layers as outputs; *made is NULL if none has a value that can be shown, or if
 * weights that were rounded for this model do not fit it then. False after reporting. */
static bool probe(Session *s, Model *model, const Source *source, int *codes, KirModule ***made) {
  bool is_multi = machine_is_multi(s->options);
  int first = model->n_out, n = is_multi ? multi_count() : 1;
  *made = NULL;
  if (!trial_add_layers(s, model, source, model->run == RUN_STREAM, codes)) {
    session_reset_diags(s);
    session_say(s, "grus: the self-test compares only the outputs: the rounded weights do not fit "
                   "a model with every layer as an output");
    return true;
  }
  if (model->n_out == first) return true;
  *made = ARENA_ARRAY(s->arena, KirModule *, n);
  for (int i = 0; i < n; i++) {
    (*made)[i] =
        build_lower_for(s, model, source, is_multi ? multi_target(i) : s->machine.schedule);
    if ((*made)[i]) continue;
    session_print_diags(s);
    return false;
  }
  return true;
}

/* Inputs as the target makes them, and what the evaluator gives for each place of the batch. */
static bool evaluate(Session *s, const KirModule *m, const Model *model, int calls, int64_t *length,
                     Recorded **values) {
  Recorded *in = ARENA_ARRAY(s->arena, Recorded, model->n_in + 1),
           *one = ARENA_ARRAY(s->arena, Recorded, model->n_in + 1);
  uint32_t state = 1;
  KirFuncKind kind = m->run_kind == KIR_STREAM   ? KIR_STEP
                     : m->run_kind == KIR_WINDOW ? KIR_PUSH
                                                 : KIR_RUN;
  prepare(s, m, model, calls, in, length);
  fill(m, kir_func_find(m, KIR_RESET), false, 0, in, &state);
  fill(m, kir_func_find(m, kind), false, 0, in, &state);
  for (int call = 0; call < calls && m->run_kind != KIR_WHOLE; call++)
    fill(m, kir_func_find(m, kind), true, call, in, &state);
  for (int64_t b = 0; b < m->batch; b++) {
    values[b] = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
    take_place(s, m, model, in, b, one);
    cut_to_length(m, model, length, one);
    if (trial_reference(s, model, one, values[b], NULL) != EVAL_OK)
      return refuse(s, "generates inputs that the evaluator does not accept: an internal error, "
                       "please report it");
  }
  return true;
}

/* Integers give the same bits everywhere. */
static bool is_exact(const Model *model, int out) {
  return model->quant && quant_is_exact(model, model->out[out]->value);
}

/* The head of the block of weights that the numbers belong to. */
static const char *block_head(Session *s, const KirModule *m) {
  Text block = text_new(s->arena);
  if (!m->weights_extern) return NULL;
  block_write(m, &block);
  return text_str(&block);
}

bool selftest_make(Session *s, Model *model, const Source *source, const KirModule *m,
                   const CSelftest **out) {
  int n_out = model->n_out;
  int *codes = ARENA_ARRAY(s->arena, int, model->n_layers + 1);
  const Quant *own = model->quant, *shown;
  KirModule **probes, *layers;
  if (!probe(s, model, source, codes, &probes)) return false;
  layers = probes ? *probes : NULL; /* all have the same interface */
  if (layers && m->weights_extern) backend_c_share_block(layers, m);
  int n_all = model->n_out;
  shown = model->quant;
  CSelftest *test = ARENA_NEW(s->arena, CSelftest);
  *test = (CSelftest){.probe = (const KirModule *const *)probes,
                      .calls = calls_of(layers ? layers : m),
                      .block_head = block_head(s, m)};
  int64_t *length = ARENA_ARRAY(s->arena, int64_t, m->n_lengths + 1);
  Recorded **values = ARENA_ARRAY(s->arena, Recorded *, m->batch + 1);
  CExpected *outs = ARENA_ARRAY(s->arena, CExpected, n_all + 1),
            *inside = ARENA_ARRAY(s->arena, CExpected, n_all + 1);
  model->n_out = n_out;
  model->quant = own;
  if (!evaluate(s, m, model, test->calls, length, values)) return false;
  for (int i = 0; i < n_out; i++)
    outs[test->n_out++] = expect(s, m, m->n_ports - n_out + i, values, i, is_exact(model, i),
                                 model->n_layers + 1 + i, OUTPUT_SAMPLES);
  model->n_out = n_all;
  model->quant = shown;
  if (layers && !evaluate(s, m, model, test->calls, length, values)) return false;
  for (int i = n_out; layers && i < model->n_out; i++)
    inside[test->n_layers++] = expect(s, layers, layers->n_ports - model->n_out + i, values, i,
                                      is_exact(model, i), codes[i - n_out], LAYER_SAMPLES);
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
    text_add(&line, "0: every output is right\n");
  else if (code == -1)
    text_add(
        &line,
        "-1: the model rejected valid inputs: the running code is not the code of this build\n");
  else if (code == -2)
    text_add(&line, "-2: the block holds other weights than the model names: the test compares "
                    "with the results of those\n");
  else if (layer) {
    text_printf(&line,
                "%ld: `%s` (%s) is the first layer with a wrong value; its inputs are right\n",
                code, layer->path, layer_text(s->arena, &s->sources, layer));
    const Source *source = sources_get(&s->sources, layer->span.file);
    if (source)
      text_printf(&line, "   %s:%u\n", source->path,
                  source_place(&s->sources, source, layer->span.begin).line);
    text_add(&line, "   Its weights in flash are damaged, or the C was not compiled with the flags "
                    "that the file names.\n");
  } else if (out >= 0 && out < model->n_out) {
    text_printf(&line,
                "%ld: output `%s` is wrong, although every layer alone is right: the C compiler "
                "translates the fused code wrongly\n",
                code, model->out[out]->name);
  } else {
    session_error(s, "no self-test of `%s` returns %ld: its codes are -2, -1, 0, and 1 to %d",
                  model->name, code, model->n_layers + model->n_out);
    s->usage_trouble = true;
    return EXIT_USAGE;
  }
  session_out(text_str(&line), line.len);
  return EXIT_DONE;
}
