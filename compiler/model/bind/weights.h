/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Trained tensors. Readers (import/) open a file as a TensorFile; binding finds the tensors of
 * each layer by convention and name and turns them into the canonical layout below, which is all
 * that the evaluator and lower/ ever see.
 *
 * Canonical layout (float32, C order; d inputs, u units, directions in front where two):
 *   GRU    kernel [dirs, 3, u, d]  recurrent [dirs, 3, u, u]  bias [dirs, 3, u]  recurrent_bias
 *          [dirs, 3, u]
 *          gates z r n. reset=before has no recurrent_bias (its biases are summed).
 *   LSTM   kernel [dirs, 4, u, d]  recurrent [dirs, 4, u, u]  bias [dirs, 4, u]  gates i f g o
 *          peephole [dirs, 3, u] (i f o) where the layer has it
 *   RNN    kernel [dirs, u, d]  recurrent [dirs, u, u]  bias [dirs, u]
 *   these three with init=learned: initial_h [dirs, 1, u], an LSTM also initial_c
 *   Conv1D with init=learned: initial_x [d], what every step before the first is
 *   state with init=learned: initial_h [units]
 *   Dense  kernel [units, d]  bias [units]
 *   Conv1D kernel [filters, kernel, d / groups]  bias [filters]
 *   Conv2D kernel [filters, first, second, d / groups]  bias [filters]
 *   Conv1DTranspose, Conv2DTranspose as these; the tap i of a kernel reaches i * dilation further
 *   Embedding table [v, units]
 *   LayerNorm scale center, RMSNorm scale: the axes they go along, C order;  GroupNorm,
 *     InstanceNorm scale center [d]
 *   BatchNorm scale center mean variance [d];  prelu slope [d]
 * A forget bias that a framework adds at run time has been added. */
#ifndef GRUS_MODEL_WEIGHTS_H
#define GRUS_MODEL_WEIGHTS_H

#include "model/graph/model.h"

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

/* One tensor of a file, mapped, not copied. */
typedef struct Tensor {
  const char *name;
  TensorElem elem;
  int rank;
  int64_t dim[TENSOR_MAX_RANK];
  bool fortran; /* first index fastest */
  bool big_endian;
  const uint8_t *data; /* elements need not be aligned */
  int64_t count;       /* elements */
  int place;           /* among those of the file */
} Tensor;

/* Something in the file that would be a tensor, of a kind that is not read. */
typedef struct TensorUnread {
  const char *name, *why; /* "it is quantised" */
} TensorUnread;

typedef struct TensorFile {
  const char *path;
  const char *format;    /* "PyTorch checkpoint"; NULL if nobody asks */
  Convention convention; /* as the file itself says; CONVENTION_NONE if it does not */
  Tensor *tensor;        /* sorted by name */
  int n;
  const char *root; /* "state_dict.": a name that is not found is looked for after it; NULL */
  const TensorUnread *unread;
  int n_unread;
  const char *skipped; /* what was passed over: "optimizer_state_dict"; NULL */
} TensorFile;

int tensor_elem_bytes(TensorElem elem);
/* Element i in C order, whatever the storage order and type. */
double tensor_get(const Tensor *tensor, int64_t i);
/* Also after the root of the file. NULL if absent. */
const Tensor *tensor_find(const TensorFile *file, const char *name);
extern const char *const tensor_elem_name[];                      /* "f32" */
const char *tensor_shape_str(Arena *arena, const Tensor *tensor); /* "[6, 200]" */

/* The tensors a layer owns. */
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
  int n_parts;     /* norms: the axes that K stands for in a file, */
  int64_t part[8]; /* and their sizes; 0 or 1: one axis */
} ParamShape;

enum { LAYER_MAX_PARAMS = 6 };
/* Roles and canonical shapes of a typed layer; returns how many (0 for a layer without weights). */
int layer_params(const Layer *layer, ParamShape out[LAYER_MAX_PARAMS]);
int64_t param_count(const ParamShape *param); /* elements */
int64_t layer_param_count(const Layer *layer);

/* Canonical values by role; NULL where the layer has no such tensor. */
typedef struct LayerWeights {
  const float *role[ROLE_COUNT];
} LayerWeights;

/* The tensor of a role; NULL if the layer has none. */
static inline const float *layer_role(const Layer *layer, Role role) {
  return layer->weights ? layer->weights->role[role] : NULL;
}

/* The nearest number of 16 bits, ties to even: IEEE binary16, and the upper half of an f32. */
uint16_t half_of(float x);
uint16_t bfloat_of(float x);

/* Binds a weights file to every layer of a typed model: E601 to E608, W601, W602. */
bool model_bind(Model *model, const TensorFile *file, Diags *diags);
/* The same of one layer after the other: the weights of each go after `see` has seen them. False if
 * a tensor is wrong, or as soon as `see` says so. */
typedef bool BindSee(void *context, const Layer *layer);
bool model_bind_each(Model *model, const TensorFile *file, Diags *diags, BindSee *see,
                     void *context);
/* Rounds bound kernels to what `precision f16` and `bf16` store; model_bind has done it. E608. */
bool bind_precision(Model *model, Diags *diags);
/* The other way: the tensors from which model_bind makes the weights of a typed, bound model. Needs
 * a convention with a name for each of them. */
TensorFile *model_unbind(Model *model, Convention convention, const char *path);
/* The same tensors without numbers, for a file as large as all weights: unbound_tensor makes those
 * of tensor i. */
typedef struct Unbound {
  Convention convention;
  TensorFile *file;
  struct UnboundTensor *source; /* by Tensor.place; of unbind.c */
} Unbound;
Unbound model_unbind_shapes(Model *model, Convention convention, const char *path);
Tensor unbound_tensor(const Unbound *u, int i, Arena *arena);
/* Such a convention: keras, or onnx if a layer has peepholes, which only onnx names. */
Convention model_unbind_convention(const Model *model);
/* Values like those of a trained layer (kernels uniform in ±1/sqrt(fan in)) from a generator:
 * the same seed and layer path give the same bytes anywhere. */
void model_bind_random(Model *model, uint64_t seed);

#endif
