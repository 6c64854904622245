/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a triple to a system whose libraries grus writes; see library_system.h. */
#include "driver/library_system.h"

#include <stdlib.h>
#include <string.h>

/* x18 is the system's on macOS, which otherwise calls functions of pointers as Linux does. */
#define X86_64_LEVELS {"x86-64-v4", "x86-64-v3", "x86-64-v2"}
#define MACOS(processor, word, llvm, features, ...)                                                \
  {processor, word, LINK_MACHO, ".dylib", llvm, features, __VA_ARGS__}
static const LibrarySystem systems[] = {
    {"x86_64-", "windows", LINK_PE, ".dll", "x86_64-pc-windows-elf", NULL, X86_64_LEVELS},
    {"x86_64-", "mingw", LINK_PE, ".dll", "x86_64-pc-windows-elf", NULL, X86_64_LEVELS},
    MACOS("x86_64-", "macos", "x86_64-pc-linux-gnu", NULL, X86_64_LEVELS),
    MACOS("x86_64-", "darwin", "x86_64-pc-linux-gnu", NULL, X86_64_LEVELS),
    MACOS("aarch64-", "macos", "aarch64-unknown-linux-gnu", "+reserve-x18", {"aarch64"}),
    MACOS("aarch64-", "darwin", "aarch64-unknown-linux-gnu", "+reserve-x18", {"aarch64"}),
    MACOS("arm64-", "macos", "aarch64-unknown-linux-gnu", "+reserve-x18", {"aarch64"}),
    MACOS("arm64-", "darwin", "aarch64-unknown-linux-gnu", "+reserve-x18", {"aarch64"}),
};

const LibrarySystem *library_system(const Options *o) {
  for (size_t i = 0; o->target && i < sizeof systems / sizeof *systems; i++)
    if (strncmp(o->target, systems[i].processor, strlen(systems[i].processor)) == 0 &&
        strstr(o->target, systems[i].word))
      return &systems[i];
  return NULL;
}

const char *library_ending(const Session *s) {
  const LibrarySystem *system = library_system(s->options);
#if defined(__APPLE__)
  return system ? system->ending : ".dylib";
#else
  return system ? system->ending : ".so";
#endif
}

bool library_ending_fits(Session *s) {
  static const char *const endings[] = {".so", ".dylib", ".dll"};
  const char *cc = getenv("CC"), *out = s->options->out, *ending = out ? strrchr(out, '.') : NULL;
  const char *wanted = library_ending(s);
  bool is_of_another = false;
  for (size_t i = 0; ending && i < sizeof endings / sizeof *endings; i++)
    is_of_another = is_of_another || (strcmp(ending, endings[i]) == 0 && strcmp(ending, wanted));
  if (!is_of_another || (cc && *cc)) return true;
  bool dll = strcmp(ending, ".dll") == 0, dylib = strcmp(ending, ".dylib") == 0;
  session_error(s,
                "shared libraries of this system end in %s: use that ending, or a target whose "
                "libraries end in %s, such as `--target %s`, or set CC to a C compiler for it",
                wanted, ending,
                dll     ? "x86_64-windows-gnu"
                : dylib ? "aarch64-macos"
                        : "x86_64-linux-gnu");
  s->usage_trouble = true;
  return false;
}
