/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The system's C compiler: objects, libraries, programs. Everything is made in a temporary
 * folder. */
#include "driver/build.h"
#include "driver/native.h"

#include "backend/program.h"
#include "base/module.h"
#include "driver/elf_size.h"
#include "driver/interrupts.h"
#include "driver/random.h"
#include "driver/stale.h"
#include "driver/version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The name that a system's C compiler goes by. */
#ifdef _WIN32
#define C_COMPILER "gcc"
#else
#define C_COMPILER "cc"
#endif

static void remove_dir(void *arg) {
  char *path = arg;
  if (!*path) return; /* removed already */
  stale_empty(path);
  rmdir(path);
  *path = 0;
  interrupts_release();
}

const char *temp_dir(Session *s) {
  enum { TRIES = 100 };
  const char *base = temp_base();
  char *path = arena_printf(s->arena, "%s/%s%*s", base, STALE_FOLDER_PREFIX, RANDOM_LETTERS, ""),
       *letters = path + strlen(path) - RANDOM_LETTERS;
  char *ours = arena_strdup(s->arena, path);
  *ours = 0;
  arena_defer(s->arena, remove_dir, ours); /* before the folder exists: none stays behind */
  interrupts_hold();
  stale_remove_folders(base);
  for (int i = 0; i < TRIES; i++) {
    random_letters(letters);
    if (mkdir(path, 0700) == 0) {
      strcpy(ours, path);
      stale_keep(path);
      return ours;
    }
    if (errno != EEXIST) break;
  }
  session_file_error(s, path, "make the folder", strerror(errno));
  interrupts_release();
  return NULL;
}

void temp_dir_remove(const char *dir) {
  remove_dir((void *)(uintptr_t)dir);
}

static bool start_command(Session *s, const char *const *argv, const char *output, pid_t *pid) {
  if (s->options->verbose) {
    Text line = text_new(s->arena);
    for (int i = 0; argv[i]; i++)
      text_printf(&line, "%s%s", i ? " " : "", argv[i]);
    session_say(s, "%s", text_str(&line));
  }
  int error = interrupts_spawn(pid, argv, output);
  if (error) session_file_error(s, argv[0], "run", strerror(error));
  return !error;
}

int run_command(Session *s, const char *const *argv, const char *output) {
  pid_t pid;
  return start_command(s, argv, output, &pid) ? interrupts_wait(pid) : -1;
}

int run_command_within(Session *s, const char *const *argv, long seconds) {
  pid_t pid;
  bool late;
  if (!start_command(s, argv, NULL, &pid)) return -1;
  int code = interrupts_wait_within(pid, seconds, &late);
  if (!late || interrupts_noted()) return code;
  session_error(s, "`%s` did not end within %ld s: for more time, add `--timeout SECONDS`", argv[0],
                seconds);
  s->file_trouble = true;
  return -1;
}

const char *c_compiler(void) {
  const char *cc = getenv("CC");
  return cc && *cc ? cc : C_COMPILER;
}

const char *runtime_dir(Session *s) {
  const char *env = getenv("GRUS_RUNTIME");
  char self[4096];
  const char *candidates[3] = {env, NULL, GRUS_SOURCE_RUNTIME};
  if (module_self(self, sizeof self))
    candidates[1] = file_join(s->arena, file_dir(s->arena, self), "../share/grus/runtime");
  for (int i = 0; i < 3; i++)
    if (candidates[i] && file_exists(file_join(s->arena, candidates[i], "host/grus_host.c")))
      return candidates[i];
  session_error(
      s, "the runtime's sources are missing: looked in %s and %s; GRUS_RUNTIME names another place",
      candidates[1] ? candidates[1] : "(no executable path)", candidates[2]);
  s->file_trouble = true;
  return NULL;
}

/* The words of a command as a shell splits them: quotes and backslashes, nothing else of a shell.
 * NULL with *reason. `more` words have room after them. */
static const char **split(Session *s, const char *command, int more, int *n, const char **reason) {
  const char **words = ARENA_ARRAY(s->arena, const char *, strlen(command) / 2 + 2 + (size_t)more);
  Text word = text_new(s->arena);
  bool in_word = false;
  char quote = 0;
  *n = 0;
  for (const char *c = command;; c++) {
    bool blank = !quote && (*c == ' ' || *c == '\t' || *c == '\n' || !*c);
    if (in_word && (blank || !*c)) {
      words[(*n)++] = arena_strdup(s->arena, text_str(&word));
      word = text_new(s->arena);
      in_word = false;
    }
    if (!*c) break;
    if (blank) continue;
    in_word = true;
    if (*c == quote)
      quote = 0;
    else if (!quote && (*c == '\'' || *c == '"'))
      quote = *c;
    else if (*c == '\\' && quote != '\'' && c[1])
      text_add_char(&word, *++c);
    else
      text_add_char(&word, *c);
  }
  *reason = quote ? "a quote is not closed" : "it has no words";
  return *n && !quote ? words : NULL;
}

bool run_compiler(Session *s, const char *command, const char *dir, const char *const *args) {
  int n, n_args = 0;
  while (args[n_args])
    n_args++;
  const char *reason, **argv = split(s, command, n_args + 1, &n, &reason);
  if (!argv) {
    session_error(s, "`%s` is not a command: %s", command, reason);
    s->file_trouble = true;
    return false;
  }
  for (int i = 0; i <= n_args; i++)
    argv[n + i] = args[i];
  const char *log = file_join(s->arena, dir, "cc.log");
  int code = run_command(s, argv, log);
  if (code == 0) return true;
  if (code > 0) {
    size_t len;
    const char *text = file_read(s->arena, log, 1 << 16, &len, &reason);
    session_error(s, "`%s` failed with exit code %d:\n%s", command, code, text ? text : "");
  }
  s->file_trouble = true;
  return false;
}

static bool write_text(Session *s, const char *path, const Text *text) {
  const char *reason;
  if (file_put(path, text_str(text), text->len, &reason)) return true;
  session_file_error(s, path, "write", reason);
  return false;
}

static const char *in_dir(Session *s, const char *dir, const char *prefix, const char *suffix) {
  return arena_printf(s->arena, "%s/%s%s", dir, prefix, suffix);
}

static const char *optimisation(Session *s) {
  return arena_printf(s->arena, "-O%s", s->options->optimise ? s->options->optimise : "2");
}

/* Whether the C compiler has -fstack-usage, as GCC and clang do. One that cannot be started is
 * reported when it compiles. */
static bool says_stack(Session *s, const char *dir) {
  const char *empty = file_join(s->arena, dir, "empty.c"), *reason;
  int n;
  pid_t pid;
  if (!file_put(empty, "", 0, &reason)) return false;
  const char **argv = split(s, c_compiler(), 6, &n, &reason);
  const char *args[] = {
      "-fstack-usage", "-c", empty, "-o", file_join(s->arena, dir, "empty.o"), NULL};
  for (int i = 0; argv && i < 6; i++)
    argv[n + i] = args[i];
  return argv && interrupts_spawn(&pid, argv, file_join(s->arena, dir, "cc.log")) == 0 &&
         interrupts_wait(pid) == 0;
}

/* The bytes of a function in a file of -fstack-usage, whose lines are FILE:LINE:COLUMN:FUNCTION,
 * bytes and a kind, between tabs; -1: it has no such function. */
static int64_t frame_in(const char *text, const char *function) {
  size_t n = strlen(function);
  for (const char *line = text; line && *line; line = strchr(line, '\n')) {
    line += *line == '\n';
    const char *tab = strchr(line, '\t');
    if (!tab) return -1;
    bool same = (size_t)(tab - line) > n && tab[-(ptrdiff_t)n - 1] == ':' &&
                memcmp(tab - n, function, n) == 0;
    if (same) return strtoll(tab, NULL, 10);
  }
  return -1;
}

/* The frames of all functions except the entries. A call cannot need more than all of them
 * together. */
static int64_t frames_of_helpers(const char *text, const StackUses *entries) {
  int64_t sum = 0;
  for (const char *line = text; line && *line; line = strchr(line, '\n')) {
    line += *line == '\n';
    const char *tab = strchr(line, '\t');
    if (tab) sum += strtoll(tab, NULL, 10);
  }
  for (int i = 0; i < entries->n; i++)
    sum -= entries->use[i].bytes;
  return sum;
}

/* Adds the figures of -fstack-usage, or none if a frame has no bound. */
static void read_stack(Session *s, const KirModule *m, const char *prefix, const char *dir,
                       StackUses *out) {
  const char *reason, *path = in_dir(s, dir, prefix, ".su");
  size_t len, object_len = 0;
  const char *object =
      file_read(s->arena, in_dir(s, dir, prefix, ".o"), (size_t)1 << 31, &object_len, &reason);
  const char *text =
      file_exists(path) ? file_read(s->arena, path, (size_t)1 << 24, &len, &reason) : NULL;
  *out = (StackUses){.use = ARENA_ARRAY(s->arena, StackUse, m->n_funcs + 1)};
  for (const char *at = text; at && (at = strstr(at, "\tdynamic")); at++)
    if (strncmp(at, "\tdynamic,bounded", 16) != 0) return;
  for (int i = 0; text && i < m->n_funcs; i++) {
    const char *name = arena_printf(s->arena, "%s_%s", prefix, m->func[i]->name);
    int64_t bytes = m->func[i]->kind == KIR_HELPER ? -1 : frame_in(text, name);
    if (bytes >= 0) out->use[out->n++] = (StackUse){name, bytes};
  }
  int64_t helpers = text ? frames_of_helpers(text, out) : 0;
  if (object) helpers += elf_red_zone(object, object_len);
  for (int i = 0; i < out->n; i++)
    out->use[i].bytes += helpers;
}

/* The figures live longer than the object. */
static void stack_keep(Arena *arena, StackUses *stack) {
  if (!stack || !stack->n) return;
  StackUse *use = ARENA_ARRAY(arena, StackUse, stack->n);
  for (int i = 0; i < stack->n; i++) {
    use[i] = stack->use[i];
    use[i].entry = arena_strdup(arena, use[i].entry);
  }
  stack->use = use;
}

bool compile_object(Session *s, const KirModule *m, const COptions *options, const char *dir,
                    bool pic, StackUses *stack) {
  COptions c = *options;
  c.header_name = arena_printf(s->arena, "%s.h", c.prefix);
  if (c.weights == C_WEIGHTS_BEST && c.vectors == C_VECTORS_GNU)
    c.weights = C_WEIGHTS_STRINGS; /* nobody reads this file but the compiler */
  bool native = native_chosen(s);
  Text header = text_new(s->arena), source = text_new(s->arena);
  backend_c(m, &c, &header, native ? NULL : &source);
  const char *file = in_dir(s, dir, c.prefix, ".c");
  if (native) {
    Arena *own = arena_child(s->arena); /* the object may have gigabytes */
    Text object = text_new(own);
    bool done = native_make(s, m, &c, LLVM_OBJECT, stack, &object) &&
                write_text(s, in_dir(s, dir, c.prefix, ".h"), &header) &&
                write_text(s, in_dir(s, dir, c.prefix, ".o"), &object);
    if (done) stack_keep(s->arena, stack);
    if (done) arena_free(own);
    return done;
  }
  if (!write_text(s, in_dir(s, dir, c.prefix, ".h"), &header) || !write_text(s, file, &source))
    return false;
  const char *args[17] = {"-std=c99",
                          optimisation(s),
                          "-ffp-contract=off",
                          pic ? "-fPIC" : "-fno-math-errno",
                          "-c",
                          file,
                          "-o",
                          in_dir(s, dir, c.prefix, ".o")};
  int n = 8;
  const char *flags = s->machine.flags;
  TextWord word;
  if (stack && says_stack(s, dir)) args[n++] = "-fstack-usage";
  while (n < 16 && words_next(&flags, &word))
    args[n++] = arena_strndup(s->arena, word.s, word.len);
  if (!run_compiler(s, c_compiler(), dir, args)) return false;
  if (stack) read_stack(s, m, c.prefix, dir, stack);
  return true;
}

/* The host half of a program, from its sources in `host`, as an object of its own: a compiler that
 * remembers what it made (ccache) makes it once for all models. It reads and writes files, for
 * which -O1 is enough; -O0 asks for a program that is compiled soon. */
static bool compile_host(Session *s, const char *host, ProgramForm form, const char *object) {
  const char *source = form == PROGRAM_APART ? "grus_apart.c" : "grus_host.c";
  const char *level = strcmp(optimisation(s), "-O0") == 0 ? "-O0" : "-O1";
  const char *args[] = {
      "-std=c99", "-D_POSIX_C_SOURCE=200809L",       level, arena_printf(s->arena, "-I%s", host),
      "-c",       file_join(s->arena, host, source), "-o",  object,
      NULL};
  return run_compiler(s, c_compiler(), file_dir(s->arena, object), args);
}

bool compile_program(Session *s, const KirModule *m, const COptions *options, const char *dir,
                     const char *out, ProgramForm form) {
  bool shared = form == PROGRAM_LIBRARY;
  COptions c = *options;
  c.header_name = arena_printf(s->arena, "%s.h", c.prefix);
  const char *runtime = runtime_dir(s);
  if (!runtime || !compile_object(s, m, &c, dir, shared, NULL)) return false;
  Text program = text_new(s->arena);
  backend_program(m, &c, !shared, &program);
  const char *file = in_dir(s, dir, c.prefix, "_main.c");
  if (!write_text(s, file, &program)) return false;
  const char *host = file_join(s->arena, runtime, "host");
  const char *object = in_dir(s, dir, c.prefix, "_host.o");
  if (!shared && !compile_host(s, host, form, object)) return false;
  const char *args[] = {"-std=c99",
                        "-D_POSIX_C_SOURCE=200809L",
                        "-O1",
                        arena_printf(s->arena, "-I%s", host),
                        file,
                        in_dir(s, dir, c.prefix, ".o"),
                        "-o",
                        out,
                        shared ? "-shared" : object,
                        shared ? "-fPIC" : "-lm",
                        NULL};
  return run_compiler(s, c_compiler(), dir, args);
}
