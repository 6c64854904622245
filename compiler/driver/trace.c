/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of --trace; see trace.h. A row is a range of lines: in a function, the lines of one
 * stage with no line of another one between them; or an array of weights. A stage whose values
 * other stages compute, such as an activation that is fused, has one row without a range. */
#include "driver/trace.h"

#include <string.h>

typedef struct TraceLines {
  const char *text;
  size_t at;
  long line; /* of the byte `at`, from 1 on */
} TraceLines;

/* Entries come in the order of the text: no byte is counted twice. */
static long line_of(TraceLines *lines, size_t at) {
  for (; lines->at < at; lines->at++)
    lines->line += lines->text[lines->at] == '\n';
  return lines->line;
}

/* A field of CSV. */
static void add_field(Text *out, const char *text) {
  if (!strpbrk(text, ",\"\r\n")) {
    text_add(out, text);
    return;
  }
  text_add_char(out, '"');
  for (const char *c = text; *c; c++) {
    if (*c == '"') text_add_char(out, '"');
    text_add_char(out, *c);
  }
  text_add_char(out, '"');
}

typedef struct TraceRange {
  const CTraceEntry *entry; /* the first */
  long from, to;            /* lines */
} TraceRange;

/* Neighbours of the same stage and function are one range. A statement begins with the end of the
 * line before it; an array ends with the end of its last line. */
static int ranges_of(Arena *arena, const CTrace *trace, const Text *c, TraceRange **out) {
  TraceRange *range = ARENA_ARRAY(arena, TraceRange, trace->n + 1);
  TraceLines lines = {.text = text_str(c), .line = 1};
  int n = 0;
  for (int i = 0; i < trace->n; i++) {
    const CTraceEntry *e = &trace->entry[i], *last = n ? range[n - 1].entry : NULL;
    size_t begin = e->from + strspn(lines.text + e->from, "\n");
    long from = line_of(&lines, begin), to = line_of(&lines, e->to - (size_t)e->is_weights);
    if (last && !e->is_weights && strcmp(last->layer, e->layer) == 0 &&
        strcmp(last->name, e->name) == 0)
      range[n - 1].to = to;
    else
      range[n++] = (TraceRange){e, from, to};
  }
  *out = range;
  return n;
}

/* What every row of a stage begins with. */
static void add_stage(Session *s, const KirModule *m, int i, bool with_codes, Text *out) {
  const KirCost *stage = &m->cost[i];
  const Source *source = sources_get(&s->sources, stage->span.file);
  add_field(out, stage->layer);
  text_add_char(out, ',');
  add_field(out, stage->text);
  text_add_char(out, ',');
  add_field(out, source ? source->path : "");
  text_add_char(out, ',');
  if (source) text_printf(out, "%u", source_place(&s->sources, source, stage->span.begin).line);
  text_add_char(out, ',');
  if (with_codes) text_printf(out, "%d", i + 1);
  text_add_char(out, ',');
}

static void add_range(const TraceRange *r, const char *path, Text *out) {
  const CTraceEntry *e = r->entry;
  text_printf(out, "%s,", e->is_weights ? "weights" : "code");
  add_field(out, path);
  text_printf(out, ",%s,%ld,%ld,", e->name, r->from, r->to);
  if (e->is_weights) text_printf(out, "%lld", (long long)e->bytes);
  text_add_char(out, '\n');
}

void trace_write(Session *s, const KirModule *m, const CTrace *trace, const Text *c,
                 const char *path, bool with_codes, Text *out) {
  TraceRange *range;
  int n = ranges_of(s->arena, trace, c, &range);
  text_add(out, "stage,text,source,line,selftest,kind,file,name,first,last,bytes\n");
  for (int i = 0; i < m->n_costs; i++) {
    bool any = false;
    for (int k = 0; k < n; k++) {
      if (strcmp(range[k].entry->layer, m->cost[i].layer) != 0) continue;
      add_stage(s, m, i, with_codes, out);
      add_range(&range[k], path, out);
      any = true;
    }
    if (any) continue;
    add_stage(s, m, i, with_codes, out);
    text_add(out, "fused,,,,,\n");
  }
}
