/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text edits for fixes. In: layers and ports with their spans. Out: edits that leave the rest of
 * the source as it is. A model that was not made from text has no spans and gets no edits. */
#include "model/infer/infer_rule.h"

#include <string.h>

static const Source *source_of(const Infer *inf, Span at) {
  return sources_get(inf->diags->sources, at.file);
}

Span input_span(const Layer *layer, int i) {
  return layer->in_span[i];
}

const char *value_text(const Infer *inf, const Value *v) {
  if (v->name) return v->name;
  if (v->field && v->layer->out[0]->name)
    return arena_printf(inf->arena, "%s.%s", v->layer->out[0]->name, v->field);
  return v->layer ? layer_text(inf->arena, inf->diags->sources, v->layer) : "this value";
}

const Port *value_port(const Value *v) {
  enum { REACH = 1000 }; /* stages; an input further away explains nothing */
  for (int i = 0; i < REACH && !v->port && v->layer && v->layer->n_in; i++)
    v = v->layer->in[0];
  return v->port;
}

/* The first input, or `along`, of a stage that is a stream. */
static const Value *stream_input(const Layer *layer) {
  for (int i = 0; i < layer->n_in; i++)
    if (type_is_stream(&layer->in[i]->type)) return layer->in[i];
  const OptVal *along = layer_opt(layer, OPT_along);
  return along ? along->value : NULL;
}

const Port *stream_port(const Value *v) {
  while (v && v->layer)
    v = stream_input(v->layer);
  return v && type_is_stream(&v->type) ? v->port : NULL;
}

Span type_axis_span(const Infer *inf, Span type, int i) {
  const Source *source = source_of(inf, type);
  if (!source) return span_none();
  uint32_t at = type.begin;
  while (at < type.end && source->text[at] != '[')
    at++;
  int depth = 0, axis = 0;
  for (at++; at < type.end; axis++) {
    uint32_t begin = at;
    for (; at < type.end; at++) {
      char c = source->text[at];
      if (c == '#') return span_none();
      depth += (c == '(') - (c == ')');
      if (depth == 0 && (c == ',' || c == ']')) break;
    }
    uint32_t end = at++;
    while (begin < end && strchr(" \t\r\n", source->text[begin]))
      begin++;
    while (end > begin && strchr(" \t\r\n", source->text[end - 1]))
      end--;
    if (axis == i) return begin < end ? (Span){type.file, begin, end} : span_none();
  }
  return span_none();
}

/* The beginning of the line if only blanks are before `at`, else `at`. */
static uint32_t line_begin(const Source *source, uint32_t at) {
  uint32_t begin = at;
  while (begin > 0 && source_is_blank(source->text[begin - 1]))
    begin--;
  return begin == 0 || source->text[begin - 1] == '\n' ? begin : at;
}

bool edit_drop_stage(Infer *inf, Fix *fix, const Layer *layer) {
  const Source *source = source_of(inf, layer->pipe);
  if (!source) return false;
  Span stage = span_join(layer->pipe, layer->span), lines = span_lines(inf->diags->sources, stage);
  if (lines.begin == stage.begin && lines.end == stage.end) { /* other stages stand on its line */
    bool first = line_begin(source, stage.begin) != stage.begin;
    while (first && lines.end < source->len && source_is_blank(source->text[lines.end]))
      lines.end++; /* the text after it moves to its place */
    while (!first && lines.begin > 0 && source_is_blank(source->text[lines.begin - 1]))
      lines.begin--;
  }
  fix_edit(fix, lines, "%s", "");
  return true;
}

bool edit_insert_stage(Infer *inf, Fix *fix, const Layer *before, const char *text) {
  const Source *source = source_of(inf, before->pipe);
  if (!source) return false;
  uint32_t at = before->pipe.begin, line = line_begin(source, at);
  if (line == at)
    fix_edit(fix, (Span){before->pipe.file, at, at}, "|> %s ", text);
  else {
    const char *indent = arena_strndup(inf->arena, source->text + line, at - line);
    fix_edit(fix, (Span){before->pipe.file, line, line}, "%s|> %s\n", indent, text);
  }
  return true;
}

bool edit_pipe_input(Infer *inf, Fix *fix, const Layer *layer, int i, const char *text) {
  if (i == 0 && span_valid(layer->pipe)) return edit_insert_stage(inf, fix, layer, text);
  Span at = layer->in_span[i];
  const Source *source = source_of(inf, at);
  if (!source || at.end <= at.begin) return false;
  Span begin = {at.file, at.begin, at.begin}, end = {at.file, at.end, at.end};
  bool operand = layer_info(layer->kind)->flags & OPERATOR;
  if (operand && source->text[at.begin] == '(' && source->text[at.end - 1] == ')') {
    end.begin = --end.end; /* inside its parentheses */
    operand = false;
  }
  if (operand) fix_edit(fix, begin, "(");
  fix_edit(fix, end, operand ? " |> %s)" : " |> %s", text);
  return true;
}

void edit_drop_argument(Infer *inf, Fix *fix, Span argument) {
  const Source *source = source_of(inf, argument);
  if (!source) return;
  uint32_t begin = argument.begin;
  while (begin > 0 && strchr(" \t\r\n", source->text[begin - 1]))
    begin--;
  bool comma = begin > 0 && source->text[begin - 1] == ',';
  fix_edit(fix, (Span){argument.file, comma ? begin - 1 : argument.begin, argument.end}, "%s", "");
}

void edit_add_argument(Infer *inf, Fix *fix, const Layer *layer, const char *text) {
  const Source *source = source_of(inf, layer->span);
  if (!source || layer->span.end == layer->span.begin) return;
  uint32_t end = layer->span.end;
  if (source->text[end - 1] == ')')
    fix_edit(fix, (Span){layer->span.file, end - 1, end - 1}, ", %s", text);
  else
    fix_edit(fix, (Span){layer->span.file, end, end}, "(%s)", text);
}

void fix_window(Infer *inf, Diag *diag, const Port *port) {
  const Source *source = source_of(inf, port->type_span);
  if (!source) { /* of an imported model: there is no text to edit */
    diag_fix(diag, FIX_FILL, "import sequences of one length, not a stream: --time N");
    return;
  }
  Fix *fix = diag_fix(diag, FIX_FILL, "or run on windows of a fixed length, every M steps");
  Span axis = type_axis_span(inf, port->type_span, 0);
  if (!span_valid(axis)) return;
  const char *text = span_text(inf->arena, inf->diags->sources, axis), *dots = strstr(text, "..");
  if (!dots) return;
  const char *rate = strchr(dots, '@');
  axis.begin += (uint32_t)(dots - text);
  if (rate) axis.end = axis.begin + (uint32_t)(rate - dots);
  fix_edit(fix, axis, rate ? "N " : "N");
  uint32_t end = port->type_span.end;
  fix_edit(fix, (Span){axis.file, end, end}, " every M");
}

Span port_expression(const Infer *inf, const Port *port) {
  const Source *source = source_of(inf, port->span);
  if (!source) return port->span;
  Span type = port->type_span, at = port->span;
  uint32_t begin = span_valid(type) ? type.end : port->name_span.end;
  while (begin < at.end && source->text[begin] != '=')
    begin++;
  begin++;
  while (begin < at.end && strchr(" \t\r\n", source->text[begin]))
    begin++;
  if (begin < at.end) at.begin = begin;
  return at;
}
