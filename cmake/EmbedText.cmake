# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Makes a C file with the lines of a text: cmake -DTEXT=.. -DNAME=.. -DOUT=.. -P this
file(READ ${TEXT} text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\",\n    \"" text "${text}")
get_filename_component(base ${TEXT} NAME)
file(WRITE ${OUT} "/* ${base}, made by cmake/EmbedText.cmake. */\n#include <stddef.h>\n\n"
     "extern const char *const ${NAME}[];\nconst char *const ${NAME}[] = {\n    \"${text}\", NULL};\n")
