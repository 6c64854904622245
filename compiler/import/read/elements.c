/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Looking up element types: see elements.h. */
#include "import/read/elements.h"

const ElementRow *element_row(ElementTable table, int64_t code) {
  for (int i = 0; i < table.n; i++)
    if (table.row[i].code == code) return &table.row[i];
  return NULL;
}

bool element_of(ElementTable table, int64_t code, GraphElem *elem) {
  const ElementRow *row = element_row(table, code);
  if (row) *elem = row->elem;
  return row != NULL;
}
