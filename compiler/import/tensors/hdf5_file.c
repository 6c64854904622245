/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calls libhdf5; see hdf5_file.h. The core driver of the library gets the bytes of the file, so it
 * makes no temporary files and does not read the disk.
 *
 * The sizes in a file are checked before memory is taken: data without compression must fit the
 * file, and compressed data may be at most HDF5_EXPANSION_MAX times larger than the file. */
#include "import/tensors/hdf5_file.h"

#include <hdf5.h>
#include <string.h>

enum { PATH_PART_MAX = 1024 };

struct Hdf5File {
  hid_t id;
  size_t len;
};

static uint64_t little(const uint8_t *p, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; i++)
    value |= (uint64_t)p[i] << 8 * i;
  return value;
}

/* Whether a global heap, which holds texts of variable length, is consistent: "GCOL", version 1, a
 * size; then objects with an index, a count, a size and data, padded to 8 bytes. Index 0 is free
 * room, whose size includes its own head. libhdf5 does not check the sizes of the objects. */
static bool heap_sane(const uint8_t *heap, size_t room) {
  uint64_t size = little(heap + 8, 8), at = 16;
  if (size < 16 || size > room) return false;
  while (at + 16 <= size) {
    uint64_t bytes = little(heap + at + 8, 8);
    bool used = little(heap + at, 2) != 0;
    if (bytes > size - at - (used ? 16 : 0) || (!used && bytes < 16)) return false;
    at += used ? 16 + (bytes + 7) / 8 * 8 : bytes;
  }
  return true;
}

static bool heaps_sane(Mapped file) {
  static const uint8_t begin[8] = {'G', 'C', 'O', 'L', 1, 0, 0, 0};
  for (size_t at = 0; at + 16 <= file.len; at += 8)
    if (memcmp(file.data + at, begin, sizeof begin) == 0 &&
        !heap_sane(file.data + at, file.len - at))
      return false;
  return true;
}

static void hdf5_close(void *arg) {
  Hdf5File *file = arg;
  H5Fclose(file->id);
}

Hdf5File *hdf5_file_open(Arena *arena, Mapped file, const char **reason) {
  *reason = "libhdf5 cannot be started";
  if (H5open() < 0 || H5Eset_auto2(H5E_DEFAULT, NULL, NULL) < 0) return NULL;
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (access < 0) return NULL;
  *reason = "it is a damaged or incomplete HDF5 file";
  hid_t id = -1;
  if (!heaps_sane(file)) {
    H5Pclose(access);
    return NULL;
  }
  bool ok = H5Pset_fapl_core(access, 1 << 16, 0) >= 0 &&
            H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
            H5Pset_file_image(access, (void *)(uintptr_t)file.data, file.len) >= 0;
  /* libhdf5 takes two images with the same name for one file. */
  Hdf5File *out = ARENA_NEW(arena, Hdf5File);
  if (ok) id = H5Fopen(arena_printf(arena, "image %p", (void *)out), H5F_ACC_RDONLY, access);
  H5Pclose(access);
  if (id < 0) return NULL;
  *out = (Hdf5File){id, file.len};
  arena_defer(arena, hdf5_close, out);
  return out;
}

/* Opens the object at path by hard links only; negative if there is none. */
static hid_t open_object(const Hdf5File *file, const char *path) {
  hid_t at = H5Oopen(file->id, "/", H5P_DEFAULT);
  while (at >= 0 && *path) {
    char part[PATH_PART_MAX];
    size_t len = strcspn(path, "/");
    H5L_info_t info;
    hid_t next = -1;
    if (len && len < sizeof part) {
      memcpy(part, path, len);
      part[len] = 0;
      bool hard = strcmp(part, ".") != 0 && H5Iget_type(at) == H5I_GROUP &&
                  H5Lget_info(at, part, &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_HARD;
      if (hard) next = H5Oopen(at, part, H5P_DEFAULT);
    } else if (len == 0) {
      next = H5Oopen(at, ".", H5P_DEFAULT);
    }
    H5Oclose(at);
    at = next;
    path += len + (path[len] == '/');
  }
  return at;
}

bool hdf5_file_has(const Hdf5File *file, const char *path, bool group) {
  hid_t id = open_object(file, path);
  if (id < 0) return false;
  bool is = H5Iget_type(id) == (group ? H5I_GROUP : H5I_DATASET);
  H5Oclose(id);
  return is;
}

static bool read_fixed(const Hdf5File *file, Arena *arena, hid_t attribute, hid_t type, int n,
                       const char **out) {
  size_t size = H5Tget_size(type);
  if (!size || size > file->len || (size_t)n > file->len / size) return false;
  char *raw = arena_array(arena, (size_t)n + 1, size);
  if (H5Aread(attribute, type, raw) < 0) return false;
  for (int i = 0; i < n; i++)
    out[i] = arena_strndup(arena, raw + (size_t)i * size, size);
  return true;
}

static bool read_variable(Arena *arena, hid_t attribute, hid_t space, int n, const char **out) {
  hid_t type = H5Tcopy(H5T_C_S1);
  hid_t of = H5Aget_type(attribute);
  char **raw = ARENA_ARRAY(arena, char *, n + 1);
  bool ok = type >= 0 && of >= 0 && H5Tset_size(type, H5T_VARIABLE) >= 0 &&
            H5Tset_cset(type, H5Tget_cset(of)) >= 0 && H5Aread(attribute, type, raw) >= 0;
  for (int i = 0; i < n && ok; i++)
    out[i] = raw[i] ? arena_strdup(arena, raw[i]) : "";
  if (ok) H5Dvlen_reclaim(type, space, H5P_DEFAULT, raw);
  if (of >= 0) H5Tclose(of);
  if (type >= 0) H5Tclose(type);
  return ok;
}

/* Reads the text or the list of texts of an open attribute. */
static bool read_texts(const Hdf5File *file, Arena *arena, hid_t attribute, const char ***out,
                       int *n) {
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
  bool ok = type >= 0 && H5Tget_class(type) == H5T_STRING && count >= 0 && count <= HDF5_TEXTS_MAX;
  if (ok) {
    *n = (int)count;
    *out = ARENA_ARRAY(arena, const char *, *n + 1);
    ok = H5Tis_variable_str(type) > 0 ? read_variable(arena, attribute, space, *n, *out)
                                      : read_fixed(file, arena, attribute, type, *n, *out);
  }
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  return ok;
}

bool hdf5_file_texts(const Hdf5File *file, Arena *arena, const char *path, const char *attribute,
                     const char ***out, int *n) {
  hid_t object = open_object(file, path);
  if (object < 0) return false;
  bool ok = false;
  hid_t id = H5Aexists(object, attribute) > 0 ? H5Aopen(object, attribute, H5P_DEFAULT) : -1;
  if (id >= 0) {
    ok = read_texts(file, arena, id, out, n);
    /* h5py writes an empty list as zero numbers. */
    hid_t space = H5Aget_space(id);
    if (!ok && space >= 0 && H5Sget_simple_extent_npoints(space) == 0) {
      *n = 0;
      *out = NULL;
      ok = true;
    }
    if (space >= 0) H5Sclose(space);
    H5Aclose(id);
  }
  H5Oclose(object);
  return ok;
}

typedef struct Hdf5Paths {
  const Hdf5File *file;
  Arena *arena;
  const char **path;
  int n;
  size_t cap;
} Hdf5Paths;

/* Called for each link; keeps the paths of arrays. A negative result ends the walk. */
static herr_t keep_array(hid_t group, const char *name, const H5L_info_t *info, void *arg) {
  Hdf5Paths *paths = arg;
  (void)group;
  if (info->type != H5L_TYPE_HARD || !hdf5_file_has(paths->file, name, false)) return 0;
  if (paths->n == HDF5_TEXTS_MAX) return -1;
  const char *path = arena_strdup(paths->arena, name);
  ARENA_PUSH(paths->arena, paths->path, paths->n, paths->cap, path);
  return 0;
}

/* Whether the array at path has numbers; files have arrays of texts, too. */
static bool is_numeric(const Hdf5File *file, const char *path) {
  hid_t data = open_object(file, path), type = data >= 0 ? H5Dget_type(data) : -1;
  H5T_class_t class = type >= 0 ? H5Tget_class(type) : H5T_NO_CLASS;
  if (type >= 0) H5Tclose(type);
  if (data >= 0) H5Oclose(data);
  return class == H5T_FLOAT || class == H5T_INTEGER;
}

bool hdf5_file_list(const Hdf5File *file, Arena *arena, const char ***out, int *n) {
  Hdf5Paths paths = {.file = file, .arena = arena};
  if (H5Lvisit(file->id, H5_INDEX_NAME, H5_ITER_INC, keep_array, &paths) < 0) return false;
  *out = paths.path;
  *n = 0;
  for (int i = 0; i < paths.n; i++)
    if (is_numeric(file, paths.path[i])) paths.path[(*n)++] = paths.path[i];
  return true;
}

/* Whether the data is inside of the file and its size is possible; false with *reason. */
static bool storage_sane(const Hdf5File *file, hid_t data, uint64_t bytes, const char **reason) {
  hid_t create = H5Dget_create_plist(data);
  *reason = "it cannot be read";
  if (create < 0) return false;
  H5D_layout_t layout = H5Pget_layout(create);
  bool outside = layout == H5D_VIRTUAL || H5Pget_external_count(create) > 0;
  bool plain = layout != H5D_CHUNKED || H5Pget_nfilters(create) == 0;
  H5Pclose(create);
  *reason = "its data is in another file";
  if (outside) return false;
  *reason = "it is larger than the file can hold";
  if (plain) return bytes <= file->len && H5Dget_storage_size(data) >= bytes;
  return bytes / HDF5_EXPANSION_MAX <= file->len;
}

static bool read_data(const Hdf5File *file, Arena *arena, hid_t data, hid_t type, hid_t space,
                      Hdf5Tensor *out, const char **reason) {
  hsize_t dims[H5S_MAX_RANK] = {0};
  int rank = H5Sget_simple_extent_ndims(space);
  H5T_class_t class = H5Tget_class(type);
  *reason = "it does not hold numbers";
  if (class != H5T_FLOAT && class != H5T_INTEGER) return false;
  *reason = "it has more than 8 axes";
  if (rank < 0 || rank > TENSOR_MAX_RANK || H5Sget_simple_extent_dims(space, dims, NULL) < 0)
    return false;
  *out = (Hdf5Tensor){.rank = rank, .count = 1};
  *reason = "it has an axis of size 0, or is too large";
  for (int i = 0; i < rank; i++) {
    if (dims[i] == 0 || dims[i] > INT32_MAX || !size_mul(out->count, (int64_t)dims[i], &out->count))
      return false;
    out->dim[i] = (int64_t)dims[i];
  }
  size_t bytes = H5Tget_size(type);
  if (!bytes || out->count > INT32_MAX) return false;
  if (!storage_sane(file, data, (uint64_t)out->count * bytes, reason)) return false;
  out->data = ARENA_ARRAY(arena, float, out->count);
  *reason = "its data is damaged";
  return H5Dread(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, out->data) >= 0;
}

bool hdf5_file_read(const Hdf5File *file, Arena *arena, const char *path, Hdf5Tensor *out,
                    const char **reason) {
  hid_t data = open_object(file, path);
  *reason = "it is not in the file";
  if (data < 0) return false;
  bool ok = false;
  *reason = "it is not an array";
  if (H5Iget_type(data) == H5I_DATASET) {
    hid_t type = H5Dget_type(data), space = H5Dget_space(data);
    *reason = "it is damaged";
    ok = type >= 0 && space >= 0 && read_data(file, arena, data, type, space, out, reason);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
  }
  H5Oclose(data);
  return ok;
}
