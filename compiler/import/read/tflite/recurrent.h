/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the recurrent operators have in common. */
#ifndef GRUS_IMPORT_READ_TFLITE_RECURRENT_H
#define GRUS_IMPORT_READ_TFLITE_RECURRENT_H

#include "import/read/tflite/reader.h"

/* Whether the state of this operator continues from call to call; a note says so once if not. */
bool tfl_recurrent_kept(TflCall *c, bool time_major);
/* x with its first two axes exchanged if the operator is not time-major: from [N, T, d] to
 * [T, N, d], or back. */
GraphValue *tfl_time_first(TflCall *c, GraphValue *x, bool time_major);
/* Reads a UNIDIRECTIONAL_SEQUENCE_LSTM in integers; false after reporting. */
bool tfl_integer_lstm(TflCall *c, bool time_major, bool kept);

#endif
