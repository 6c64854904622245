/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Models of other frameworks. In, a file; out, the Model that the language would have built, and
 * the trained tensors of its layers in the canonical layout of model/bind/weights.h.
 *
 * A reader is a row of foreign.def: FORMAT(id, "name", bits, way) has two functions,
 *
 *     bool     id_sniff(const ForeignFile *file);      by content only; cheap; never reports
 *     Foreign *id_import(const ForeignFile *file, const ImportOptions *options, Diags *diags);
 *
 * The reader makes a Foreign with foreign_new, builds its model as resolve would (model_input,
 * model_layer with options `given` where the file says them, model_output), gives each layer its
 * origin, and hands over each tensor with foreign_tensor. It returns NULL after reporting. It does
 * not infer, and sets neither paths nor layer->weights nor spans:
 *
 *   value->name      what the file calls it, if a person would: the text has names made of
 *                    these, and leaves out those inside a chain
 *   layer->prefix    the layer's own name in the file, or NULL; used where a position would not
 *                    tell two layers apart
 *   layer->origin    for comments and messages: "layer `gru_1`", "node `/rnn/GRU`"
 *   GRU reset        always given: the file says, or E904
 *   LayerNorm, BatchNorm eps   always given
 *
 * foreign_finish types the model, checks every tensor's shape against what its layer needs, and
 * sets layer->weights as model_bind would have: nothing in a file can make a weight array too
 * short. */
#ifndef GRUS_IMPORT_FOREIGN_H
#define GRUS_IMPORT_FOREIGN_H

#include "import/weights_file.h"

typedef struct ForeignFile {
  Arena *arena;
  const char *path; /* as the user wrote it */
  Mapped data;
  Arena *numbers; /* of the constants of a graph: gone once the model is made; NULL: arena */
} ForeignFile;

Arena *foreign_numbers(const ForeignFile *file);

/* A SavedModel of TensorFlow by its saved_model.pb, and the tensors of its checkpoint, without
 * their numbers; NULL after reporting. */
bool saved_model_sniff(const ForeignFile *file);
TensorFile *saved_model_tensors(const ForeignFile *file, Diags *diags);

/* What the user says where the file does not. */
typedef struct ImportOptions {
  const char *input;     /* a node of a frozen graph that is its input; NULL: those it declares */
  const char *signature; /* --signature NAME: the function of a file that has several; NULL */
  const char *config;    /* --config: the architecture of a weights-only file; NULL if not given */
  bool stream;           /* --stream: one step per call, without end */
  const char *time;      /* --time "n <= 120": inputs of fixed length become bounded; NULL */
  const char *const *state; /* --state in=out: output `out` of a call is input `in` of the next */
  int n_states;
  const char *const
      *set; /* --set NAME=VALUE: an input that is a constant, or the size of an open axis */
  int n_sets;
  bool unchecked;     /* --no-check: the model is not compared with the graph of the file */
  const double *size; /* --size of models of several sizes, 0 to 1; NULL */
} ImportOptions;

/* One trained tensor of one layer, canonical layout with all its axes ([dirs, gates, u, d] ...). */
typedef struct ForeignTensor {
  Layer *layer;
  Role role;
  int rank;
  int64_t dim[4];
  const char *name; /* in the file, for messages */
  float *data;
} ForeignTensor;

/* What the file says of the numbers of a value: those that its integers stand for. */
typedef struct ForeignRange {
  const Value *value; /* of `model` */
  bool is_cell;       /* the c of the LSTM that makes it */
  double low, high;
} ForeignRange;

typedef struct Foreign {
  Arena *arena;
  const ForeignFile *file;
  const char *format; /* "Keras 2.2.4 HDF5": the first line of the summary and the doc comment */
  Model *model;
  ForeignTensor *tensor;
  int n_tensors;
  size_t cap_tensors;
  const char **note; /* what the user should know of the conversion, a sentence each */
  int n_notes;
  size_t cap_notes;
  ForeignRange *range; /* of quantised files */
  int n_ranges;
  size_t cap_ranges;
  bool has_integer_weights; /* the file has them as integers with a scale */
  bool finished; /* by its reader, which called foreign_finish: --time and --stream were its
                    business */
  const char *allow_reason[DIAG_CODE_COUNT]; /* of `allowed` in the model: a comment after it */
} Foreign;

/* The text will say `allow` for this lint, and why. */
void foreign_allow(Foreign *foreign, DiagCode code, const char *reason);

/* For readers. model_name is the file's name without folder and ending if NULL. */
Foreign *foreign_new(const ForeignFile *file, const char *format, const char *model_name);
/* Zeroed room for one tensor, to be filled by the caller; NULL when dims are not positive or too
 * large to hold (the caller reports). */
float *foreign_tensor(Foreign *foreign, Layer *layer, Role role, int rank, const int64_t *dim,
                      const char *name);
/* Sets an option of a layer as if it were written. */
void layer_set_size(Layer *layer, OptName name, int64_t value);
void layer_set_number(Layer *layer, OptName name, double value);
void layer_set_word(Layer *layer, OptName name, const char *word);
void layer_set_sizes(Layer *layer, OptName name, int n, const int64_t *sizes); /* (3, 5) */
void layer_set_paddings(Layer *layer, OptName name, int n,
                        const Padding *paddings);               /* (causal, (2, 2)) */
void layer_set_value(Layer *layer, OptName name, Value *value); /* along= */
void layer_set_states(Arena *arena, Layer *layer, int n, Value *const *states); /* init= */
void layer_set_learned(Layer *layer);                                           /* init=learned */
void layer_set_shape(Arena *arena, Layer *layer, Type shape);                   /* of reshape */
/* Takes a layer out: who reads its result reads its input. */
void foreign_bypass(Model *model, const Layer *layer);
/* Makes all readers of a value, other than `by`, read the result of `by`, which reads that value.
 */
void foreign_replace(Model *model, Value *value, Layer *by);
/* ---- retimed.c ---- */
/* Makes steps of features that were steps, where a stage allows it; false: nowhere. Values must be
 * typed again. */
bool foreign_retimed(Foreign *foreign);
/* ---- tidy.c ---- */
/* Shortens chains of stages of a typed model; false: there are none. Values must be typed again. */
bool foreign_tidy(Foreign *foreign);
/* f32 with n feature axes, and time in front if `time` says so. */
Type foreign_type(Time time, int rank, const int64_t *dims);
void foreign_note(Foreign *foreign, const char *format, ...) GRUS_PRINTF(2, 3);
/* A diagnostic about the file as a whole: E901 unreadable, E902 a layer or operator grus does not
 * have, E903 an option it does not have, E904 something the file does not say. */
Diag *foreign_report(Diags *diags, const ForeignFile *file, DiagCode code, const char *format, ...)
    GRUS_PRINTF(4, 5);

/* About a node: "node `x` (`Conv`) " and the text. Of a damaged file (E901); what grus lacks is the
 * next. Always false. */
bool foreign_refuse_node(Diags *diags, const ForeignFile *file, DiagCode code, const char *name,
                         const char *op, const char *format, ...) GRUS_PRINTF(6, 7);

/* The same of E902, E903 and E904, with the nearest thing that works, which is true of this file:
 * an option of grus, another operator or option of the framework, another way to export. */
bool foreign_lacks_node(Diags *diags, const ForeignFile *file, DiagCode code, const char *name,
                        const char *op, const char *help, const char *format, ...)
    GRUS_PRINTF(7, 8);
/* And about the file as a whole. */
bool foreign_lacks(Diags *diags, const ForeignFile *file, DiagCode code, const char *help,
                   const char *format, ...) GRUS_PRINTF(5, 6);

/* ---- foreign_ways.c ---- */
/* A node that grus cannot import, by its names in the file. The lists are names of tensors in
 * quotes, such as "x", "h"; NULL: not known. */
typedef struct ForeignNode {
  const char *name;
  const char *inputs, *outputs;   /* of the file */
  const char *operands, *results; /* of the node; its constants are left out */
  bool is_first;                  /* whether all of its operands are inputs of the file */
} ForeignNode;
/* The way out that every file of this format has, for the `help:` of an error about a node where
 * nothing is nearer: how to cut the file there, or how to write the model by hand with the weights
 * of the file. */
const char *foreign_way_out(const ForeignFile *file, const ForeignNode *node);

/* E904: the file has the functions that are named, and none is `asked` (NULL: which one was not
 * said, and none is `serving_default`). */
Diag *foreign_report_signatures(Diags *diags, const ForeignFile *file, const char *asked, size_t n,
                                const char *const *name);

/* The file that a path means: of a folder that holds a SavedModel, its saved_model.pb. */
const char *foreign_path(Arena *arena, const char *path);
/* What a model of this file is called: "gru" of "models/gru.keras" and "models/gru/saved_model.pb".
 */
const char *foreign_stem(Arena *arena, const char *path);
/* Opens, reads and finishes a foreign model; NULL after reporting. path is as the user wrote it. */
Foreign *foreign_open(Arena *arena, const char *path, const ImportOptions *options, Diags *diags);
/* The same for content already in memory. */
Foreign *foreign_import(const ForeignFile *file, const ImportOptions *options, Diags *diags);
/* The last part of both: applies --stream and --time, infers, checks and sets weights. */
bool foreign_finish(Foreign *foreign, const ImportOptions *options, Diags *diags);
/* The name of the format whose reader knows this content; NULL for .grus text and all else. */
const char *foreign_sniff(const ForeignFile *file);

/* The model that a state dict of PyTorch leaves no doubt about; NULL after reporting. */
Foreign *torch_state_of(const ForeignFile *file, const TensorFile *tensors,
                        const ImportOptions *options, Diags *diags);

/* What a file is that no reader knows, and what to do about it; false if that is not known
 * either. */
bool foreign_near(const ForeignFile *file, const char **what, const char **help);
/* The name ends as those of models of other frameworks do. */
bool foreign_named(const char *path);

#endif
