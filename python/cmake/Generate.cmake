# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# generated/ in the source tree: the parser, the readers of messages in C and the commit, for a source distribution.
find_program(GRUS_BISON bison REQUIRED)
find_program(GRUS_FLEX flex REQUIRED)
find_program(GRUS_PROTOC_C protoc-c REQUIRED)
set(generated ${grus_root}/generated)
file(MAKE_DIRECTORY ${generated}/front ${generated}/import)

function(make)
  # From the root, so that lines are told by names that do not depend on where it is.
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${grus_root} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
make(${GRUS_BISON} --defines=generated/front/parser.tab.h -o generated/front/parser.tab.c grammar/parser.y)
make(${GRUS_FLEX} -o generated/front/lexer.yy.c grammar/lexer.l)
foreach(proto onnx graphdef)
  make(${GRUS_PROTOC_C} --c_out=generated/import --proto_path=compiler/import ${proto}.proto)
endforeach()

find_program(GRUS_GIT git)
set(commit "")
if(GRUS_GIT)
  execute_process(COMMAND ${GRUS_GIT} -C ${grus_root} rev-parse --short=10 HEAD OUTPUT_VARIABLE commit ERROR_QUIET)
endif()
file(WRITE ${generated}/commit.txt "${commit}")
