/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The LSTM of Neural Amp Modeler. See nam_lstm.c. */
#ifndef GRUS_IMPORT_AUDIO_NAM_LSTM_H
#define GRUS_IMPORT_AUDIO_NAM_LSTM_H

#include "import/audio/nam.h"

/* rate: samples a second, 0 if the file does not say. False after reporting. */
bool nam_lstm(Nam *nam, NamFlow *flow, double rate);

#endif
