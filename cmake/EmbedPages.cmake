# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Makes pages.c from the Markdown pages in DOCS (docs/errors): cmake -DDOCS=.. -DOUT=.. -P this
file(GLOB pages RELATIVE ${DOCS} ${DOCS}/[EW][0-9]*.md ${DOCS}/stages/*.md)
list(SORT pages)
set(body "")
set(table "")
set(count 0)
foreach(page ${pages})
  get_filename_component(name ${page} NAME_WE)
  file(READ ${DOCS}/${page} text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\",\n    \"" text "${text}")
  string(APPEND body "static const char *const page_${count}[] = {\n    \"${text}\", NULL};\n")
  string(APPEND table "    {\"${name}\", page_${count}},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE ${OUT} "/* Made from docs/errors by cmake/EmbedPages.cmake. */\n#include \"driver/pages.h\"\n\n"
     "${body}\nconst Page pages[] = {\n${table}};\nconst size_t n_pages = ${count};\n")
