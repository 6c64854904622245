/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Objects of Python as text, in JSON or as Python writes them, and JSON as objects of Python. */
#include "import/read/keras/python.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

enum { TEXT_MOST = 2000 };

/* Adds an object in JSON, or as Python writes it if `json` is false. False: JSON has no such
 * object, or the text is too long. */
static bool add_object(Text *text, const PyObject *o, bool json, const char *open) {
  if (text->len > TEXT_MOST) return false;
  switch (o->kind) {
  case PY_NONE: text_add(text, json ? "null" : "None"); return true;
  case PY_BOOL:
    text_add(text, json ? (o->integer ? "true" : "false") : (o->integer ? "True" : "False"));
    return true;
  case PY_INT: text_printf(text, "%lld", (long long)o->integer); return true;
  case PY_FLOAT: {
    size_t from = text->len;
    text_add_double(text, o->number);
    if (!strpbrk(text_str(text) + from, ".e")) text_add(text, ".0");
    return isfinite(o->number) || !json;
  }
  case PY_TEXT:
    if (o->len > TEXT_MOST) break;
    text_add_json(text, o->text);
    return true;
  case PY_NAME: { /* the last name of a path: float32 of tf.float32 */
    const char *dot = strrchr(o->text, '.');
    if (json)
      text_add_json(text, dot ? dot + 1 : o->text);
    else
      text_add(text, o->text);
    return true;
  }
  case PY_LIST: {
    bool ok = true;
    text_add(text, "[");
    for (int i = 0; i < o->n && ok; i++) {
      if (i) text_add(text, ", ");
      ok = add_object(text, &o->item[i], json, open);
    }
    text_add(text, "]");
    return ok;
  }
  case PY_SIZE: text_add(text, open ? open : "?"); return open || !json;
  case PY_SLICE:
    for (int i = 0; i < 3 && !json; i++) {
      if (i && (i < 2 || o->item[i].kind != PY_NONE)) text_add(text, ":");
      if (o->item[i].kind != PY_NONE) add_object(text, &o->item[i], false, NULL);
    }
    return !json;
  case PY_ELLIPSIS: text_add(text, "..."); return !json;
  case PY_VALUE: text_add(text, o->text); return !json;
  case PY_BYTES:
  case PY_CODE:
  case PY_OTHER:
  case PY_MARK: break;
  }
  text_add(text, "?");
  return false;
}

const char *py_json(Arena *arena, const PyObject *object, const char *open) {
  Text text = text_new(arena);
  return add_object(&text, object, true, open) ? text_str(&text) : NULL;
}

const char *py_text(Arena *arena, const PyObject *object) {
  Text text = text_new(arena);
  add_object(&text, object, false, NULL);
  return text_str(&text);
}

PyObject py_of_json(Arena *arena, json_t *json) {
  if (json_is_null(json)) return (PyObject){.kind = PY_NONE};
  if (json_is_boolean(json)) return (PyObject){.kind = PY_BOOL, .integer = json_is_true(json)};
  if (json_is_integer(json)) return (PyObject){.kind = PY_INT, .integer = json_integer_value(json)};
  if (json_is_real(json)) return (PyObject){.kind = PY_FLOAT, .number = json_real_value(json)};
  if (json_is_string(json))
    return (PyObject){.kind = PY_TEXT,
                      .text = arena_strdup(arena, json_string_value(json)),
                      .len = json_string_length(json)};
  if (!json_is_array(json)) return (PyObject){.kind = PY_OTHER};
  size_t n = json_array_size(json);
  PyObject *item = ARENA_ARRAY(arena, PyObject, n);
  for (size_t i = 0; i < n; i++)
    item[i] = py_of_json(arena, json_array_get(json, i));
  return (PyObject){.kind = PY_LIST, .n = (int)n, .item = item};
}
