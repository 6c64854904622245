/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A walk over the models of folders. Included after cmocka.h. */
#ifndef GRUS_TESTS_UNIT_FRONT_MODELS_H
#define GRUS_TESTS_UNIT_FRONT_MODELS_H

#include <dirent.h>
#include <stdio.h>
#include <string.h>

/* Calls `check` for each .grus file of the folders; it counts in *n what it could check, more than
 * 20 of them. A folder that is not there is skipped. */
static void each_model(int n_folders, char **folders,
                       void (*check)(const char *path, const char *text, int *n)) {
  static char text[1 << 20];
  int checked = 0;
  for (int i = 0; i < n_folders; i++) {
    DIR *dir = opendir(folders[i]);
    if (!dir) {
      print_message("SKIPPED: no folder %s\n", folders[i]);
      continue;
    }
    for (struct dirent *e; (e = readdir(dir));) {
      char path[4096];
      const char *dot = strrchr(e->d_name, '.');
      if (!dot || strcmp(dot, ".grus") != 0) continue;
      snprintf(path, sizeof path, "%s/%s", folders[i], e->d_name);
      FILE *file = fopen(path, "rb");
      assert_non_null(file);
      size_t n = fread(text, 1, sizeof text - 1, file);
      fclose(file);
      text[n] = 0;
      check(path, text, &checked);
    }
    closedir(dir);
  }
  assert_true(checked > 20);
}

#endif
