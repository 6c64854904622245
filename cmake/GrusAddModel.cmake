# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# grus_add_model(NAME FILE.grus [BACKEND c] [DEFINES param=value...] [OPTIONS option...])
#
# Adds the static library NAME, compiled from the model FILE: whoever links it can include "NAME.h".
#
#   BACKEND   c: C99, compiled by the project's own compiler (the only one so far, and the default)
#   DEFINES   values of the model's params, as with -D
#   OPTIONS   further options of `grus build`, for instance --max-ram 16KiB
#
# The model is built again when it, a file it uses, its weights or the compiler change, and not
# otherwise; the C is compiled again only when it came out different. An error in the model is an
# error of the build, at its line: GRUS_DIAGNOSTICS says how it is written (gcc, which editors
# understand; human, with excerpts and advice; short; json).
if(CMAKE_VERSION VERSION_LESS 3.20)
  message(FATAL_ERROR "grus_add_model() needs CMake 3.20 or newer; this is ${CMAKE_VERSION}")
endif()
cmake_policy(PUSH)
cmake_policy(VERSION 3.20)

set(GRUS_DIAGNOSTICS gcc CACHE STRING "how errors in models are written: gcc, human, short or json")

function(grus_add_model name file)
  cmake_parse_arguments(MODEL "" "BACKEND" "DEFINES;OPTIONS" ${ARGN})
  if(MODEL_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "grus_add_model(${name}): what is `${MODEL_UNPARSED_ARGUMENTS}`? "
                        "After the file come BACKEND, DEFINES and OPTIONS.")
  endif()
  if(MODEL_BACKEND AND NOT MODEL_BACKEND STREQUAL "c")
    message(FATAL_ERROR "grus_add_model(${name}): there is no backend `${MODEL_BACKEND}`; there is `c`.")
  endif()
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(NOT "C" IN_LIST languages)
    message(FATAL_ERROR "grus_add_model(${name}) compiles C: add C to the languages of project().")
  endif()
  get_filename_component(source "${file}" ABSOLUTE)
  if(NOT EXISTS "${source}")
    message(FATAL_ERROR "grus_add_model(${name}): there is no file ${source}.")
  endif()

  set(dir "${CMAKE_CURRENT_BINARY_DIR}/grus/${name}")
  file(MAKE_DIRECTORY "${dir}")
  set(defines "")
  foreach(define IN LISTS MODEL_DEFINES)
    list(APPEND defines -D "${define}")
  endforeach()

  # grus leaves unchanged outputs untouched, so that nothing is compiled in vain; the stamp tells
  # the build tool that it ran all the same.
  add_custom_command(
    OUTPUT "${dir}/${name}.stamp"
    BYPRODUCTS "${dir}/${name}.c" "${dir}/${name}.h"
    COMMAND Grus::grus build "${source}" -o "${dir}/${name}.c" "--diagnostics=${GRUS_DIAGNOSTICS}" -q
            ${defines} ${MODEL_OPTIONS} -MD -MF "${dir}/${name}.d" -MT "${dir}/${name}.stamp"
    COMMAND "${CMAKE_COMMAND}" -E touch "${dir}/${name}.stamp"
    DEPENDS "${source}" Grus::grus
    DEPFILE "${dir}/${name}.d"
    COMMENT "Compiling the model ${name}"
    VERBATIM COMMAND_EXPAND_LISTS)
  add_custom_target(${name}_model DEPENDS "${dir}/${name}.stamp")

  set_source_files_properties("${dir}/${name}.c" "${dir}/${name}.h" PROPERTIES GENERATED TRUE)
  add_library(${name} STATIC "${dir}/${name}.c" "${dir}/${name}.h")
  add_dependencies(${name} ${name}_model)
  target_include_directories(${name} PUBLIC "${dir}")
  target_compile_features(${name} PUBLIC c_std_99)
endfunction()

cmake_policy(POP)
