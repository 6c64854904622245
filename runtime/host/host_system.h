/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The functions that differ between systems. Either host_unix.c or host_windows.c defines them. A
 * function that fails sets errno. */
#ifndef GRUS_HOST_SYSTEM_H
#define GRUS_HOST_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

/* Called first by a program. On Windows, it makes standard input and output binary and turns the
 * backslashes of argv into slashes. */
void host_system_begin(int argc, char **argv);
/* Ends the process by this signal. On Windows it does nothing: the exit code tells. */
void host_system_die(int number);

/* Whether a file descriptor is a terminal. */
bool host_system_is_terminal(int fd);

/* Seconds of a clock that only runs forward. */
double host_system_seconds(void);

/* Opens a file for reading; child processes do not inherit it. -1 if it cannot. */
int host_system_open(const char *path);
/* Reads n bytes from `at` on, fewer at the end of the file; -1 on failure. On Windows it moves the
 * position of the file. */
int64_t host_system_read_at(int fd, void *to, size_t n, uint64_t at);
/* Finds the numbers that identify the file fd, or path if fd is -1. inode 0: not known. */
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
/* Renames a file; a file that has the new name already is replaced. */
bool host_system_replace(const char *from, const char *to);
/* A temporary file that disappears when it is closed. */
FILE *host_system_scratch(void);

/* Memory at a multiple of align, a power of two. */
void *host_system_allocate(size_t size, size_t align);
void host_system_free(void *memory);

#endif
