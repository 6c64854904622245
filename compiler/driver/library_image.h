/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The descriptor of a shared library as data: what backend_library prints in C. */
#ifndef GRUS_DRIVER_LIBRARY_IMAGE_H
#define GRUS_DRIVER_LIBRARY_IMAGE_H

#include "backend/library.h"
#include "backend/link.h"

#include "runtime/host/grus_shared.h"

/* program: the model as the first body has it, its functions left out; needs: of every body. The
 * objects define PREFIX_call_run and its like. */
LinkImage library_image(const LibraryBody *body, const GrusNeeds *needs, int n,
                        const GrusProgram *program, const LibraryOptions *options, Arena *arena);

#endif
