/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Memory that runs out: a command is run again and again, and each time one allocation later all
 * memory is refused. Every run must say so and exit with EXIT_FILE, leave the files as they were
 * and no file open; the last run, in which nothing was refused, must do its work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "driver/session.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ARGS = 8, MAX_RUNS = 2000 };

static const char errors_and_fixes[] =
    "grus 1\n"
    "model kws {\n"
    "  in  mfcc  : f32[time 49, mfcc 13]\n"
    "  let h     = mfcc |> GRU(64, return_sequences=True) |> last\n"
    "  out probs : f32[10] = h |> last |> Dense(10) |> softmaxx\n"
    "  out wrong : f32[11] = mfcc |> Dense(10) |> last -> relu\n"
    "}\n";

static const char part[] = "grus 1\n"
                           "param width = 8\n"
                           "block Residual(n, drop=0.0) {\n"
                           "  in  x\n"
                           "  out y = x + (x |> Dense(n) |> relu |> Dropout(drop))\n"
                           "}\n";

static const char uses_blocks[] =
    "grus 1\n"
    "use \"part.grus\"\n"
    "model gesture {\n"
    "  in  imu : f32[time 100, axis 6]\n"
    "  out p   : f32[4] = imu |> Dense(width) |> Residual(width) |> Residual(width, drop=0.1)\n"
    "    |> GRU(width) |> last |> Dense(4) |> softmax\n"
    "}\n";

static const char stream[] = "grus 1\n"
                             "model denoise {\n"
                             "  in  frame : f32[time .. @ 100Hz, band 22]\n"
                             "  out gain  : f32[time .., band 22] = frame |> Dense(24) |> tanh |> "
                             "GRU(48) |> Dense(22) |> sigmoid\n"
                             "}\n";

static const char weighted[] = "grus 1\n"
                               "model small {\n"
                               "  weights torch \"w.safetensors\"\n"
                               "  in  x : f32[2]\n"
                               "  out y : f32[1] = x |> Dense(1, from=\"fc\")\n"
                               "}\n";

static const char tensors[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
    "\"fc.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}";

static void write_bytes(const char *path, const void *data, size_t len) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, len, f), len);
  assert_int_equal(fclose(f), 0);
}

static void write_text(const char *path, const char *text) {
  write_bytes(path, text, strlen(text));
}

static void write_tensors(const char *path) {
  unsigned char bytes[8 + sizeof tensors - 1 + 12] = {(unsigned char)(sizeof tensors - 1)};
  assert_true(sizeof tensors - 1 < 256);
  memcpy(bytes + 8, tensors, sizeof tensors - 1);
  write_bytes(path, bytes, sizeof bytes);
}

static char *read_text(const char *path) {
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  char *text = calloc(1, 1 << 20);
  assert_non_null(text);
  size_t n = fread(text, 1, (1 << 20) - 1, f);
  assert_true(n < (1 << 20) - 1);
  fclose(f);
  return text;
}

static int count_entries(const char *path) {
  int n = 0;
  DIR *dir = opendir(path);
  assert_non_null(dir);
  while (readdir(dir))
    n++;
  closedir(dir);
  return n;
}

/* Standard output and error go to files while a command runs. */
static int run_quietly(int argc, char **argv) {
  fflush(stdout);
  fflush(stderr);
  int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
  int to = open("said", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  dup2(to, STDOUT_FILENO);
  dup2(to, STDERR_FILENO);
  close(to);
  int code = grus_command(argc, argv);
  fflush(stdout);
  fflush(stderr);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  close(out);
  close(err);
  return code;
}

/* words: the command line after `grus`. kept: NULL, or a file that begins each run as `original`
 * and is that or, where it is not NULL, `changed` after it. */
static void sweep(const char *words, int expected, const char *kept, const char *original,
                  const char *changed) {
  char line[256], *argv[MAX_ARGS] = {"grus"};
  int argc = 1, fds = 0, files = 0;
  snprintf(line, sizeof line, "%s", words);
  for (char *w = strtok(line, " "); w && argc < MAX_ARGS - 1; w = strtok(NULL, " "))
    argv[argc++] = w;
  write_text("said", "");
  if (kept) write_text(kept, original);
  fds = count_entries("/proc/self/fd");
  files = count_entries(".");
  for (long n = 1; n < MAX_RUNS; n++) {
    unsigned long before = mem_failures();
    mem_fail_at(n);
    int code = run_quietly(argc, argv);
    mem_fail_at(0);
    bool refused = mem_failures() != before;
    char *said = read_text("said");
    if (code != (refused ? (int)EXIT_FILE : expected))
      fail_msg("grus %s, allocation %ld: exit %d\n%s", words, n, code, said);
    if (refused != (strstr(said, "out of memory") != NULL))
      fail_msg("grus %s, allocation %ld says:\n%s", words, n, said);
    free(said);
    assert_int_equal(count_entries("/proc/self/fd"), fds);
    if (!refused) {
      assert_true(n > 1);
      return;
    }
    assert_int_equal(count_entries("."), files);
    if (!kept) continue;
    char *text = read_text(kept);
    bool whole = strcmp(text, original) == 0 || (changed && strcmp(text, changed) == 0);
    free(text);
    if (!whole)
      fail_msg("grus %s, allocation %ld: `%s` is neither as it was nor as it should be", words, n,
               kept);
    write_text(kept, original);
  }
  fail_msg("grus %s: still out of memory after %d allocations", words, MAX_RUNS);
}

static void check_with_errors(void **state) {
  (void)state;
  static const char *const formats[] = {"human", "short", "gcc", "json", "sarif"};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    char words[64];
    snprintf(words, sizeof words, "check --diagnostics=%s bad.grus", formats[i]);
    sweep(words, EXIT_MODEL, NULL, NULL, NULL);
  }
}

static void check_with_blocks(void **state) {
  (void)state;
  sweep("check blocks.grus", EXIT_DONE, NULL, NULL, NULL);
}

static void check_stream(void **state) {
  (void)state;
  sweep("check stream.grus", EXIT_DONE, NULL, NULL, NULL);
}

static void check_several(void **state) {
  (void)state;
  sweep("check blocks.grus bad.grus stream.grus", EXIT_MODEL, NULL, NULL, NULL);
}

static void check_fix(void **state) {
  (void)state;
  char *words[] = {"grus", "check", "--fix", "fixed.grus"};
  write_text("fixed.grus", errors_and_fixes);
  run_quietly(4, words);
  char *changed = read_text("fixed.grus");
  assert_string_not_equal(changed, errors_and_fixes);
  sweep("check --fix fixed.grus", EXIT_MODEL, "fixed.grus", errors_and_fixes, changed);
  free(changed);
}

static void fmt(void **state) {
  (void)state;
  static const char loose[] = "grus 1\nmodel m{in x:f32[2] # two\nout y:f32[1]=x|>Dense(1)}\n";
  sweep("fmt loose.grus", EXIT_DONE, "loose.grus", loose, NULL);
}

static void fmt_with_errors(void **state) {
  (void)state;
  static const char open_bracket[] = "grus 1\nmodel m { in x : f32[2 }\n";
  sweep("fmt open.grus", EXIT_MODEL, "open.grus", open_bracket, NULL);
}

static void inspect(void **state) {
  (void)state;
  sweep("inspect blocks.grus", EXIT_DONE, NULL, NULL, NULL);
  sweep("inspect --svg stream.grus", EXIT_DONE, NULL, NULL, NULL);
  sweep("inspect --json stream.grus", EXIT_DONE, NULL, NULL, NULL);
}

static void explain(void **state) {
  (void)state;
  sweep("explain E301", EXIT_DONE, NULL, NULL, NULL);
}

static void bind_weights(void **state) {
  (void)state;
  sweep("build --emit=kir weighted.grus", EXIT_DONE, NULL, NULL, NULL);
}

static void build_c(void **state) {
  (void)state;
  sweep("build --weights=random:1 --emit=c -o made.c stream.grus", EXIT_DONE, NULL, NULL, NULL);
}

static char folder[] = "/tmp/grus-memory-XXXXXX";

static int set_up(void **state) {
  (void)state;
  if (!mkdtemp(folder) || chdir(folder) != 0) return -1;
  write_text("bad.grus", errors_and_fixes);
  write_text("part.grus", part);
  write_text("blocks.grus", uses_blocks);
  write_text("stream.grus", stream);
  write_text("weighted.grus", weighted);
  write_tensors("w.safetensors");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  DIR *dir = opendir(folder);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_name[0] != '.') unlink(e->d_name);
  if (dir) closedir(dir);
  return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_with_errors), cmocka_unit_test(check_with_blocks),
      cmocka_unit_test(check_stream),      cmocka_unit_test(check_several),
      cmocka_unit_test(check_fix),         cmocka_unit_test(fmt),
      cmocka_unit_test(fmt_with_errors),   cmocka_unit_test(inspect),
      cmocka_unit_test(explain),           cmocka_unit_test(bind_weights),
      cmocka_unit_test(build_c),
  };
  return cmocka_run_group_tests_name("memory", tests, set_up, tear_down);
}
