/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* structure json|xml: whether standard input is well-formed. JSON by jansson; XML: one root
 * element, tags nested and closed, attributes quoted, entities known, no stray `<` or `&`. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TEXT = 1 << 22, MAX_DEPTH = 64, MAX_NAME = 64 };

static int bad(const char *what, const char *at) {
  fprintf(stderr, "structure: %s at \"%.30s\"\n", what, at);
  return 1;
}

static const char *skip_name(const char *p) {
  while (isalnum((unsigned char)*p) || (*p && strchr(":_-.", *p)))
    p++;
  return p;
}

/* Behind an entity such as &lt; or NULL. */
static const char *entity(const char *p) {
  static const char *const known[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"};
  for (int i = 0; i < 5; i++)
    if (strncmp(p, known[i], strlen(known[i])) == 0) return p + strlen(known[i]);
  return NULL;
}

/* Behind the attributes of a tag, at `>` or `/`; NULL if they are not right. */
static const char *attributes(const char *p) {
  for (;;) {
    while (isspace((unsigned char)*p))
      p++;
    if (*p == '>' || *p == '/') return p;
    const char *end = skip_name(p);
    if (end == p || end[0] != '=' || end[1] != '"') return NULL;
    for (p = end + 2; *p && *p != '"';) {
      if (*p == '<') return NULL;
      p = *p == '&' ? entity(p) : p + 1;
      if (!p) return NULL;
    }
    if (*p++ != '"') return NULL;
  }
}

static int check_xml(const char *p) {
  static char open[MAX_DEPTH][MAX_NAME];
  int depth = 0, roots = 0;
  while (*p) {
    if (*p == '&') {
      const char *next = entity(p);
      if (!next) return bad("an unknown entity", p);
      p = next;
    } else if (*p != '<') {
      if (!depth && !isspace((unsigned char)*p)) return bad("text outside the root", p);
      p++;
    } else if (p[1] == '/') {
      const char *end = skip_name(p + 2);
      size_t n = (size_t)(end - p - 2);
      if (!depth || *end != '>' || strlen(open[depth - 1]) != n ||
          memcmp(open[depth - 1], p + 2, n) != 0)
        return bad("a tag that closes nothing", p);
      depth--;
      p = end + 1;
    } else {
      const char *end = skip_name(p + 1), *rest = attributes(end);
      size_t n = (size_t)(end - p - 1);
      if (!n || n >= MAX_NAME || depth == MAX_DEPTH || !rest) return bad("a broken tag", p);
      if (!depth && roots++) return bad("a second root", p);
      if (*rest == '/' && rest[1] == '>') {
        p = rest + 2;
        continue;
      }
      if (*rest != '>') return bad("a broken tag", p);
      memcpy(open[depth], p + 1, n);
      open[depth++][n] = 0;
      p = rest + 1;
    }
  }
  return depth || roots != 1 ? bad("an end that comes too early", p) : 0;
}

int main(int argc, char **argv) {
  static char text[MAX_TEXT];
  size_t n = fread(text, 1, sizeof text - 1, stdin);
  text[n] = 0;
  if (argc == 2 && strcmp(argv[1], "xml") == 0) return check_xml(text);
  char *line = text;
  do { /* one object a line */
    char *end = strchr(line, '\n');
    json_error_t error;
    json_t *root =
        json_loadb(line, end ? (size_t)(end - line) : strlen(line), JSON_REJECT_DUPLICATES, &error);
    if (!root) return bad(error.text, line);
    json_decref(root);
    line = end ? end + 1 : text + n;
  } while (*line);
  return 0;
}
