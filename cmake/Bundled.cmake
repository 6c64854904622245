# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# grus_bundled: the compiler in one file, for wheels. The rooms are those of grus; libhdf5, jansson, protobuf-c and zlib
# are linked from their static libraries, so that it needs of other packages libzip alone; nothing with GRUS_LIBRARIES.
# Built on demand: cmake --build DIR --target grus_bundled
if(NOT TARGET grus OR APPLE)
  return()
endif()
set(bundled_hdf5 hdf5_serial sz aec)
if(GRUS_LIBRARIES)
  set(bundled_hdf5 hdf5)
endif()
foreach(name ${bundled_hdf5} jansson protobuf-c z)
  set(file_name lib${name}.a)
  if(GRUS_LIBRARIES)
    set(GRUS_STATIC_${name} ${GRUS_LIBRARIES}/lib/${file_name})
  elseif(name STREQUAL "hdf5_serial")
    find_library(GRUS_STATIC_${name} NAMES libhdf5_serial.a hdf5/serial/libhdf5.a libhdf5.a)
  else()
    find_library(GRUS_STATIC_${name} NAMES ${file_name})
  endif()
  if(NOT GRUS_STATIC_${name})
    message(STATUS "no static lib${name}: grus_bundled, the compiler for wheels, is left out")
    return()
  endif()
endforeach()
set(hdf5_files "")
foreach(name ${bundled_hdf5})
  list(APPEND hdf5_files ${GRUS_STATIC_${name}})
endforeach()

add_executable(grus_bundled EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/compiler/driver/main.c $<TARGET_OBJECTS:grus_hdf5_linked>)
target_include_directories(grus_bundled PRIVATE ${PROJECT_SOURCE_DIR}/compiler)
target_compile_definitions(grus_bundled PRIVATE _POSIX_C_SOURCE=200809L)
# The archives come before the shared libraries of the same names, which are then not needed.
target_link_options(grus_bundled PRIVATE -Wl,--as-needed $<IF:$<BOOL:${GRUS_LIBRARIES}>,-Wl$<COMMA>--gc-sections,-Wl$<COMMA>--exclude-libs$<COMMA>ALL>)
target_link_libraries(grus_bundled PRIVATE grus_flags -Wl,--whole-archive ${GRUS_STATIC_jansson} ${GRUS_STATIC_protobuf-c}
                      ${GRUS_STATIC_z} -Wl,--no-whole-archive grus_driver grus_import ${hdf5_files} m dl)
