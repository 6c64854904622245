/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus bench: the time of a call and of a step on this machine, in repeated blocks, beside the time
 * this machine needs just to read the model's weights once, measured in the same run. */
#include "backend/report.h"
#include "driver/apart.h"
#include "driver/bench_svg.h"
#include "driver/emitted.h"
#include "driver/emulator.h"
#include "driver/machine.h"
#include "driver/measure.h"
#include "driver/native.h"
#include "driver/trial.h"

#include <string.h>

/* One model ready to be called again and again on the same random input. */
typedef struct Subject {
  const GrusProgram *program;
  const void **in;
  void **out;
  void *state;
  size_t *lengths;
} Subject;

static size_t port_bytes(const GrusPort *p) {
  size_t n = 4;
  for (int i = 0; i < p->rank; i++)
    n *= p->axes[i].size;
  return n;
}

/* Bounded lengths are `steps`, or their bounds where steps is 0 or more than they take. */
static Subject subject_new(Session *s, const GrusProgram *program, long steps) {
  Subject b = {.program = program,
               .in = ARENA_ARRAY(s->arena, const void *, program->port_count + 1),
               .out = ARENA_ARRAY(s->arena, void *, program->port_count + 1),
               .lengths =
                   ARENA_ARRAY(s->arena, size_t, program->length_count * program->batch + 1)};
  int n_in = 0, n_out = 0, n_init = 0;
  const void **init = ARENA_ARRAY(s->arena, const void *, program->port_count + 1);
  uint64_t seed = 1;
  for (size_t i = 0; i < program->port_count; i++) {
    const GrusPort *p = &program->ports[i];
    size_t bytes = port_bytes(p) * program->batch;
    char *data = arena_alloc(s->arena, bytes + 64);
    for (size_t k = 0; p->role != GRUS_ROLE_OUT && p->elem == GRUS_ELEM_F32 && k < bytes / 4; k++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      ((float *)(void *)data)[k] = (float)((double)(seed >> 40) * 0x1p-23 - 1);
    }
    if (p->role == GRUS_ROLE_OUT)
      b.out[n_out++] = data;
    else if (p->role == GRUS_ROLE_INIT)
      init[n_init++] = data;
    else
      b.in[n_in++] = data;
  }
  for (size_t i = 0; i < program->length_count * program->batch; i++) {
    size_t bound = program->lengths[i / program->batch].bound;
    b.lengths[i] = steps > 0 && (size_t)steps < bound ? (size_t)steps : bound;
  }
  b.state = arena_alloc(s->arena, program->state_size + 128);
  b.state = (void *)(((uintptr_t)b.state + 63) / 64 * 64);
  if (program->reset) program->reset(b.state, init);
  return b;
}

static void call(const void *subject) {
  const Subject *b = subject;
  const GrusProgram *p = b->program;
  if (p->kind == GRUS_KIND_RUN)
    p->run(b->lengths, b->in, b->out);
  else if (p->kind == GRUS_KIND_STREAM)
    p->step(b->state, b->in, b->out);
  else
    p->push(b->state, b->in, b->out);
}

/* Steps of the longest input that one call takes; of a stream, base steps. 1: no time axis. */
static long steps_of_call(const KirModule *m, const Subject *b) {
  long steps = 1;
  if (m->run_kind == KIR_STREAM) return (long)m->steps_per_call;
  if (m->run_kind == KIR_WINDOW) return 1;
  for (size_t i = 0; i < b->program->port_count; i++) {
    const GrusPort *p = &b->program->ports[i];
    if (p->role != GRUS_ROLE_IN || p->time_axis < 0) continue;
    size_t n = p->time == GRUS_TIME_BOUNDED ? b->lengths[(size_t)p->length * b->program->batch]
                                            : p->axes[p->time_axis].size;
    if ((long)n > steps) steps = (long)n;
  }
  return steps;
}

/* What was measured: who made the machine code, for what, and what makes the same. */
typedef struct Made {
  const char *what;     /* "machine code", "a header" */
  const char *compiler; /* "LLVM 19.1.7", "gcc -O2" */
  const char *target;   /* "x86-64-v4" */
  const char *same;     /* "grus build --target native -o hand.o" */
  const char *run_with; /* "qemu-aarch64"; NULL: this machine runs it */
  bool is_multi;        /* bodies for several processors */
} Made;

typedef struct BenchResult {
  Made made;
  Spread ns; /* a call */
  double instructions, reading;
  long steps;
} BenchResult;

static void print_json(const Model *model, const KirModule *m, const Report *report,
                       const BenchResult *r, Text *out) {
  double each = (double)(r->steps * m->batch);
  text_add(out, "{\"model\":");
  text_add_json(out, model->name);
  text_add(out, ",\"made\":");
  text_add_json(out, r->made.what);
  text_add(out, ",\"compiler\":");
  text_add_json(out, r->made.compiler);
  text_add(out, ",\"target\":");
  text_add_json(out, r->made.target);
  if (r->made.run_with) {
    text_add(out, ",\"run_with\":");
    text_add_json(out, r->made.run_with);
  }
  if (!r->made.is_multi) text_printf(out, ",\"lanes\":%d", m->lanes);
  text_printf(out,
              ",\"batch\":%lld,\"steps_per_call\":%ld,\"ns_per_call\":{\"min\":%.1f,\"median\":%."
              "1f,\"p99\":%.1f}",
              (long long)m->batch, r->steps, r->ns.min, r->ns.median, r->ns.p99);
  text_printf(out, ",\"ns_per_step\":{\"min\":%.2f,\"median\":%.2f,\"p99\":%.2f}", r->ns.min / each,
              r->ns.median / each, r->ns.p99 / each);
  text_printf(out, ",\"weight_bytes\":%lld,\"macs\":%lld,\"ns_to_read_weights\":",
              (long long)report->flash, (long long)report->macs);
  if (r->reading > 0)
    text_printf(out, "%.1f", r->reading);
  else
    text_add(out, "null");
  text_add(out, ",\"instructions_per_call\":");
  if (r->instructions > 0)
    text_printf(out, "%.0f}\n", r->instructions);
  else
    text_add(out, "null}\n");
}

static void print_text(const Model *model, const KirModule *m, const Report *report,
                       const BenchResult *r, Text *out) {
  long long each = (long long)r->steps * m->batch;
  text_printf(out, "%s: %.4g ns a call (median), %.4g least, %.4g p99; one thread", model->name,
              r->ns.median, r->ns.min, r->ns.p99);
  if (r->made.is_multi)
    text_add(out, "\n");
  else
    text_printf(out, ", %d lanes\n", m->lanes);
  if (each > 1)
    text_printf(out, "  %.4g ns a step (median), %.4g least, %.4g p99", r->ns.median / (double)each,
                r->ns.min / (double)each, r->ns.p99 / (double)each);
  if (each > 1 && m->batch > 1)
    text_printf(out, "; %lld samples of %ld %s\n", (long long)m->batch, r->steps,
                r->steps > 1 ? "steps" : "step");
  else if (each > 1)
    text_printf(out, "; %ld steps a call\n", r->steps);
  text_printf(out, "  %s for %s, by `%s`; `%s` gives the same\n", r->made.what, r->made.target,
              r->made.compiler, r->made.same);
  if (r->made.run_with)
    text_printf(out, "  run with `%s`: times of an emulator are not those of the processor\n",
                r->made.run_with);
  if (r->instructions > 0) text_printf(out, "  %.0f instructions a call\n", r->instructions);
  if (report->macs)
    text_printf(out, "  %lld multiply-adds, %.3g ns each\n", (long long)report->macs,
                r->ns.median / (double)report->macs);
  if (report->flash && r->reading > 0)
    text_printf(out,
                "  %lld bytes of weights; reading them once takes %.4g ns here: %.2f times that\n",
                (long long)report->flash, r->reading, r->ns.median / r->reading);
}

static void print_svg(const Model *model, const KirModule *m, const Report *report,
                      const BenchResult *r, Text *out) {
  (void)m;
  const char *title = arena_printf(out->arena, "%s: %.0f ns a call", model->name, r->ns.median);
  const char *note =
      arena_printf(out->arena, "%s for %s, by %s; %lld multiply-adds; one thread", r->made.what,
                   r->made.target, r->made.compiler, (long long)report->macs);
  bench_svg(out, title, note, &r->ns, report->flash ? r->reading : 0);
}

static const char *target_words(const Session *s, bool in_place) {
  const Options *o = s->options;
  if (o->dispatch) return " --dispatch";
  return o->target  ? arena_printf(s->arena, " --target %s", o->target)
         : in_place ? " --target native"
                    : "";
}

static Made made_in_place(const Session *s, const Model *model) {
  const Options *o = s->options;
  bool llvm = native_chosen(s);
  const char *compiler = llvm ? arena_printf(s->arena, "LLVM %s", backend_llvm_version())
                              : arena_printf(s->arena, "%s -O%s -ffp-contract=off %s", c_compiler(),
                                             o->optimise ? o->optimise : "2", s->machine.flags);
  const char *same =
      arena_printf(s->arena, "grus build%s -o %s.o", target_words(s, true), model->name);
  return (Made){"machine code", compiler, s->machine.name, same, o->run_with, false};
}

static Made made_of_c(const Session *s, const Model *model) {
  const Options *o = s->options;
  bool header = strcmp(o->emit, "header") == 0;
  COptions c = emitted_options(s, model);
  const char *target = o->dispatch           ? "the processor it runs on"
                       : machine_is_multi(o) ? "the compiler's flags"
                                             : s->machine.name;
  const char *same = arena_printf(s->arena, "grus build%s -o %s.%c", target_words(s, false),
                                  model->name, header ? 'h' : 'c');
  return (Made){header ? "a header" : "C", emitted_command(s, &c), target, same, o->run_with,
                machine_is_multi(o)};
}

/* --emit and --cc go together; what is no C cannot be asked for. */
static bool options_fit(Session *s) {
  const Options *o = s->options;
  if (o->emit && strcmp(o->emit, "c") != 0 && strcmp(o->emit, "header") != 0)
    session_error(s,
                  "`grus bench --emit` is c or header, not `%s`; without it, machine code is "
                  "measured in memory",
                  o->emit);
  else if (o->cc && !o->emit)
    session_error(s, "`--cc` compiles the C of `--emit=c` or `--emit=header`: add one of them");
  else if (o->dispatch && !o->emit)
    session_error(s, "`--dispatch` works only for C: add `--emit=c` or `--emit=header`");
  else
    return true;
  return false;
}

/* What is measured here, and of a program of its own what its clock says. False after reporting. */
static bool take_times(Session *s, Timed timed, const Report *report, long least, BenchResult *r) {
  const Subject *subject = timed.subject;
  if (apart_is(subject->program)) {
    call(subject);
    return apart_times(s, least, &r->ns);
  }
  r->ns = measure_calls(s->arena, timed, least);
  r->instructions = measure_instructions(timed);
  r->reading = report->flash ? measure_reading(s->arena, report->flash) : 1;
  return true;
}

ExitCode command_bench(Session *s) {
  const Source *source;
  Options *o = s->options;
  if (!options_fit(s) || !native_names_fit(s, !o->emit && native_chosen(s))) return EXIT_USAGE;
  Model *model = build_model(s, &source);
  KirModule *m = model ? build_lower(s, model, source, !o->emit) : NULL;
  session_print_diags(s);
  if (s->usage_trouble || (m && !emulator_runs(s))) return EXIT_USAGE;
  if (!m || s->diags->n_errors) return session_failure_code(s);
  const GrusProgram *program =
      o->emit ? emitted_load(s, model, source, m, strcmp(o->emit, "header") == 0)
              : trial_load(s, m);
  if (!program)
    return s->usage_trouble ? EXIT_USAGE : s->diags->n_errors ? session_failure_code(s) : EXIT_FILE;
  Subject subject = subject_new(s, program, o->steps);
  Timed timed = {call, &subject};
  Report report = report_new(m, s->arena);
  BenchResult r = {.steps = steps_of_call(m, &subject),
                   .made = o->emit ? made_of_c(s, model) : made_in_place(s, model)};
  if (!take_times(s, timed, &report, (o->steps + r.steps - 1) / r.steps, &r)) return EXIT_FILE;
  Text out = text_new(s->arena);
  (o->json ? print_json : o->svg ? print_svg : print_text)(model, m, &report, &r, &out);
  session_out(text_str(&out), out.len);
  return EXIT_DONE;
}
