# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The compiler for macOS, by zig's C compiler: a toolchain file; scripts/macos uses it, which says in the environment
# for which processor (GRUS_MACOS_PROCESSOR) and where the commands are (GRUS_MACOS_TOOLS).
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR $ENV{GRUS_MACOS_PROCESSOR})
set(CMAKE_C_COMPILER $ENV{GRUS_MACOS_TOOLS}/cc)
set(CMAKE_AR $ENV{GRUS_MACOS_TOOLS}/ar)
set(CMAKE_RANLIB $ENV{GRUS_MACOS_TOOLS}/ranlib)
set(CMAKE_OSX_SYSROOT "" CACHE STRING "" FORCE)
set(CMAKE_INSTALL_NAME_TOOL true)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
