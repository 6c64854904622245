# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Makes OUT, a C file with the bytes of the object IN as grus_shared_object: cmake -DIN=.. -DOUT=.. -P this.
# IN empty: no bytes.
set(body "0")
set(size 0)
if(IN)
  file(READ ${IN} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(..)" "0x\\1, " body "${hex}")
  string(REGEX REPLACE "(......................................................................................), " "\\1,\n    " body "${body}")
endif()
file(WRITE ${OUT} "/* Made from runtime/host/grus_shared.c by cmake/EmbedObject.cmake. */\n#include \"driver/shared_object.h\"\n\n"
     "const unsigned char grus_shared_object[] = {\n    ${body}};\nconst size_t grus_shared_object_size = ${size};\n")
