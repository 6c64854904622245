# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Writes OUT, a header with the commit that is built: of the checkout ROOT, or what `git archive` put
# into commit.txt or a source distribution of Python has in generated/; empty where none is known.
# Leaves OUT alone when nothing changed.
#
#   cmake -DROOT=... -DOUT=... -P Commit.cmake
cmake_minimum_required(VERSION 3.20)
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/commit.txt commit LIMIT_COUNT 1)
if(commit MATCHES "Format")
  set(commit "")
endif()
if(NOT commit AND EXISTS ${ROOT}/generated/commit.txt)
  file(STRINGS ${ROOT}/generated/commit.txt commit LIMIT_COUNT 1)
endif()
find_program(git git)
if(git AND EXISTS ${ROOT}/.git)
  execute_process(COMMAND ${git} -C ${ROOT} rev-parse --short=10 HEAD OUTPUT_VARIABLE found
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(commit ${found})
  endif()
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "#define GRUS_COMMIT \"@commit@\"\n" @ONLY)
