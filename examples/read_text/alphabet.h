/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The signs behind the numbers of the model, from 1 on; 0 is no sign. By train.py. */
static const char ALPHABET[] =
    " abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;-'!?()&/";
