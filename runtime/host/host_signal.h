/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Signals: they set a flag, which long loops look at. */
#ifndef GRUS_HOST_SIGNAL_H
#define GRUS_HOST_SIGNAL_H

/* The number of SIGPIPE on systems that have it. */
enum { HOST_SIGPIPE = 13 };

/* Installs the handlers; SIGPIPE is ignored, so that a closed pipe is an error of write. */
void host_signal_install(void);
/* Restores the handlers that were there before. */
void host_signal_restore(void);
/* The signal that asked the program to stop, 0 if none did. */
int host_signal_seen(void);

#endif
