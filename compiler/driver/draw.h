/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The model as a picture: SVG made here, or a graph for Graphviz. */
#ifndef GRUS_DRIVER_DRAW_H
#define GRUS_DRIVER_DRAW_H

#include "model/graph/model.h"

void draw_dot(Text *out, const Sources *sources, const Model *model);
void draw_svg(Text *out, const Sources *sources, const Model *model);

#endif
