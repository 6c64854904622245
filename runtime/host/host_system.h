/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What systems do differently: host_unix.c and host_windows.c, one of which is compiled. Where a
 * function can fail, errno says why. */
#ifndef GRUS_HOST_SYSTEM_H
#define GRUS_HOST_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

/* Makes standard input and output streams of bytes, and slashes of the backslashes in argv, where a
 * system has others. */
void host_system_begin(int argc, char **argv);
/* Ends as one does whom this signal ended; returns where nobody would know. */
void host_system_die(int number);

/* Whether a person reads or types there. */
bool host_system_is_terminal(int fd);

/* Seconds since some moment. */
double host_system_seconds(void);

/* Bytes of a file to be read, which no other program inherits; -1 if it cannot be opened. */
int host_system_open(const char *path);
/* n bytes from `at` on, less at the end of the file, or -1; moves the file's position where a
 * system cannot do without. */
int64_t host_system_read_at(int fd, void *to, size_t n, uint64_t at);
/* Which file it is: of fd, or with fd -1 of path. inode 0: nobody knows. */
void host_system_identify(int fd, const char *path, const struct stat *info, uint64_t *device,
                          uint64_t *inode);
/* Whether what is written always goes to the end of the file. */
bool host_system_appends(int fd);

bool host_system_make_folder(const char *path);
/* The path without links and dots; free. NULL if it does not exist. */
char *host_system_real_path(const char *path);
/* A new file with the permissions of `like`, or with those of any new file; name ends with
 * XXXXXX, which become its name. -1 if there is none. */
int host_system_new_file(char *name, const struct stat *like);
/* Puts a file in the place of another one, or where there is none. */
bool host_system_replace(const char *from, const char *to);
/* A file without a name, gone when it is closed. */
FILE *host_system_scratch(void);

/* Memory at a multiple of align, a power of two. */
void *host_system_allocate(size_t size, size_t align);
void host_system_free(void *memory);

#endif
