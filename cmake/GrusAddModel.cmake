# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# grus_add_model(NAME FILE.grus [TARGET machine] [WEIGHTS file] [PRECISION precision]
#                [BACKEND c|llvm|auto] [DEFINES param=value...] [OPTIONS option...])
#
# Adds the static library NAME, compiled from the model FILE: whoever links it can include "NAME.h".
#
#   TARGET     the machine, as in `grus build --target help`; `dispatch`: bodies for several processors,
#              of which the one it runs on chooses. Without it the C is scalar, for any processor
#   WEIGHTS    the weights file, in place of the one that the model names; random:SEED, extern
#   PRECISION  the precision, in place of the model's own
#   BACKEND    c: C99, compiled by the project's own compiler (the default); llvm: grus makes the
#              object; auto: llvm where grus has it and the project compiles for this machine, else c
#   DEFINES    values of the model's params, as with -D
#   OPTIONS    further options of `grus build`, for instance --max-ram 16KiB
#
# GCC and clang compile the C with -O2 and -ffp-contract=off, and with the -march that a TARGET of a
# desktop needs; flags for microcontrollers are those of the project's toolchain file.
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

# What GCC and clang need for C that is scheduled for `target`, where a project's own flags do not say.
function(grus_target_flags target out)
  set(flags "")
  if(target MATCHES "^x86-64-v[234]$")
    set(flags -march=${target})
  elseif(target STREQUAL "x86-64-v3-vnni")
    set(flags -march=x86-64-v3 -mavxvnni)
  elseif(target STREQUAL "x86-64-v4-vnni")
    set(flags -march=x86-64-v4 -mavx512vnni)
  elseif(target STREQUAL "x86-64-v4-bf16")
    set(flags -march=x86-64-v4 -mavx512vnni -mavx512bf16)
  elseif(target STREQUAL "x86-64-amx")
    set(flags -march=x86-64-v4 -mavx512vnni -mavx512bf16 -mamx-tile -mamx-int8 -mamx-bf16)
  elseif(target STREQUAL "aarch64-dotprod")
    set(flags -march=armv8.2-a+dotprod)
  elseif(target STREQUAL "native" OR target STREQUAL "multi")
    set(flags -march=native)
  endif()
  set(${out} "${flags}" PARENT_SCOPE)
endfunction()

# llvm or c, for BACKEND auto. A grus that this project builds itself cannot be asked yet.
function(grus_choose_backend out)
  set(${out} c PARENT_SCOPE)
  get_target_property(grus Grus::grus IMPORTED_LOCATION)
  if(NOT grus OR NOT EXISTS "${grus}" OR CMAKE_CROSSCOMPILING OR NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
    return()
  endif()
  execute_process(COMMAND "${grus}" --version OUTPUT_VARIABLE version ERROR_QUIET)
  if(version MATCHES "llvm")
    set(${out} llvm PARENT_SCOPE)
  endif()
endfunction()

function(grus_add_model name file)
  cmake_parse_arguments(MODEL "" "BACKEND;TARGET;WEIGHTS;PRECISION" "DEFINES;OPTIONS" ${ARGN})
  if(MODEL_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "grus_add_model(${name}): what is `${MODEL_UNPARSED_ARGUMENTS}`? After the file come "
                        "TARGET, WEIGHTS, PRECISION, BACKEND, DEFINES and OPTIONS.")
  endif()
  if(NOT MODEL_BACKEND)
    set(MODEL_BACKEND c)
  endif()
  if(NOT MODEL_BACKEND MATCHES "^(c|llvm|auto)$")
    message(FATAL_ERROR "grus_add_model(${name}): there is no backend `${MODEL_BACKEND}`; there are c, llvm and auto.")
  endif()
  if(NOT TARGET Grus::grus)
    message(FATAL_ERROR "grus_add_model(${name}): there is no target Grus::grus: call find_package(Grus) first, or add "
                        "grus with add_subdirectory or FetchContent.")
  endif()
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(NOT "C" IN_LIST languages)
    message(FATAL_ERROR "grus_add_model(${name}) compiles C: add C to the languages of project().")
  endif()
  get_filename_component(source "${file}" ABSOLUTE)
  if(NOT EXISTS "${source}")
    message(FATAL_ERROR "grus_add_model(${name}): there is no file ${source}.")
  endif()
  if(MODEL_BACKEND STREQUAL "auto" AND MODEL_TARGET MATCHES "^(multi|dispatch)$")
    set(MODEL_BACKEND c)
  elseif(MODEL_BACKEND STREQUAL "auto")
    grus_choose_backend(MODEL_BACKEND)
  endif()

  set(dir "${CMAKE_CURRENT_BINARY_DIR}/grus/${name}")
  file(MAKE_DIRECTORY "${dir}")
  set(options "")
  foreach(define IN LISTS MODEL_DEFINES)
    list(APPEND options -D "${define}")
  endforeach()
  if(MODEL_TARGET STREQUAL "dispatch")
    list(APPEND options --dispatch)
  elseif(MODEL_TARGET)
    list(APPEND options --target "${MODEL_TARGET}")
  endif()
  if(MODEL_PRECISION)
    list(APPEND options --precision "${MODEL_PRECISION}")
  endif()
  set(weights "")
  if(MODEL_WEIGHTS MATCHES "^(extern|random(:[0-9]+)?)$")
    list(APPEND options --weights "${MODEL_WEIGHTS}")
  elseif(MODEL_WEIGHTS)
    get_filename_component(weights "${MODEL_WEIGHTS}" ABSOLUTE)
    list(APPEND options --weights "${weights}")
  endif()
  set(made "${dir}/${name}.c")
  if(MODEL_BACKEND STREQUAL "llvm")
    set(made "${dir}/${name}.o")
    list(APPEND options --backend=llvm)
  endif()

  # grus leaves unchanged outputs untouched, so that nothing is compiled in vain; the stamp tells
  # the build tool that it ran all the same.
  add_custom_command(
    OUTPUT "${dir}/${name}.stamp"
    BYPRODUCTS "${made}" "${dir}/${name}.h"
    COMMAND Grus::grus build "${source}" -o "${made}" "--diagnostics=${GRUS_DIAGNOSTICS}" -q
            ${options} ${MODEL_OPTIONS} -MD -MF "${dir}/${name}.d" -MT "${dir}/${name}.stamp"
    COMMAND "${CMAKE_COMMAND}" -E touch "${dir}/${name}.stamp"
    DEPENDS "${source}" ${weights} Grus::grus
    DEPFILE "${dir}/${name}.d"
    COMMENT "Compiling the model ${name}"
    VERBATIM COMMAND_EXPAND_LISTS)
  add_custom_target(${name}_model DEPENDS "${dir}/${name}.stamp")

  set_source_files_properties("${made}" "${dir}/${name}.h" PROPERTIES GENERATED TRUE)
  add_library(${name} STATIC "${made}" "${dir}/${name}.h")
  add_dependencies(${name} ${name}_model)
  target_include_directories(${name} PUBLIC "${dir}")
  target_compile_features(${name} PUBLIC c_std_99)
  if(MODEL_BACKEND STREQUAL "llvm")
    set_source_files_properties("${made}" PROPERTIES EXTERNAL_OBJECT TRUE)
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
  elseif(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
    grus_target_flags("${MODEL_TARGET}" flags)
    target_compile_options(${name} PRIVATE -O2 -ffp-contract=off ${flags})
  endif()
endfunction()

cmake_policy(POP)
