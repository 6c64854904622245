/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recorded values by the readers of `grus run`; see recorded_file.h. The value is the only input of
 * a program whose entries note what they are called with. */
#include "driver/recorded_file.h"

#include "driver/version.h"

#include "runtime/host/host_port.h"

#include <string.h>

/* What the entries below write to: they are called without a context of ours. */
static struct {
  Arena *arena;
  const GrusPort *port;
  Recorded *sample;
  int n;
  size_t cap, cap_steps; /* samples, and elements of a recording of any steps */
} recording;

static int note_sample(const size_t *lengths, const void *const *in, void *const *out) {
  const GrusPort *p = recording.port;
  Recorded r = {.steps = p->time_axis < 0 ? 1 : (int64_t)p->axes[p->time_axis].size};
  (void)out;
  if (p->time == GRUS_TIME_BOUNDED) r.steps = (int64_t)lengths[0];
  r.count = r.steps * (int64_t)host_port_features(p);
  r.data = ARENA_ARRAY(recording.arena, double, r.count + 1);
  trial_take(p, in[0], r.data, r.steps);
  ARENA_PUSH(recording.arena, recording.sample, recording.n, recording.cap, r);
  return GRUS_OK;
}

static int note_start(void *state, const void *const *init) {
  (void)state;
  (void)init;
  ARENA_PUSH(recording.arena, recording.sample, recording.n, recording.cap, (Recorded){0});
  return GRUS_OK;
}

static int note_step(void *state, const void *const *in, void *const *out) {
  Recorded *r = &recording.sample[recording.n - 1];
  int64_t n = (int64_t)host_port_features(recording.port);
  (void)state;
  (void)out;
  r->data = arena_grow(recording.arena, r->data, &recording.cap_steps, (size_t)(r->count + n),
                       sizeof *r->data);
  trial_take(recording.port, in[0], r->data + r->count, 1);
  r->count += n;
  r->steps++;
  return GRUS_OK;
}

static GrusElem elem_of(const Type *type) {
  switch (type->elem) {
  case ELEM_F32:
  case ELEM_F16: return GRUS_ELEM_F32;
  case ELEM_I8: return GRUS_ELEM_I8;
  case ELEM_I16: return GRUS_ELEM_I16;
  case ELEM_I32:
  case ELEM_INDEX: return GRUS_ELEM_I32;
  case ELEM_U8: return GRUS_ELEM_U8;
  case ELEM_U16: return GRUS_ELEM_U16;
  }
  return GRUS_ELEM_F32;
}

/* The value as a port: its axes in storage order, a step at a time if any number of them comes. */
static GrusPort port_of(Session *s, const char *name, const Type *type, bool by_step) {
  static const GrusTime times[] = {GRUS_TIME_NONE, GRUS_TIME_FIXED, GRUS_TIME_BOUNDED,
                                   GRUS_TIME_STREAM};
  GrusAxis *axes = ARENA_ARRAY(s->arena, GrusAxis, type->rank + 2);
  int n = 0, time = -1;
  for (int i = 0; i <= type->rank; i++) {
    if (type_is_sequence(type) && i == type->time_pos) {
      time = n;
      axes[n++] = (GrusAxis){by_step ? 1 : (size_t)type->time.n, NULL};
    }
    if (i < type->rank) axes[n++] = (GrusAxis){(size_t)type->dim[i].n, type->dim[i].label};
  }
  return (GrusPort){.name = name,
                    .role = GRUS_ROLE_IN,
                    .elem = elem_of(type),
                    .bound = type->elem == ELEM_INDEX ? (uint32_t)type->categories : 0,
                    .rank = n,
                    .axes = axes,
                    .time_axis = time,
                    .time = by_step ? GRUS_TIME_STREAM : times[type->time.kind],
                    .length = type->time.kind == TIME_BOUNDED && !by_step ? 0 : -1,
                    .period = 1};
}

bool recorded_takes(Session *s, const char *name, const Type *type, const char *path,
                    const double *data, int64_t n) {
  GrusPort port = port_of(s, name, type, false);
  HostText why = {{0}, 0};
  HostNan nan = s->options->allow_nan ? HOST_NAN_ALLOWED : HOST_NAN_REFUSED;
  for (int64_t i = 0; i < n; i++) {
    if (host_port_takes(&port, data[i], false, nan, &why)) continue;
    session_error(s, "%s: value %lld of `%s`: %s", path, (long long)i, name, why.s);
    s->file_trouble = true;
    return false;
  }
  return true;
}

bool recorded_file_read(Session *s, const char *name, const Type *type, RecordedSteps steps,
                        const char *path, Recording *out) {
  bool by_step = steps == RECORDED_ANY && type_is_sequence(type);
  GrusPort port = port_of(s, name, type, by_step);
  GrusLength length = {NULL, (size_t)(port.length < 0 ? 1 : type->time.n)};
  GrusProgram program = {.abi = GRUS_HOST_ABI,
                         .kind = by_step ? GRUS_KIND_STREAM : GRUS_KIND_RUN,
                         .name = name,
                         .compiler = "grus " GRUS_VERSION,
                         .batch = 1,
                         .ports = &port,
                         .port_count = 1,
                         .lengths = &length,
                         .length_count = port.length < 0 ? 0 : 1,
                         .state_size = by_step ? 1 : 0,
                         .state_align = 1,
                         .run = by_step ? NULL : note_sample,
                         .reset = by_step ? note_start : NULL,
                         .step = by_step ? note_step : NULL};
  char *argv[] = {arena_strdup(s->arena, "grus"), arena_printf(s->arena, "%s=%s", name, path),
                  arena_strdup(s->arena, "--quiet"), NULL, NULL};
  int n_args = 3;
  if (s->options->allow_nan) argv[n_args++] = arena_strdup(s->arena, "--allow-nan");
  memset(&recording, 0, sizeof recording);
  recording.arena = s->arena;
  recording.port = &port;
  int code = grus_host_run(&program, n_args, argv, stderr);
  recording.port = NULL;
  if (code == GRUS_EXIT_USAGE) s->usage_trouble = true;
  if (code != GRUS_EXIT_OK) return false;
  if (!recording.n || !recording.sample[0].count) {
    session_error(s, "`%s` holds no numbers for `%s`", path, name);
    s->file_trouble = true;
    return false;
  }
  *out = (Recording){.is_there = true, .samples = recording.n, .sample = recording.sample};
  return true;
}
