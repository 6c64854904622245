/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every file of runtime/host includes this first: it asks for POSIX.1-2008 under -std=c99, and for
 * file offsets of 64 bits. */
#ifndef GRUS_HOST_POSIX_H
#define GRUS_HOST_POSIX_H

#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#if defined(_WIN32) && !defined(__USE_MINGW_ANSI_STDIO)
#define __USE_MINGW_ANSI_STDIO 1 /* %zu, %lld */
#endif

#endif
