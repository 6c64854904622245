/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Trained tensors. Readers (import/) open a file as a TensorFile; binding finds the tensors of
 * each layer by convention and name and turns them into the canonical layout below, which is all
 * that the evaluator and lower/ ever see.
 *
 * Canonical layout: float32 in C order; d inputs, u units, dirs 1 or 2 directions.
 *   GRU    kernel [dirs, 3, u, d]  recurrent [dirs, 3, u, u]  bias [dirs, 3, u]  recurrent_bias
 *          [dirs, 3, u]
 *          gates z r n. With reset=before there is no recurrent_bias: bias is the sum of both.
 *   LSTM   kernel [dirs, 4, u, d]  recurrent [dirs, 4, u, u]  bias [dirs, 4, u]  gates i f g o
 *          with peephole=true also peephole [dirs, 3, u] for i f o
 *   RNN    kernel [dirs, u, d]  recurrent [dirs, u, u]  bias [dirs, u]
 *   these three with init=learned: initial_h [dirs, 1, u], an LSTM also initial_c
 *   Conv1D with init=learned: initial_x [d], the value of every step before the first
 *   state with init=learned: initial_h [units]
 *   Dense  kernel [units, d]  bias [units]
 *   Conv1D kernel [filters, kernel, d / groups]  bias [filters]
 *   Conv2D kernel [filters, first, second, d / groups]  bias [filters]
 *   Conv1DTranspose and Conv2DTranspose like Conv1D and Conv2D; tap i of a kernel adds to the
 *     position that lies i * dilation after the first that an input reaches
 *   Embedding table [v, units]
 *   LayerNorm scale center, RMSNorm scale: a number for each position of the axes they go along
 *   GroupNorm, InstanceNorm scale center [d]
 *   BatchNorm scale center mean variance [d]
 *   prelu slope [d]
 *   AdditiveAttention scale [d]
 *
 * If a framework adds a constant to the bias of the forget gate when it runs, the bias here has
 * it. */
#ifndef GRUS_MODEL_WEIGHTS_H
#define GRUS_MODEL_WEIGHTS_H

#include "model/graph/model.h"

#include <string.h>

typedef enum TensorElem {
  TENSOR_F16,
  TENSOR_BF16,
  TENSOR_F32,
  TENSOR_F64,
  TENSOR_I8,
  TENSOR_U8,
  TENSOR_I16,
  TENSOR_U16,
  TENSOR_I32,
  TENSOR_U32,
  TENSOR_I64,
  TENSOR_U64,
  TENSOR_BOOL
} TensorElem;

enum { TENSOR_MAX_RANK = 8 };

/* One tensor of a file. Its data is in the mapped file, not copied. */
typedef struct Tensor {
  const char *name;
  TensorElem elem;
  int rank;
  int64_t dim[TENSOR_MAX_RANK];
  bool fortran; /* stored with the first index fastest */
  bool big_endian;
  const uint8_t *data; /* elements need not be aligned */
  int64_t count;       /* elements */
  int place;           /* its number in the order of the file */
} Tensor;

/* A tensor of the file that grus cannot read, and the reason. */
typedef struct TensorUnread {
  const char *name, *why; /* "it is quantised" */
} TensorUnread;

typedef struct TensorFile {
  const char *path;
  const char *format;    /* "PyTorch checkpoint", for messages; NULL: not given */
  Convention convention; /* that the file itself names; CONVENTION_NONE if it names none */
  Tensor *tensor;        /* sorted by name */
  int n;
  const char *root; /* "state_dict.", a prefix of all names that the model may leave out; or NULL */
  const TensorUnread *unread;
  int n_unread;
  const char *skipped; /* a part of the file that was left out, "optimizer_state_dict"; or NULL */
  bool whole_model;    /* it also says what the layers are, so `grus import` needs no model */
} TensorFile;

int tensor_elem_bytes(TensorElem elem);
/* The element that is the i-th in C order, whatever the order and type of storage. */
double tensor_get(const Tensor *tensor, int64_t i);
/* Whether the elements are f32 with the least byte first, in C order, as most are. */
static inline bool tensor_is_plain(const Tensor *t) {
  return t->elem == TENSOR_F32 && !t->fortran && !t->big_endian;
}
/* The same in f32. */
static inline float tensor_float(const Tensor *t, int64_t i) {
  const uint8_t *f = t->data + 4 * i;
  float value;
  if (!tensor_is_plain(t)) return (float)tensor_get(t, i);
  uint32_t bits =
      (uint32_t)f[0] | (uint32_t)f[1] << 8 | (uint32_t)f[2] << 16 | (uint32_t)f[3] << 24;
  memcpy(&value, &bits, sizeof value);
  return value;
}
/* The tensor of this name, with or without the root of the file; NULL if there is none. */
const Tensor *tensor_find(const TensorFile *file, const char *name);
extern const char *const tensor_elem_name[];                      /* "f32" */
const char *tensor_shape_str(Arena *arena, const Tensor *tensor); /* "[6, 200]" */

/* What a tensor is to the layer that owns it. */
typedef enum Role {
  ROLE_KERNEL,
  ROLE_RECURRENT,
  ROLE_BIAS,
  ROLE_RECURRENT_BIAS,
  ROLE_PEEPHOLE,
  ROLE_INITIAL_H,
  ROLE_INITIAL_C,
  ROLE_INITIAL_X,
  ROLE_TABLE,
  ROLE_SCALE,
  ROLE_CENTER,
  ROLE_MEAN,
  ROLE_VARIANCE,
  ROLE_SLOPE,
  ROLE_COUNT
} Role;
extern const char *const role_name[ROLE_COUNT];

typedef struct ParamShape {
  Role role;
  const char *axes; /* a letter for each canonical axis, see bind_table.c: "DGUK" */
  int rank;
  int64_t dim[4];  /* canonical */
  int64_t groups;  /* convolutions: 1 or more */
  int n_parts;     /* norms over several axes: how many axes of a file K stands for; 0 or 1: one */
  int64_t part[8]; /* and the sizes of these axes */
} ParamShape;

enum { LAYER_MAX_PARAMS = 6 };
/* Writes the roles and canonical shapes of the tensors that a typed layer owns; returns how many
 * there are, 0 for a layer without weights. */
int layer_params(const Layer *layer, ParamShape out[LAYER_MAX_PARAMS]);
int64_t param_count(const ParamShape *param); /* elements */
int64_t layer_param_count(const Layer *layer);

/* The canonical values of a layer by role; NULL for a role that it does not have. */
typedef struct LayerWeights {
  const float *role[ROLE_COUNT];
} LayerWeights;

/* The values of a role; NULL if the layer has no such tensor, or if no weights are bound. */
static inline const float *layer_role(const Layer *layer, Role role) {
  return layer->weights ? layer->weights->role[role] : NULL;
}

/* The bits of the nearest number of 16 bits, ties to even: in IEEE binary16, and in bfloat16, which
 * is the upper half of an f32. */
uint16_t half_of(float x);
uint16_t bfloat_of(float x);

/* Binds a weights file to every layer of a typed model. False after reporting: E601 to E608. Warns
 * with W601 and W602. */
bool model_bind(Model *model, const TensorFile *file, Diags *diags);
/* As model_bind, one layer after the other: `see` may read the weights of a layer, which are freed
 * when it returns. False if a tensor is wrong, or as soon as `see` returns false. */
typedef bool BindSee(void *context, const Layer *layer);
bool model_bind_each(Model *model, const TensorFile *file, Diags *diags, BindSee *see,
                     void *context);
/* Rounds bound kernels to what `precision f16` and `bf16` store; model_bind calls it. False after
 * reporting a number that is too large: E608. */
bool bind_precision(Model *model, Diags *diags);
/* The tensors from which model_bind makes the weights that a typed model has, bit for bit. The
 * convention must have a name for each of them. */
TensorFile *model_unbind(Model *model, Convention convention, const char *path);
/* The same tensors without their numbers, for a caller that writes a file of them without holding
 * all of them: unbound_tensor makes those of tensor i. */
typedef struct Unbound {
  Convention convention;
  TensorFile *file;
  struct UnboundTensor *source; /* private to unbind.c; the index is Tensor.place */
} Unbound;
Unbound model_unbind_shapes(Model *model, Convention convention, const char *path);
Tensor unbound_tensor(const Unbound *u, int i, Arena *arena);
/* Such a convention: keras, but onnx if a layer has peepholes, which only onnx can name. */
Convention model_unbind_convention(const Model *model);
/* Fills all weights with random values like those of a trained layer (kernels uniform in
 * ±1/sqrt(fan in)). The same seed and path of a layer give the same bytes on every machine. */
void model_bind_random(Model *model, uint64_t seed);

#endif
