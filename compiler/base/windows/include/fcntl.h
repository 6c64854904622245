/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The flags of open that Windows lacks. Every file is opened as bytes, and no child inherits one.
 */
#ifndef GRUS_WINDOWS_FCNTL_H
#define GRUS_WINDOWS_FCNTL_H
#include_next <fcntl.h>

#define O_CLOEXEC   (_O_NOINHERIT | _O_BINARY)
#define O_NONBLOCK  0
#define O_NOCTTY    0
#define O_NOFOLLOW  0
#define O_DIRECTORY 0 /* folders cannot be opened */

#endif
