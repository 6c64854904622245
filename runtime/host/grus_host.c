/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The host half as one translation unit: `cc model.c main.c grus_host.c` makes a standalone
 * program. */
#include "host_posix.h"

#include "host_archive.c"
#include "host_bytes.c"
#include "host_columns.c"
#include "host_csv.c"
#include "host_feed.c"
#include "host_help.c"
#include "host_inflate.c"
#include "host_json.c"
#include "host_log.c"
#include "host_main.c"
#include "host_npy.c"
#include "host_npz.c"
#include "host_number.c"
#include "host_options.c"
#include "host_output.c"
#include "host_port.c"
#include "host_progress.c"
#include "host_run.c"
#include "host_sink.c"
#include "host_source.c"
#include "host_stream.c"
#include "host_tensor.c"
#include "host_unix.c"
#include "host_wav.c"
#include "host_write.c"

#include "host_windows.c" /* last, because windows.h defines many names */
