/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Layers that are alike share their code; see share.c. */
#ifndef GRUS_KIR_SHARE_H
#define GRUS_KIR_SHARE_H

#include "kir/kir.h"

/* Rewrites the functions and buffers of a module whose memory is not planned yet. */
void kir_share(KirModule *m);

#endif
