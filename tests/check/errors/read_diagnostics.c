/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads what `grus check --diagnostics=json` or `=sarif` prints, as a program would.
 *
 *   read_diagnostics json  <lines    every line an object with the fields promised
 *   read_diagnostics sarif <log      the fields SARIF 2.1.0 requires, and indices that fit
 *   read_diagnostics helps DIR <lines
 *       writes each suggested change that has no blank as DIR/N/FILE, and prints "N CODE MESSAGE"
 * for it
 *
 * A status other than 0, and the reason on standard error, if something is not as it should be. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *context = "";

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "%s: %s: %s\n", context, what, detail);
  exit(1);
}

static json_t *field(json_t *object, const char *name, json_type type) {
  json_t *value = json_object_get(object, name);
  if (!value) fail("missing field", name);
  if (json_typeof(value) != type) fail("wrong type of field", name);
  return value;
}

static const char *text_of(json_t *object, const char *name) {
  return json_string_value(field(object, name, JSON_STRING));
}

static json_int_t number_of(json_t *object, const char *name) {
  return json_integer_value(field(object, name, JSON_INTEGER));
}

static void one_of(const char *value, const char *words) {
  size_t n = strlen(value);
  for (const char *w = words; *w; w += strcspn(w, " "), w += strspn(w, " "))
    if (strcspn(w, " ") == n && memcmp(w, value, n) == 0) return;
  fail("unexpected word", value);
}

/* ---- json ---- */

static void check_place(json_t *place) {
  if (number_of(place, "line") < 1 || number_of(place, "column") < 1) fail("place", "before 1");
  if (number_of(place, "byte") < 0) fail("place", "negative byte");
}

static void check_span(json_t *span) {
  text_of(span, "file");
  json_t *start = field(span, "start", JSON_OBJECT), *end = field(span, "end", JSON_OBJECT);
  check_place(start);
  check_place(end);
  if (number_of(end, "byte") < number_of(start, "byte")) fail("span", "ends before it starts");
}

static void check_fix(json_t *fix) {
  size_t i;
  json_t *edit;
  text_of(fix, "title");
  one_of(text_of(fix, "applicability"), "sure maybe fill");
  json_array_foreach(field(fix, "edits", JSON_ARRAY), i, edit) {
    check_span(edit);
    text_of(edit, "text");
  }
}

static void check_diagnostic(json_t *d) {
  size_t i;
  json_t *item;
  if (number_of(d, "v") != 1) fail("field v", "not 1");
  one_of(text_of(d, "level"), "error warning note");
  context = text_of(d, "code");
  if (!*text_of(d, "message") || !*text_of(d, "rendered")) fail("message", "empty");
  json_t *primary = json_object_get(d, "primary");
  if (json_is_object(primary) && json_is_string(json_object_get(primary, "file"))) {
    if (json_object_get(primary, "start")) check_span(primary);
  } else if (!json_is_object(primary) && !json_is_null(primary))
    fail("field", "primary");
  json_array_foreach(field(d, "labels", JSON_ARRAY), i, item) {
    check_span(item);
    text_of(item, "label");
  }
  json_array_foreach(field(d, "trace", JSON_ARRAY), i, item) {
    if (!json_is_null(json_object_get(item, "line"))) number_of(item, "line"); /* rows left out */
    text_of(item, "code");
    text_of(item, "shape");
  }
  json_array_foreach(field(d, "notes", JSON_ARRAY), i, item) if (!json_is_string(item))
      fail("field", "notes");
  json_array_foreach(field(d, "fixes", JSON_ARRAY), i, item) check_fix(item);
}

typedef void LineFn(json_t *diagnostic, void *argument);

static void each_line(LineFn *fn, void *argument) {
  char *line = NULL;
  size_t cap = 0, count = 0;
  for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0; count++) {
    json_error_t error;
    json_t *d = json_loadb(line, (size_t)n, JSON_REJECT_DUPLICATES, &error);
    if (!d) fail("not JSON", error.text);
    if (!json_is_object(d)) fail("a line", "not an object");
    check_diagnostic(d);
    if (fn) fn(d, argument);
    context = "";
    json_decref(d);
  }
  free(line);
  if (!count) fail("nothing", "no line was read");
}

/* ---- sarif ---- */

static void check_artifact(json_t *object) {
  const char *uri = text_of(field(object, "artifactLocation", JSON_OBJECT), "uri");
  if (!*uri || strpbrk(uri, " \\\"<>")) fail("not a URI reference", uri);
}

static void check_region(json_t *region) {
  json_int_t line = number_of(region, "startLine"), column = number_of(region, "startColumn");
  json_int_t end_line = number_of(region, "endLine"), end_column = number_of(region, "endColumn");
  if (line < 1 || column < 1 || end_line < line || (end_line == line && end_column < column))
    fail("region", "order");
}

static void check_location(json_t *location) {
  json_t *physical = field(location, "physicalLocation", JSON_OBJECT),
         *region = json_object_get(physical, "region");
  check_artifact(physical);
  if (region) check_region(region);
  json_t *message = json_object_get(location, "message");
  if (message) text_of(message, "text");
}

static void check_sarif_fix(json_t *fix) {
  size_t i, j;
  json_t *change, *replacement;
  text_of(field(fix, "description", JSON_OBJECT), "text");
  json_array_foreach(field(fix, "artifactChanges", JSON_ARRAY), i, change) {
    check_artifact(change);
    if (!json_array_size(field(change, "replacements", JSON_ARRAY))) fail("fix", "no replacements");
    json_array_foreach(field(change, "replacements", JSON_ARRAY), j, replacement) {
      check_region(field(replacement, "deletedRegion", JSON_OBJECT));
      text_of(field(replacement, "insertedContent", JSON_OBJECT), "text");
    }
  }
}

static void check_flow(json_t *flow) {
  size_t i, j;
  json_t *thread, *location;
  json_array_foreach(field(flow, "threadFlows", JSON_ARRAY), i, thread)
      json_array_foreach(field(thread, "locations", JSON_ARRAY), j, location)
          check_location(field(location, "location", JSON_OBJECT));
}

static void check_result(json_t *result, json_t *rules) {
  size_t i;
  json_t *item;
  context = text_of(result, "ruleId");
  json_t *rule = json_array_get(rules, (size_t)number_of(result, "ruleIndex"));
  if (!rule || strcmp(text_of(rule, "id"), context) != 0) fail("ruleIndex", "another rule");
  one_of(text_of(result, "level"), "error warning note");
  text_of(field(result, "message", JSON_OBJECT), "text");
  json_array_foreach(field(result, "locations", JSON_ARRAY), i, item) check_location(item);
  json_array_foreach(json_object_get(result, "relatedLocations"), i, item) check_location(item);
  json_array_foreach(json_object_get(result, "codeFlows"), i, item) check_flow(item);
  json_array_foreach(json_object_get(result, "fixes"), i, item) check_sarif_fix(item);
}

static void read_sarif(void) {
  size_t i;
  json_t *item;
  json_error_t error;
  json_t *log = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
  if (!log) fail("not JSON", error.text);
  if (strcmp(text_of(log, "version"), "2.1.0") != 0) fail("version", "not 2.1.0");
  text_of(log, "$schema");
  json_t *run = json_array_get(field(log, "runs", JSON_ARRAY), 0);
  json_t *driver = field(field(run, "tool", JSON_OBJECT), "driver", JSON_OBJECT);
  if (strcmp(text_of(driver, "name"), "grus") != 0) fail("driver", text_of(driver, "name"));
  text_of(driver, "version");
  json_t *rules = field(driver, "rules", JSON_ARRAY);
  json_array_foreach(rules, i, item) {
    context = text_of(item, "id");
    text_of(field(item, "shortDescription", JSON_OBJECT), "text");
    text_of(field(item, "help", JSON_OBJECT), "text");
  }
  json_t *results = field(run, "results", JSON_ARRAY);
  if (!json_array_size(results)) fail("results", "none");
  json_array_foreach(results, i, item) check_result(item, rules);
  json_decref(log);
}

/* ---- helps ---- */

typedef struct Helps {
  const char *dir;
  int n;
} Helps;

static char *read_all(const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  char *text = malloc(1 << 20);
  if (!f || !text) fail("cannot read", path);
  *len = fread(text, 1, 1 << 20, f);
  fclose(f);
  return text;
}

static json_int_t edit_byte(json_t *edit, const char *which) {
  return number_of(field(edit, which, JSON_OBJECT), "byte");
}

/* The edit that begins first at or after `from`; of two at one place the insertion. */
static json_t *next_edit(json_t *edits, const bool *done, size_t *which) {
  size_t i;
  json_t *edit, *best = NULL;
  json_array_foreach(edits, i, edit) {
    if (done[i]) continue;
    json_int_t a = edit_byte(edit, "start"), b = best ? edit_byte(best, "start") : 0;
    if (best && (a > b || (a == b && edit_byte(edit, "end") >= edit_byte(best, "end")))) continue;
    best = edit;
    *which = i;
  }
  return best;
}

static void write_changed(Helps *helps, json_t *edits) {
  enum { MAX_EDITS = 64 };
  const char *path = text_of(json_array_get(edits, 0), "file");
  bool done[MAX_EDITS] = {false};
  size_t len, at = 0, which = 0;
  char *text = read_all(path, &len), out[4096];
  snprintf(out, sizeof out, "%s/%d", helps->dir, ++helps->n);
  if (mkdir(out, 0777) != 0) fail("cannot make", out);
  snprintf(out, sizeof out, "%s/%d/%s", helps->dir, helps->n, path);
  FILE *f = fopen(out, "wb");
  if (!f) fail("cannot write", out);
  if (json_array_size(edits) > MAX_EDITS) fail("edits", "too many");
  for (json_t *edit; (edit = next_edit(edits, done, &which)); done[which] = true) {
    size_t begin = (size_t)edit_byte(edit, "start"), end = (size_t)edit_byte(edit, "end");
    if (begin < at || end > len) fail("edits", "overlap, or beyond the file");
    if (strcmp(text_of(edit, "file"), path) != 0) fail("edits", "in several files");
    fwrite(text + at, 1, begin - at, f);
    fputs(text_of(edit, "text"), f);
    at = end;
  }
  fwrite(text + at, 1, len - at, f);
  fclose(f);
  free(text);
}

static void write_helps(json_t *d, void *argument) {
  size_t i;
  json_t *fix;
  json_array_foreach(field(d, "fixes", JSON_ARRAY), i, fix) {
    json_t *edits = field(fix, "edits", JSON_ARRAY);
    if (!json_array_size(edits) || strcmp(text_of(fix, "applicability"), "maybe") != 0) continue;
    write_changed(argument, edits);
    printf("%d %s %s\n", ((Helps *)argument)->n, text_of(d, "code"), text_of(d, "message"));
  }
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "json") == 0)
    each_line(NULL, NULL);
  else if (argc == 2 && strcmp(argv[1], "sarif") == 0)
    read_sarif();
  else if (argc == 3 && strcmp(argv[1], "helps") == 0)
    each_line(write_helps, &(Helps){argv[2], 0});
  else {
    fputs("usage: read_diagnostics json|sarif|helps DIR\n", stderr);
    return 2;
  }
  return 0;
}
