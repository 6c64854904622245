/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Links on the way to an output, component by component; see links.h. */
#define _XOPEN_SOURCE 700 /* readlink, S_ISVTX */
#include "driver/links.h"

#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_LINKS = 40 };

/* Whether the link may be followed, which stands in this folder. */
static bool is_trusted(const struct stat *link, const char *folder) {
  struct stat st;
  if (stat(folder, &st) != 0) return false;
  bool shared = (st.st_mode & S_ISVTX) && (st.st_mode & S_IWOTH);
  return !shared || link->st_uid == geteuid() || link->st_uid == st.st_uid;
}

static void drop_last(Text *done) {
  while (done->len && done->s[done->len - 1] != '/')
    done->len--;
  while (done->len > 1 && done->s[done->len - 1] == '/')
    done->len--;
  if (done->s) done->s[done->len] = 0;
}

/* done/part: what has no links any more. "" is the working folder. */
static void append(Text *done, const char *part, size_t n) {
  if (done->len && done->s[done->len - 1] != '/') text_add_char(done, '/');
  text_add_n(done, part, n);
}

/* Reads the link that `done` names, which stands in `folder`; NULL with *reason. */
static const char *link_content(Arena *arena, const char *done, const char *folder,
                                const struct stat *st, const char **reason) {
  char target[PATH_MAX];
  ssize_t n = readlink(done, target, sizeof target);
  if (!is_trusted(st, *folder ? folder : "."))
    *reason = arena_printf(
        arena, "`%s` is a link that another user created in a folder to which everyone can write",
        done);
  else if (n < 0)
    *reason = strerror(errno);
  else if ((size_t)n == sizeof target)
    *reason = strerror(ENAMETOOLONG);
  else
    return arena_strndup(arena, target, (size_t)n);
  return NULL;
}

const char *links_follow(Arena *arena, const char *path, const char **reason) {
  Text done = text_new(arena);
  int links = 0;
  if (*path == '/') text_add(&done, "/");
  for (const char *rest = path; *rest;) {
    size_t n = strcspn(rest, "/");
    const char *part = rest;
    struct stat st;
    rest += n + strspn(rest + n, "/");
    if (n == 0 || (n == 1 && part[0] == '.')) continue;
    bool up = n == 2 && part[0] == '.' && part[1] == '.',
         at_top = !done.len || (done.len >= 2 && strcmp(done.s + done.len - 2, "..") == 0);
    if (up && !at_top) {
      drop_last(&done);
      continue;
    }
    const char *folder = arena_strdup(arena, text_str(&done));
    append(&done, part, n);
    if (up || lstat(text_str(&done), &st) != 0 || !S_ISLNK(st.st_mode)) continue;
    if (++links > MOST_LINKS) {
      *reason = strerror(ELOOP);
      return NULL;
    }
    const char *to = link_content(arena, text_str(&done), folder, &st, reason);
    if (!to) return NULL;
    rest = arena_printf(arena, "%s/%s", to, rest);
    if (*to == '/') {
      done.len = 0;
      text_add(&done, "/");
    } else
      drop_last(&done);
  }
  return done.len ? text_str(&done) : ".";
}
