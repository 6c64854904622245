/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Output files: temporary names, renaming, and the errors of a disk; see host_sink.h. */
#include "host_posix.h"

#include "host_signal.h"
#include "host_sink.h"
#include "host_system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int sink_fail(HostSink *sink, int failure) {
  if (sink->status) return sink->status;
  /* The reader of standard output has stopped reading, which is no error to report. */
  if (failure == EPIPE) return sink->status = 128 + HOST_SIGPIPE;
  return sink->status = host_error(sink->log, GRUS_EXIT_FILE, "%s: cannot write: %s", sink->name,
                                   strerror(failure ? failure : EIO));
}

/* The pattern of a temporary name next to path: "dir/.name.XXXXXX". NULL without memory. */
static char *sink_template(const char *path) {
  const char *slash = strrchr(path, '/');
  size_t folder = slash ? (size_t)(slash - path) + 1 : 0, length = strlen(path);
  char *text = malloc(length + sizeof "..XXXXXX");
  if (!text) return NULL;
  memcpy(text, path, folder);
  text[folder] = '.';
  memcpy(text + folder + 1, path + folder, length - folder);
  memcpy(text + length + 1, ".XXXXXX", sizeof ".XXXXXX");
  return text;
}

/* The path with its folder resolved, so that two spellings of one file are equal. NULL on failure.
 */
static char *sink_resolve(const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  char *folder = slash ? strdup(path) : strdup(".");
  if (!folder) return NULL;
  if (slash) folder[slash == path ? 1 : slash - path] = 0;
  char *real = host_system_real_path(folder);
  free(folder);
  if (!real) return NULL;
  size_t length = strlen(real) + strlen(base) + 2;
  char *whole = malloc(length);
  if (whole) snprintf(whole, length, "%s%s%s", real, real[1] ? "/" : "", base);
  free(real);
  return whole;
}

static int sink_open_temporary(HostSink *sink, const struct stat *like) {
  char *template = sink_template(sink->path);
  if (!template) return sink_fail(sink, ENOMEM);
  int fd = host_system_new_file(template, like);
  if (fd < 0) {
    int failure = errno;
    free(template);
    return sink_fail(sink, failure);
  }
  sink->temporary = template;
  sink->file = fdopen(fd, "wb");
  if (!sink->file) {
    int failure = errno;
    close(fd);
    return sink_fail(sink, failure);
  }
  return GRUS_EXIT_OK;
}

static void sink_identify(HostSink *sink, int fd, const struct stat *info) {
  if (S_ISREG(info->st_mode))
    host_system_identify(fd, sink->name, info, &sink->device, &sink->inode);
}

static int sink_open_standard_output(HostSink *sink) {
  struct stat info;
  sink->name = "standard output";
  sink->file = stdout;
  if (fstat(STDOUT_FILENO, &info) == 0) sink_identify(sink, STDOUT_FILENO, &info);
  /* Headers can be completed only if standard output is a file that is written from its beginning.
   */
  sink->seekable =
      sink->inode && !host_system_appends(STDOUT_FILENO) && lseek(STDOUT_FILENO, 0, SEEK_CUR) == 0;
  return GRUS_EXIT_OK;
}

int host_sink_open(HostSink *sink, const char *path) {
  struct stat info;
  if (strcmp(path, "-") == 0) return sink_open_standard_output(sink);
  sink->name = path;
  if (stat(path, &info) != 0) {
    if (errno != ENOENT) return sink_fail(sink, errno);
    sink->seekable = true;
    sink->path = sink_resolve(path);
    return sink->path ? sink_open_temporary(sink, NULL) : sink_fail(sink, errno);
  }
  if (S_ISDIR(info.st_mode)) return sink_fail(sink, EISDIR);
  if (access(path, W_OK)) return sink_fail(sink, errno);
  if (!S_ISREG(info.st_mode)) {
    sink->file = fopen(path, "wb");
    return sink->file ? GRUS_EXIT_OK : sink_fail(sink, errno);
  }
  sink_identify(sink, -1, &info);
  sink->seekable = true;
  sink->path = host_system_real_path(path); /* a symbolic link stays one */
  return sink->path ? sink_open_temporary(sink, &info) : sink_fail(sink, errno);
}

int host_sink_open_held(HostSink *sink) {
  sink->name = "standard output";
  sink->held = true;
  sink->file = host_system_scratch();
  return sink->file ? GRUS_EXIT_OK : sink_fail(sink, errno);
}

int host_sink_open_archived(HostSink *sink, const char *name) {
  int status = host_sink_open_held(sink);
  sink->archived = sink->seekable = true;
  sink->name = name;
  return status;
}

int host_sink_begin(HostSink *sink) {
  errno = 0;
  host_write_head(sink);
  return ferror(sink->file) ? sink_fail(sink, errno) : sink->status;
}

int host_sink_write(HostSink *sink, const double *values, size_t n) {
  if (sink->status) return sink->status;
  errno = 0;
  host_write_numbers(sink, values, n);
  sink->count += n;
  return ferror(sink->file) ? sink_fail(sink, errno) : GRUS_EXIT_OK;
}

int host_sink_flush(HostSink *sink) {
  if (sink->status) return sink->status;
  return fflush(sink->file) ? sink_fail(sink, errno) : GRUS_EXIT_OK;
}

int host_sink_finish(HostSink *sink) {
  if (sink->status) return sink->status;
  errno = 0;
  host_write_tail(sink);
  if (ferror(sink->file) || fflush(sink->file)) return sink_fail(sink, errno);
  if (sink->held) return GRUS_EXIT_OK;
  FILE *file = sink->file;
  sink->file = NULL;
  if (file != stdout && fclose(file)) return sink_fail(sink, errno);
  return GRUS_EXIT_OK;
}

static int sink_show(HostSink *sink) {
  char block[4096];
  size_t n;
  rewind(sink->file);
  errno = 0;
  while ((n = fread(block, 1, sizeof block, sink->file)) > 0)
    if (fwrite(block, 1, n, stdout) < n) return sink_fail(sink, errno);
  return fflush(stdout) ? sink_fail(sink, errno) : GRUS_EXIT_OK;
}

int host_sink_commit(HostSink *sink) {
  if (!sink->status && sink->archived) return GRUS_EXIT_OK;
  if (!sink->status && sink->held) return sink_show(sink);
  if (sink->status || !sink->temporary) return sink->status;
  if (!host_system_replace(sink->temporary, sink->path)) return sink_fail(sink, errno);
  free(sink->temporary);
  sink->temporary = NULL;
  return GRUS_EXIT_OK;
}

void host_sink_discard(HostSink *sink) {
  if (sink->file == stdout) {
    /* Standard output cannot be taken back, and a failure has been reported. */
    if (fflush(stdout)) clearerr(stdout);
  } else if (sink->file) {
    fclose(sink->file);
  }
  if (sink->temporary) unlink(sink->temporary);
  free(sink->temporary);
  free(sink->path);
  sink->file = NULL;
  sink->temporary = sink->path = NULL;
}
