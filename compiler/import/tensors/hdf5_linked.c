/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* HDF5 without a module, for executables that contain the static libhdf5, so that they work
 * wherever they are copied. hdf5_load.c takes this table if it is linked. libhdf5 can read from the
 * network with the functions below; here they always fail, because grus reads HDF5 only from
 * memory. */
#include "import/tensors/hdf5_file.h"

#include <stddef.h>

const Hdf5Module hdf5_linked = {hdf5_file_open, hdf5_file_has, hdf5_file_texts, hdf5_file_list,
                                hdf5_file_read};

enum { CURL_FAILED = 2 /* CURLE_FAILED_INIT */ };

int curl_global_init(long flags);
void curl_global_cleanup(void);
void *curl_easy_init(void);
int curl_easy_setopt(void *handle, int option, ...);
int curl_easy_perform(void *handle);
void curl_easy_cleanup(void *handle);
void *curl_slist_append(void *list, const char *text);
void curl_slist_free_all(void *list);
const void *EVP_sha256(void);
unsigned char *SHA256(const unsigned char *data, size_t n, unsigned char *digest);
unsigned char *HMAC(const void *method, const void *key, int key_length, const unsigned char *data,
                    size_t n, unsigned char *digest, unsigned int *digest_length);

int curl_global_init(long flags) {
  (void)flags;
  return CURL_FAILED;
}

void curl_global_cleanup(void) {}

void *curl_easy_init(void) {
  return NULL;
}

int curl_easy_setopt(void *handle, int option, ...) {
  (void)handle;
  (void)option;
  return CURL_FAILED;
}

int curl_easy_perform(void *handle) {
  (void)handle;
  return CURL_FAILED;
}

void curl_easy_cleanup(void *handle) {
  (void)handle;
}

void *curl_slist_append(void *list, const char *text) {
  (void)list;
  (void)text;
  return NULL;
}

void curl_slist_free_all(void *list) {
  (void)list;
}

const void *EVP_sha256(void) {
  return NULL;
}

unsigned char *SHA256(const unsigned char *data, size_t n, unsigned char *digest) {
  (void)data;
  (void)n;
  (void)digest;
  return NULL;
}

unsigned char *HMAC(const void *method, const void *key, int key_length, const unsigned char *data,
                    size_t n, unsigned char *digest, unsigned int *digest_length) {
  (void)method;
  (void)key;
  (void)key_length;
  (void)data;
  (void)n;
  (void)digest;
  (void)digest_length;
  return NULL;
}
