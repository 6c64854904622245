/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the recurrent operators have in common. */
#ifndef GRUS_IMPORT_READ_TFLITE_RECURRENT_H
#define GRUS_IMPORT_READ_TFLITE_RECURRENT_H

#include "import/read/tflite/reader.h"

/* Whether the state continues from call to call. If not, a note says so once. */
bool tfl_recurrent_kept(TflCall *c, bool time_major);
/* Batch and time exchanged, where the operator is not time-major. */
GraphValue *tfl_time_first(TflCall *c, GraphValue *x, bool time_major);
/* UNIDIRECTIONAL_SEQUENCE_LSTM in integers. */
bool tfl_integer_lstm(TflCall *c, bool time_major, bool kept);

#endif
