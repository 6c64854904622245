/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The LSTM of Neural Amp Modeler; see nam_lstm.c. */
#ifndef GRUS_IMPORT_AUDIO_NAM_LSTM_H
#define GRUS_IMPORT_AUDIO_NAM_LSTM_H

#include "import/audio/nam.h"

/* Appends the stages of an LSTM. rate: samples per second, 0 if the file does not say it. False
 * after reporting. */
bool nam_lstm(Nam *nam, NamFlow *flow, double rate);

#endif
