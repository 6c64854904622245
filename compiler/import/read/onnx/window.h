/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Windows, which float and quantised operators of ONNX share. */
#ifndef GRUS_IMPORT_READ_ONNX_WINDOW_H
#define GRUS_IMPORT_READ_ONNX_WINDOW_H

#include "import/read/onnx/reader.h"

/* op over x with the window that the node's attributes describe; `more` operands after x. weights:
 * whose shape gives the kernel where no attribute does. fill: what pads hold. NULL after
 * reporting. */
GraphValue *onnx_window(OnnxCall *c, GraphOp op, GraphValue *x, int n_more, GraphValue *const *more,
                        const GraphValue *weights, double fill);
GraphValue *onnx_global_pool(OnnxCall *c, GraphValue *x, bool is_max);

#endif
