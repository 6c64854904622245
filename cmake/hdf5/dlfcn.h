/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Filters of libhdf5 that would be loaded: there are none (scripts/libraries). */
#ifndef GRUS_NO_MODULES_H
#define GRUS_NO_MODULES_H

#define RTLD_LAZY           1
#define RTLD_LOCAL          0
#define dlopen(path, how)   ((void)(path), (void *)0)
#define dlsym(handle, name) ((void)(handle), (void)(name), (void *)0)
#define dlclose(handle)     ((void)(handle), 0)
#define dlerror()           ""

#endif
