/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* time RUNS FILE COMMAND [ARG...]: runs COMMAND ARG... FILE that many times, its output thrown
 * away, and prints the medians: time from start to end of the process, processor time (user and
 * system), both also by the line of FILE, and the most memory it held. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_RUNS = 1001, MAX_ARGS = 32 };

typedef struct Run {
  double wall, cpu; /* seconds */
  long memory;      /* KiB */
} Run;

static double seconds(struct timeval t) {
  return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static int run_once(char **argv, Run *run) {
  struct timespec begin, end;
  struct rusage used;
  int status;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
      dup2(null, fd);
    execv(argv[0], argv);
    _exit(127);
  }
  if (pid < 0 || wait4(pid, &status, 0, &used) != pid) return -1;
  clock_gettime(CLOCK_MONOTONIC, &end);
  run->wall = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
  run->cpu = seconds(used.ru_utime) + seconds(used.ru_stime);
  run->memory = used.ru_maxrss;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *x, int n) {
  qsort(x, (size_t)n, sizeof *x, by_value);
  return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static long count_lines(const char *path) {
  FILE *f = fopen(path, "r");
  long n = 0;
  if (!f) return -1;
  for (int c; (c = getc(f)) != EOF;)
    n += c == '\n';
  fclose(f);
  return n;
}

int main(int argc, char **argv) {
  static double wall[MAX_RUNS], cpu[MAX_RUNS];
  int runs = argc > 3 ? atoi(argv[1]) : 0;
  if (runs < 1 || runs > MAX_RUNS || argc - 3 > MAX_ARGS - 2) {
    fprintf(stderr, "usage: time RUNS FILE COMMAND [ARG...]\n");
    return 2;
  }
  char *command[MAX_ARGS] = {0};
  memcpy(command, argv + 3, (size_t)(argc - 3) * sizeof *argv);
  command[argc - 3] = argv[2];
  long lines = count_lines(argv[2]), memory = 0;
  for (int i = 0; i < runs; i++) {
    Run run;
    int code = lines > 0 ? run_once(command, &run) : -1;
    if (code != 0) {
      fprintf(stderr, "time: `%s` on `%s` exits with %d\n", command[0], argv[2], code);
      return 1;
    }
    wall[i] = run.wall, cpu[i] = run.cpu;
    memory = run.memory > memory ? run.memory : memory;
  }
  double w = median(wall, runs), c = median(cpu, runs);
  printf("%7ld lines, %d runs: %8.2f ms (%5.2f us a line), processor %8.2f ms (%5.2f us a line), "
         "%.1f MiB\n",
         lines, runs, w * 1e3, w * 1e6 / (double)lines, c * 1e3, c * 1e6 / (double)lines,
         (double)memory / 1024);
  return 0;
}
