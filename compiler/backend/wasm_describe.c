/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a WebAssembly module says of itself, as JSON for programs and as types for TypeScript. */
#include "backend/wasm.h"

#include "backend/block.h"
#include "backend/wasm_internal.h"

#include <string.h>

static void key(Text *out, const char *name) {
  text_printf(out, ",\"%s\":", name);
}

static void number(Text *out, const char *name, int64_t value) {
  text_printf(out, ",\"%s\":%lld", name, (long long)value);
}

static void string(Text *out, const char *name, const char *value) {
  if (!value || !*value) return;
  key(out, name);
  text_add_json(out, value);
}

static const char *role_of(const KirPort *port) {
  return port->is_out ? "out" : port->is_init ? "init" : "in";
}

static const char *time_of(const KirPort *port) {
  static const char *const name[] = {"none", "fixed", "bounded", "stream"};
  return port->every ? "window" : name[port->time_kind];
}

static void port(const KirPort *p, Text *out) {
  text_add(out, "{\"name\":");
  text_add_json(out, p->name);
  string(out, "doc", p->doc);
  string(out, "role", role_of(p));
  string(out, "elem", kir_elem_name(p->buffer->elem));
  string(out, "time", time_of(p));
  number(out, "count", p->buffer->count);
  key(out, "shape");
  for (int i = 0; i < p->rank; i++)
    text_printf(out, "%c%lld", i ? ',' : '[', (long long)p->dim[i]);
  text_add(out, p->rank ? "],\"labels\":" : "[],\"labels\":");
  for (int i = 0; i < p->rank; i++) {
    text_add_char(out, i ? ',' : '[');
    text_add_json(out, i == p->time_axis ? "time" : p->label[i] ? p->label[i] : "");
  }
  text_add(out, p->rank ? "]" : "[]");
  number(out, "timeAxis", p->time_axis);
  if (p->buffer->categories) number(out, "categories", p->buffer->categories);
  if (p->length >= 0) {
    number(out, "length", p->length);
    number(out, "lengthSize", p->length_size);
    number(out, "lengthHop", p->length_hop);
  }
  if (p->period > 1) number(out, "period", p->period);
  if (p->every) number(out, "every", p->every);
  if (p->lag) number(out, "lag", p->lag);
  if (p->rate_num)
    text_printf(out, ",\"rate\":[%lld,%lld]", (long long)p->rate_num, (long long)p->rate_den);
  text_add_char(out, '}');
}

static int port_of(const KirModule *m, const KirBuffer *b) {
  for (int i = 0; i < m->n_ports; i++)
    if (m->port[i].buffer == b || m->port[i].run_buffer == b) return i;
  return -1;
}

/* {"status":true,"state":false,"params":[{"length":0},{"port":1}]}; "value": a number, no
 * address */
static void entry(const KirModule *m, const KirFunc *f, Text *out) {
  int length = 0;
  text_add_json(out, f->name);
  text_printf(out, ":{\"status\":%s,\"state\":%s,\"params\":[",
              f->returns_status ? "true" : "false", f->uses_state ? "true" : "false");
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    bool is_length = b->elem == KIR_SIZE;
    text_printf(out, "%s{\"%s\":%d%s}", i ? "," : "", is_length ? "length" : "port",
                is_length ? length++ : port_of(m, b), kir_is_by_value(b) ? ",\"value\":true" : "");
  }
  text_printf(out, "]%s}", f->takes_weights ? ",\"weights\":true" : "");
}

static void lengths(const KirModule *m, Text *out) {
  key(out, "lengths");
  text_add_char(out, '[');
  for (int i = 0; i < m->n_lengths; i++) {
    text_add(out, i ? ",{\"name\":" : "{\"name\":");
    text_add_json(out, m->length[i].source_name ? m->length[i].source_name : m->length[i].name);
    text_printf(out, ",\"bound\":%lld}", (long long)m->length[i].bound);
  }
  text_add_char(out, ']');
}

static void state(const KirModule *m, const WasmLayout *layout, Text *out) {
  bool any = false;
  key(out, "state");
  text_add_char(out, '[');
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    if (b->space != KIR_STATE) continue;
    text_add(out, any ? ",{\"name\":" : "{\"name\":");
    text_add_json(out, b->name);
    string(out, "layer", b->origin.layer);
    string(out, "elem", kir_elem_name(b->elem));
    number(out, "count", b->count);
    number(out, "offset", layout->address[i]);
    text_add_char(out, '}');
    any = true;
  }
  text_add_char(out, ']');
}

static void sizes(const KirModule *m, const WasmLayout *layout, Text *out) {
  int64_t macs = 0, params = 0;
  for (int i = 0; i < m->n_costs; i++) {
    macs += m->cost[i].macs;
    params += m->cost[i].params;
  }
  number(out, "macs", macs);
  number(out, "params", params);
  number(out, "weightBytes", layout->weights_end - layout->weights);
  number(out, "scratchBytes", m->scratch_bytes);
  number(out, "stateBytes", layout->state_bytes);
  number(out, "end", layout->end);
  if (!m->weights_extern) return;
  number(out, "weightBlock", m->block_bytes);
  text_printf(out, ",\"weightHash\":\"%016llx\"", (unsigned long long)block_hash(m, m->arena));
}

void backend_wasm_description(const KirModule *m, const WasmOptions *options, Text *json) {
  static const char *const kind[] = {"whole", "stream", "window"};
  WasmLayout layout = wasm_layout(m);
  bool any = false;
  text_add(json, "{\"grus\":1");
  string(json, "compiler", options->compiler);
  string(json, "name", m->name);
  string(json, "doc", m->doc);
  string(json, "kind", kind[m->run_kind]);
  text_printf(json, ",\"simd\":%s", m->lanes > 1 ? "true" : "false");
  number(json, "batch", m->batch);
  if (m->run_kind == KIR_STREAM) number(json, "steps", m->steps_per_call);
  number(json, "firstOutput", m->first_output);
  sizes(m, &layout, json);
  lengths(m, json);
  key(json, "ports");
  for (int i = 0; i < m->n_ports; i++) {
    text_add_char(json, i ? ',' : '[');
    port(&m->port[i], json);
  }
  text_add(json, m->n_ports ? "]" : "[]");
  state(m, &layout, json);
  key(json, "entries");
  text_add_char(json, '{');
  for (int i = 0; i < m->n_funcs; i++) {
    if (m->func[i]->kind == KIR_HELPER) continue;
    if (any) text_add_char(json, ',');
    entry(m, m->func[i], json);
    any = true;
  }
  text_add(json, "}}");
}

/* ---- TypeScript ---- */

static const char *array_type(KirElem elem) {
  switch (elem) {
  case KIR_F16:
  case KIR_BF16:
  case KIR_U16: return "Uint16Array";
  case KIR_I8: return "Int8Array";
  case KIR_I16: return "Int16Array";
  case KIR_U8: return "Uint8Array";
  case KIR_I32:
  case KIR_SIZE:
  case KIR_INDEX:
  case KIR_BOOL: return "Int32Array";
  case KIR_F32: return "Float32Array";
  }
  return "Float32Array";
}

static void port_comment(const KirModule *m, const KirPort *p, Text *out) {
  text_add(out, "  /** ");
  for (const char *c = p->doc ? p->doc : ""; *c; c++) /* the end of a comment, held apart */
    text_add_char(out, *c == '\n' ? ' ' : c[0] == '/' && c > p->doc && c[-1] == '*' ? ' ' : *c);
  if (p->doc && *p->doc) text_add(out, ": ");
  for (int i = 0; i < p->rank; i++) {
    const char *label = i == p->time_axis ? "time" : p->label[i];
    bool bounded = i == p->time_axis && p->length >= 0;
    const char *length = bounded && m->length[p->length].source_name && !p->length_hop
                             ? m->length[p->length].source_name
                             : "";
    text_printf(out, "%s%s%s%s%s%lld", i ? ", " : "", label ? label : "", label ? " " : "", length,
                bounded ? *length ? " <= " : "at most " : "", (long long)p->dim[i]);
  }
  if (!p->rank) text_add(out, "one number");
  if (p->buffer->categories)
    text_printf(out, ", each in 0..%lld", (long long)p->buffer->categories - 1);
  text_add(out, " */\n");
}

/* One interface with a field for every port of a role. */
static void ports_interface(const KirModule *m, const char *name, const char *role, bool is_result,
                            Text *out) {
  text_printf(out, "\nexport interface %s {\n", name);
  for (int i = 0; i < m->n_ports; i++) {
    const KirPort *p = &m->port[i];
    if (strcmp(role_of(p), role) != 0) continue;
    port_comment(m, p, out);
    text_printf(out, "  %s: %s%s;\n", p->name, array_type(p->buffer->elem),
                is_result ? "" : " | ArrayLike<number> | number");
  }
  text_add(out, "}\n");
}

void backend_wasm_types(const KirModule *m, const WasmOptions *options, Text *typescript) {
  Text *out = typescript;
  bool has_init = false;
  for (int i = 0; i < m->n_ports; i++)
    has_init |= m->port[i].is_init;
  text_printf(out, "// %s. Written by %s; changes are lost.\n", m->name,
              options->compiler ? options->compiler : "grus");
  ports_interface(m, "Inputs", "in", false, out);
  ports_interface(m, "Outputs", "out", true, out);
  if (has_init) ports_interface(m, "Init", "init", false, out);
  const char *init = has_init ? "init: Init" : "";
  if (m->run_kind != KIR_WHOLE) {
    const char *call = m->run_kind == KIR_STREAM ? "step" : "push";
    text_printf(out, "\n/** A state of its own. */\nexport interface %s {\n",
                m->run_kind == KIR_STREAM ? "Stream" : "Window");
    text_printf(
        out,
        "  /** %s; null while there is no output yet. */\n  %s(inputs: Inputs): Outputs | null;\n",
        m->run_kind == KIR_STREAM ? "One call of the stream" : "One sample", call);
    text_printf(out, "  /** Back to the start. */\n  reset(%s): void;\n", init);
    text_add(out, "  /** One call on what stands in the memory of the ports (Model.port); false "
                  "while there is no output yet. */\n  go(): boolean;\n");
    text_add(out, "  /** A copy of what is kept between calls, and back. */\n  save(): "
                  "Uint8Array;\n  restore(saved: Uint8Array): void;\n");
    text_add(out, "  /** The numbers of one state, by its name in description.state. */\n  "
                  "state(name: string): Float32Array | Int32Array | Int16Array | Int8Array;\n"
                  "  /** Gives its memory back. */\n  close(): void;\n}\n");
  }
  text_add(out, "\nexport interface Model {\n  readonly description: any;\n  readonly memory: "
                "WebAssembly.Memory;\n"
                "  /** The memory of an input or output itself; good until memory grows. */\n  "
                "port(name: string): any;\n");
  if (m->run_kind == KIR_WHOLE)
    text_add(out, "  /** Runs whole inputs. Arrays may be shorter along a time with a bound. */\n  "
                  "run(inputs: Inputs): Outputs;\n");
  else
    text_printf(out, "  %s(%s): %s;\n", m->run_kind == KIR_STREAM ? "stream" : "window", init,
                m->run_kind == KIR_STREAM ? "Stream" : "Window");
  text_printf(out, "}\n\n/** The model, from the .wasm beside this file or from bytes%s. */\n",
              m->weights_extern ? ", with a block of weights" : "");
  text_printf(out,
              "export function load(source?: string | URL | BufferSource | Response | "
              "WebAssembly.Module%s): Promise<Model>;\n",
              m->weights_extern ? ", weights?: BufferSource" : "");
}
