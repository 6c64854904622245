/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files mapped into memory. A file that is mapped cannot become shorter here: Windows refuses it.
 */
#include "base/mapping.h"

#include <io.h>
#include <windows.h>

static void unmap(void *arg) {
  Mapped *m = arg;
  if (m->data) UnmapViewOfFile(m->data);
  m->data = NULL;
}

bool mapping_make(Arena *arena, int fd, size_t len, Mapped *out, const char **reason) {
  Mapped *m = ARENA_NEW(arena, Mapped); /* before there is anything to lose */
  arena_defer(arena, unmap, m);
  HANDLE file = (HANDLE)_get_osfhandle(fd);
  HANDLE mapping = CreateFileMappingA(file, NULL, PAGE_READONLY, 0, 0, NULL);
  const void *data = mapping ? MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, len) : NULL;
  if (mapping) CloseHandle(mapping); /* the view keeps it */
  if (!data) {
    *reason = "the system cannot map it into memory";
    return false;
  }
  *out = *m = (Mapped){data, len};
  return true;
}
