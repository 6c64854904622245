/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files, signals, time and memory with Windows; see host_system.h and host_signal.h. */
#include "host_posix.h"

#ifdef _WIN32

#include "host_signal.h"
#include "host_system.h"

#include <direct.h>
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <malloc.h>
#include <share.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { PATH_BYTES = 4096, ENDING = 6 /* XXXXXX */, TRIES = 100 };

/* ---- signals ---- */

static volatile LONG console_flag;

static BOOL WINAPI console_note(DWORD event) {
  (void)event;
  console_flag = SIGINT;
  return TRUE; /* the process goes on */
}

void host_signal_install(void) {
  console_flag = 0;
  SetConsoleCtrlHandler(console_note, TRUE);
}

void host_signal_restore(void) {
  SetConsoleCtrlHandler(console_note, FALSE);
}

int host_signal_seen(void) {
  return (int)console_flag;
}

void host_system_begin(int argc, char **argv) {
  _setmode(_fileno(stdin), _O_BINARY);
  _setmode(_fileno(stdout), _O_BINARY);
  for (int i = 0; i < argc; i++)
    for (char *c = argv[i]; *c; c++)
      if (*c == '\\') *c = '/';
}

/* Only the exit code tells of the interruption. */
void host_system_die(int number) {
  (void)number;
}

/* isatty does not serve: it is true for the device NUL, too. */
bool host_system_is_terminal(int fd) {
  DWORD mode;
  return GetConsoleMode((HANDLE)_get_osfhandle(fd), &mode) != 0;
}

double host_system_seconds(void) {
  LARGE_INTEGER now, rate;
  QueryPerformanceCounter(&now);
  QueryPerformanceFrequency(&rate);
  return (double)now.QuadPart / (double)rate.QuadPart;
}

/* ---- files ---- */

/* Sets errno to the number for the error of GetLastError; returns false. */
static bool file_failed(void) {
  DWORD error = GetLastError();
  errno = error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? ENOENT
          : error == ERROR_ACCESS_DENIED || error == ERROR_SHARING_VIOLATION ||
                  error == ERROR_LOCK_VIOLATION
              ? EACCES
          : error == ERROR_DISK_FULL || error == ERROR_HANDLE_DISK_FULL ? ENOSPC
                                                                        : EIO;
  return false;
}

int host_system_open(const char *path) {
  return _open(path, _O_RDONLY | _O_BINARY | _O_NOINHERIT);
}

int64_t host_system_read_at(int fd, void *to, size_t n, uint64_t at) {
  enum { MOST_BYTES = 1 << 30 }; /* at once: counts have 32 bits */
  if (_lseeki64(fd, (int64_t)at, SEEK_SET) < 0) return -1;
  return _read(fd, to, n < MOST_BYTES ? (unsigned)n : MOST_BYTES);
}

/* Opens a file or folder only to ask about it. */
static HANDLE file_ask(const char *path) {
  return CreateFileA(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                     OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
}

void host_system_identify(int fd, const char *path, const struct stat *info, uint64_t *device,
                          uint64_t *inode) {
  BY_HANDLE_FILE_INFORMATION known;
  HANDLE file = fd >= 0 ? (HANDLE)_get_osfhandle(fd) : file_ask(path);
  (void)info;
  *device = *inode = 0;
  if (file == INVALID_HANDLE_VALUE) return;
  if (GetFileInformationByHandle(file, &known)) {
    *device = known.dwVolumeSerialNumber;
    *inode = (uint64_t)known.nFileIndexHigh << 32 | known.nFileIndexLow;
  }
  if (fd < 0) CloseHandle(file);
}

/* Windows does not tell how a file was opened, so this is the safe answer. */
bool host_system_appends(int fd) {
  (void)fd;
  return true;
}

bool host_system_make_folder(const char *path) {
  return _mkdir(path) == 0;
}

char *host_system_real_path(const char *path) {
  char *real = malloc(PATH_BYTES);
  HANDLE file = file_ask(path);
  DWORD n = file == INVALID_HANDLE_VALUE || !real
                ? 0
                : GetFinalPathNameByHandleA(file, real, PATH_BYTES, FILE_NAME_NORMALIZED);
  if (n == 0 || n >= PATH_BYTES) file_failed();
  if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
  if (n == 0 || n >= PATH_BYTES) {
    free(real);
    return NULL;
  }
  for (char *c = real; *c; c++)
    if (*c == '\\') *c = '/';
  if (strncmp(real, "//?/", 4) == 0 && strncmp(real, "//?/UNC/", 8) != 0)
    memmove(real, real + 4, strlen(real + 4) + 1);
  return real;
}

/* Writes letters that the files of other processes and of other moments do not have. */
static void name_end(char *letters) {
  static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  static uint64_t count;
  LARGE_INTEGER now;
  QueryPerformanceCounter(&now);
  uint64_t x = (uint64_t)now.QuadPart * 6364136223846793005u + GetCurrentProcessId() + count++;
  for (int i = 0; i < ENDING; i++, x >>= 5)
    letters[i] = alphabet[(x >> 20) & 31];
}

static int new_file(char *template, int flags) {
  char *letters = template + strlen(template) - ENDING;
  for (int i = 0; i < TRIES; i++) {
    name_end(letters);
    int fd = _open(template, _O_RDWR | _O_CREAT | _O_EXCL | _O_BINARY | _O_NOINHERIT | flags,
                   _S_IREAD | _S_IWRITE);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

/* A new file has the permissions of its folder. */
int host_system_new_file(char *template, const struct stat *like) {
  (void)like;
  return new_file(template, 0);
}

bool host_system_replace(const char *from, const char *to) {
  return MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING) ? true : file_failed();
}

FILE *host_system_scratch(void) {
  char path[PATH_BYTES];
  DWORD n = GetTempPathA(PATH_BYTES - 16, path);
  if (n == 0 || n >= PATH_BYTES - 16) {
    file_failed();
    return NULL;
  }
  memcpy(path + n, "grus.XXXXXX", sizeof "grus.XXXXXX");
  int fd = new_file(path, _O_TEMPORARY);
  return fd < 0 ? NULL : _fdopen(fd, "w+b");
}

/* ---- memory ---- */

void *host_system_allocate(size_t size, size_t align) {
  return _aligned_malloc(size, align);
}

void host_system_free(void *memory) {
  _aligned_free(memory);
}

#else
typedef int HostWindowsNotUsed; /* ISO C has no empty files */
#endif
