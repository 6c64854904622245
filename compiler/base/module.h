/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Parts of the compiler that are modules, opened when they are first needed, because loading the
 * libraries they use costs more than checking a model does. */
#ifndef GRUS_BASE_MODULE_H
#define GRUS_BASE_MODULE_H

#include <stdbool.h>
#include <stddef.h>

/* Opens the module at `relative` to the folder of the running executable. NULL if it cannot be
 * loaded: with *reason if it is there, with a NULL *reason if it is not. It stays open. */
void *module_open(const char *relative, const char **reason);
/* Stores the address of a function of the module in *function, a pointer to function; false if the
 * module has none of that name. */
bool module_take(void *module, const char *name, void *function);

/* Opens a library by its path; NULL with *reason. module_close closes it. */
void *module_load(const char *path, const char **reason);
void module_close(void *module);

/* The path of the running executable; false if the system does not say or it is longer than
 * size. */
bool module_self(char *path, size_t size);

#endif
