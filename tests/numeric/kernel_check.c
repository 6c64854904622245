/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The program that compares; see kernel_tool.h. */
#include "kernel_tool.h"

#include "backend/block.h"
#include "model/infer/infer.h"

#include <string.h>

/* What results may be off by, of the largest: sums in f32, and of operands rounded to bf16. */
static const double exact_part = 3e-6, rounded_part = 0x1p-6;

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
  tool_around(type, time_pos, &outer, &inner);
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
          tool_evaluate(t, sample, stream ? t->calls * k->steps_per_call : 0, window ? c * hop : 0);
    }
  for (int i = 0; i < m->n_in; i++) {
    KirBuffer *b = k->port[i].buffer;
    const Type *type = &m->in[i]->value->type;
    if (m->in[i]->every) { /* all samples of all windows, one by one */
      int64_t total = tool_longest_window(m) + (t->calls - 1) * hop, size = type_step_size(type);
      text_printf(&t->out, "static const %s in%d[][%lld] = {", c_elem_name(b->elem), i,
                  (long long)(b->count));
      for (int64_t s = 0; s < total; s++) {
        text_add(&t->out, "{");
        for (int64_t n = 0; n < k->batch; n++)
          for (int64_t e = 0; e < size; e++)
            number(&t->out, tool_input(type, n, i, s * size + e));
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
          text_printf(&t->out, "%lld,", (long long)tool_length(m, i, c * k->batch + b));
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

void tool_write_check(Tool *t) {
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
      if (t->model->in[i]->every) n = tool_longest_window(t->model), hop = t->model->in[i]->every;
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
