/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* All outputs in one .npz. */
#ifndef GRUS_HOST_ARCHIVE_H
#define GRUS_HOST_ARCHIVE_H

#include "host_sink.h"

/* Writes those of `count` finished outputs that are archived to an open archive, and finishes it.
 * Returns GRUS_EXIT_OK or the status of the printed error. */
int host_archive_write(HostSink *archive, const HostSink *sinks, size_t count);

#endif
