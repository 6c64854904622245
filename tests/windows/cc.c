/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A C compiler for programs under Wine: cc.exe hands its command line to the GCC of mingw-w64 of
 * the system below, through that system's shell, and waits for the exit code in a file. Wine has
 * that system's files on drive Z:, and its own in a folder of WINEPREFIX on drive C:. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { POLL_MS = 20, MOST_POLLS = 3000 };

/* Whether a path on this drive begins at c. */
static int on_drive(const char *c, char drive) {
  return (c[0] | 32) == drive && c[1] == ':' && (c[2] == '/' || c[2] == '\\');
}

/* Writes a word for the shell: in single quotes, drives as folders. */
static void put_word(FILE *script, const char *word) {
  fputs(" '", script);
  for (const char *c = word; *c; c++) {
    if (on_drive(c, 'c')) fprintf(script, "%s/drive_c", getenv("WINEPREFIX"));
    if (on_drive(c, 'c') || on_drive(c, 'z')) c += 2;
    if (*c == '\'')
      fputs("'\\''", script);
    else
      fputc(*c == '\\' ? '/' : *c, script);
  }
  fputc('\'', script);
}

int main(int argc, char **argv) {
  char folder[MAX_PATH], script[MAX_PATH + 64], done[MAX_PATH + 64], line[2 * MAX_PATH + 128];
  STARTUPINFOA start = {.cb = sizeof start};
  PROCESS_INFORMATION process;
  int code;
  GetTempPathA(sizeof folder, folder);
  snprintf(script, sizeof script, "%scc%lu.sh", folder, GetCurrentProcessId());
  snprintf(done, sizeof done, "%scc%lu.done", folder, GetCurrentProcessId());
  remove(done); /* of a process that had this number before */
  FILE *file = fopen(script, "wb");
  if (!file) return 1;
  fputs("x86_64-w64-mingw32-gcc-posix", file);
  for (int i = 1; i < argc; i++)
    put_word(file, argv[i]);
  fputs(" 2>", file);
  put_word(file, done);
  fputs(".err\necho $? >", file);
  put_word(file, done);
  fputs(".new\nmv", file);
  strcat(done, ".new");
  put_word(file, done);
  done[strlen(done) - 4] = 0;
  put_word(file, done);
  fputc('\n', file);
  fclose(file);
  for (char *c = script; *c; c++)
    if (*c == '\\') *c = '/';
  if (on_drive(script, 'c'))
    snprintf(line, sizeof line, "sh %s/drive_c%s", getenv("WINEPREFIX"), script + 2);
  else
    snprintf(line, sizeof line, "sh %s", script + 2);
  if (!CreateProcessA("Z:\\bin\\sh", line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &process)) {
    fprintf(stderr, "cc: the shell cannot be started: %lu\n", GetLastError());
    return 1;
  }
  for (int i = 0; i < MOST_POLLS; i++) {
    file = fopen(done, "rb");
    if (file) break;
    Sleep(POLL_MS);
  }
  if (!file || fscanf(file, "%d", &code) != 1) code = 1;
  if (file) fclose(file);
  strcat(done, ".err");
  file = fopen(done, "rb");
  for (int c; file && (c = fgetc(file)) != EOF;)
    fputc(c, stderr);
  return code;
}
