# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Makes OUT, a C file with the bytes of the object IN as NAME: cmake -DIN=.. -DNAME=.. -DOUT=.. -P this. IN empty: no bytes.
set(body "0")
set(size 0)
if(IN)
  file(READ ${IN} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(..)" "0x\\1, " body "${hex}")
  string(REGEX REPLACE "(......................................................................................), " "\\1,\n    " body "${body}")
endif()
file(WRITE ${OUT} "/* Made by cmake/EmbedObject.cmake. */\n#include \"driver/shared_object.h\"\n\n"
     "const unsigned char ${NAME}[] = {\n    ${body}};\nconst size_t ${NAME}_size = ${size};\n")
