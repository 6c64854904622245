/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Model: the layer graph. Both the language (front/resolve) and every importer build one of these
 * and nothing else. Then infer gives every value its type, bind gives every layer its weights, the
 * evaluator runs the model, and lower/ turns it into kernels.
 *
 * Layers are in order of definition: a layer's inputs come before it. The graph is its own
 * history: "how the shape got here" in a message is the walk from a value through
 * value->layer->in[]. */
#ifndef GRUS_MODEL_MODEL_H
#define GRUS_MODEL_MODEL_H

#include "base/diag.h"
#include "base/shape.h"
#include "model/graph/layers.h"

typedef struct Layer Layer;
typedef struct Value Value;
typedef struct Model Model;
typedef struct Call Call;

/* One tensor of one sample. */
struct Value {
  int id;             /* dense, from 0 */
  const char *name;   /* of the `in` or `let` that names it; NULL for the inside of a pipeline */
  const char *field;  /* "h" or "c": a state field of `layer`; NULL for the main result */
  Span span;          /* of the statement that names it, else of the stage that makes it */
  Span name_span;     /* of the name in that statement */
  Layer *layer;       /* who makes it; NULL for inputs */
  struct Port *port;  /* inputs: the port; else NULL */
  Type type;          /* set by infer */
  bool typed;         /* type is known */
  bool poisoned;      /* something about it was reported, so nothing else is */
  const Value *guess; /* of a statement with an error: the last value before the error, or NULL */
  const Type *guess_type; /* of a statement with an error: the type that it declares, or NULL */
  int n_uses;             /* how many layers, outputs and options `init` and `along` read it */
};

/* Zeros around an axis: by a rule of its size, or as many as PAD_ZEROS says. */
typedef enum PadKind { PAD_VALID, PAD_SAME, PAD_CAUSAL, PAD_ZEROS } PadKind;
typedef struct Padding {
  PadKind kind;
  int64_t before, after; /* PAD_ZEROS */
} Padding;

enum { AXIS_TIME = -1, WINDOW_MAX_AXES = 2 };

/* An axis that a layer works along. infer sets it. n and n_out are sizes of feature axes; the size
 * of the time axis is in the types. */
typedef struct LayerAxis {
  int axis;                       /* feature axis of the input, or AXIS_TIME */
  int64_t n, n_out;               /* its size in the input and in the result */
  int64_t size, stride, dilation; /* windows: positions read, distances */
  Padding padding;
  int64_t before, after; /* zeros that are read before and after the axis */
} LayerAxis;

/* The value of an option of a layer, as given or by default. The comments name the kinds (OptKind)
 * that use a field. */
typedef struct OptVal {
  bool given;    /* written in the source (or set by an importer) */
  Span span;     /* of the whole `key=value` or positional argument */
  Span at;       /* of the value alone */
  int64_t i;     /* SIZE: the number. WORD: index into the words */
  double f;      /* NUMBER */
  const char *s; /* WORD, TEXT: the text */
  int64_t num, den;
  bool
      is_duration; /* SIZE written as 25ms: num / den seconds, of which infer makes i by the rate */
  Value **values;  /* STATE: each initial state vector (or one RECURRENT layer, see states_of) */
  Span *value_span; /* STATE: of each */
  int n_values;
  /* STATE: the layer of `enc` in `init=enc`, a recurrent layer whose final states are all passed */
  Layer *states_of;
  bool learned;                  /* STATE: init=learned, the initial state is among the weights */
  Value *value;                  /* VALUE */
  Type *shape;                   /* SHAPE: axes as written; NULL for other kinds */
  int64_t size[WINDOW_MAX_AXES]; /* SIZES: one for each axis; if n_sizes is 0, `i` for all axes */
  int n_sizes;
  Padding padding[WINDOW_MAX_AXES]; /* PADDING: for each axis; if n_paddings is 0, the word `s` for
                                       all axes, if it is 1, the first for all */
  int n_paddings;
  const char **axis; /* AXES: names, "time" for the time axis. value_span has their places */
  int n_axes;
} OptVal;

enum { LAYER_MAX_RESULTS = 3 }; /* main, h, c */

struct Layer {
  LayerKind kind;
  int id;             /* dense, from 0 */
  const char *path;   /* "p.residual.dense": the statement, the blocks around it, the kind, and a
                         number if it is not the first; unique, and the prefix of its weights */
  const char *prefix; /* `from=`, or NULL: then path */
  const char *origin; /* imports: what it was in the file, e.g. "node `/rnn/GRU`"; else NULL */
  Span span;          /* of the stage, `GRU(64, init=h0)`; of an operator, the whole `a + b` */
  Span name_span;     /* `GRU`; for an operator the `+` */
  Span pipe;          /* the `|>` before it; none in a call */
  Value **in;         /* values read, in order */
  Span *in_span;      /* where each is written; for a pipeline the stage before it */
  int n_in;
  Value *out[LAYER_MAX_RESULTS]; /* main result, then the fields h, c where the kind has them */
  OptVal *opt;                   /* one for each of layer_info(kind)->opts; never NULL */
  const char *binding;           /* the `let` or `out` whose statement it stands in */
  Call *call;                    /* the block instance it belongs to; NULL: the model itself */
  LayerAxis *along; /* the axes that it works along, if the kind can choose; set by infer */
  int n_along;
  Layer *kept_by; /* state: the keep that writes it; set by infer */
  int loop;       /* the number, from 1, of the loop through states that it is in; 0: none.
                     Set by infer */
  struct LayerWeights *weights; /* bound tensors, see weights.h; NULL until then */
};

/* One use of a block, which messages and paths name. */
struct Call {
  const char *block;
  Span span; /* where it is used */
  Call *outer;
};

typedef struct Port {
  const char *name, *doc;
  Span span; /* the statement */
  Span name_span, type_span;
  Value *value;  /* outputs: the value delivered */
  Type declared; /* inputs: the type; outputs: as declared, if has_type */
  bool has_type;
  bool is_init;  /* an input of a stream that only init= uses: an argument of _reset */
  int64_t every; /* `every h` on an input, in steps; 0: none */
  int64_t every_num, every_den; /* every as a duration in seconds, den 0: none */
  Span every_span;
} Port;

/* Frameworks with conventions of their own for names and orders of weights:
 * X(id, the word in the language, the framework, the word in the metadata of safetensors). */
#define CONVENTION_LIST(X)                                                                         \
  X(KERAS, "keras", "Keras", "keras")                                                              \
  X(TORCH, "torch", "PyTorch", "pt")                                                               \
  X(ONNX, "onnx", "ONNX", "onnx")
#define CONVENTION_ID(id, word, framework, format)   CONVENTION_##id,
#define CONVENTION_WORD(id, word, framework, format) word " "
/* "keras torch onnx ": as a list of words */
#define CONVENTIONS CONVENTION_LIST(CONVENTION_WORD)
typedef enum Convention {
  CONVENTION_NONE,
  CONVENTION_LIST(CONVENTION_ID) CONVENTION_COUNT
} Convention;
/* "" for none. */
extern const char *const convention_word[CONVENTION_COUNT];      /* "torch" */
extern const char *const convention_framework[CONVENTION_COUNT]; /* "PyTorch" */
extern const char *const convention_format[CONVENTION_COUNT];    /* "pt" */

typedef struct WeightsDecl {
  const char *path;
  Convention convention;
  Span span, path_span, convention_span;
} WeightsDecl;

/* A type written where the value has one of its own: `let h : f32[8] = ...`, and the inputs and
 * outputs of blocks. infer checks it (E302). Time bounded without a name has length -1: it matches
 * any length with this bound. The same holds for the declared types of outputs. */
typedef struct Ascription {
  Value *value;
  const char *name;
  Type type;
  Span type_span, name_span;
  Span use_span; /* of a block's input: the use of the block */
} Ascription;

/* How the model runs, from the types of its ports. */
typedef enum RunKind { RUN_WHOLE, RUN_STREAM, RUN_WINDOW } RunKind;

struct Model {
  Arena *arena;
  const char *name, *doc;
  Span span, name_span;
  Port **in;
  int n_in;
  size_t cap_in;
  Port **out;
  int n_out;
  size_t cap_out;
  Layer **layer;
  int n_layers;
  size_t cap_layers;
  Value **value;
  int n_values;
  size_t cap_values;
  Value **let; /* named values, for lints and inspect */
  int n_lets;
  size_t cap_lets;
  Ascription *ascription;
  int n_ascriptions;
  size_t cap_ascriptions;
  bool allowed[DIAG_CODE_COUNT]; /* lints switched off by `allow` in this model */
  Length *length;                /* length[0] unused */
  int n_lengths;
  size_t cap_lengths;
  WeightsDecl weights; /* path NULL: none */
  WeightsDecl ranges;
  bool has_ranges; /* without a `ranges` statement: a file next to the source, or none is needed */
  Precision precision;
  Span precision_span;
  RunKind run;               /* set by infer */
  int n_loops;               /* set by infer */
  int64_t steps_per_call;    /* streams: base steps one call takes (before --chunk); else 1 */
  const struct Quant *quant; /* set by quantise, see quant/quant.h; NULL: f32 throughout */
  bool failed;               /* errors were reported: not to be evaluated or lowered */
};

/* ---- functions that build a model, for resolve and the importers; other fields are zero ---- */
Model *model_new(Arena *arena, const char *name);
Value *model_value(Model *model, const char *name);
Port *model_input(Model *model, const char *name, Type declared); /* also makes its value */
Port *model_output(Model *model, const char *name, Value *value);
bool model_has_output(const Model *model, const Value *value);
/* Whether a lint is silent because the model has `allow` of it: not if the caller has asked for it
 * always. */
bool model_allows(const Model *model, const Diags *diags, DiagCode code);
/* Whether f32 has a number that values are computed with: it does not become infinite there, nor 0
 * unless it is 0. */
bool model_number_fits(double number);
/* Adds a layer with these inputs, its result values, and its options at their defaults. */
Layer *model_layer(Model *model, LayerKind kind, int n_in, Value *const *in);
/* The index of a new bounded length, and of a length of (n - size) / hop + 1 steps where `from` has
 * n, which may exist already. */
int model_length(Model *model, const char *name, int64_t bound);
int model_length_derived(Model *model, int from, int64_t size, int64_t hop);

/* Options by name; NULL if the kind has no such option. */
const OptVal *layer_opt(const Layer *layer, OptName name);
OptVal *layer_opt_mut(Layer *layer, OptName name);
int64_t layer_size(const Layer *layer, OptName name, int64_t if_absent);
double layer_number(const Layer *layer, OptName name, double if_absent);
const char *layer_word(const Layer *layer, OptName name); /* "" if absent */
bool layer_word_is(const Layer *layer, OptName name, const char *word);
Precision layer_precision(const Model *model, const Layer *layer); /* its own, else the model's */
/* How a layer works along this axis of its input, or along AXIS_TIME; NULL if it does not. */
LayerAxis *layer_along(const Layer *layer, int axis);
static inline bool layer_is_along_time(const Layer *layer) {
  return layer->along[0].axis == AXIS_TIME;
}
/* The size of an option of kind SIZES, and the padding, for the k-th axis that it works along. */
int64_t layer_size_of(const Layer *layer, OptName name, int k);
Padding layer_padding_of(const Layer *layer, int k);
bool layer_has(const Layer *layer, OptName name); /* given, or has a default */
Activation layer_activation(const Layer *layer, OptName name);
/* The eps of a norm that names none: 1e-3 with weights of Keras, else 1e-5. RMSNorm has 1e-6 with
 * weights of Keras and 2^-23 with those of PyTorch, l2_normalize always 1e-12. */
double layer_eps_unsaid(Convention convention, LayerKind kind);
double layer_eps(const Model *model, const Layer *layer);
/* Of recurrent layers: units of one direction, gates of a cell (GRU 3, LSTM 4, RNN 1), and the
 * value that is the initial state k (0: h, 1: c); NULL if the state is zero or learned. */
int64_t layer_units(const Layer *layer);
int layer_gates(const Layer *layer);
const Value *layer_init_value(const Layer *layer, int state);
int layer_n_states(const Layer *layer);   /* 2 for LSTM, 1 for GRU and RNN, else 0 */
int layer_directions(const Layer *layer); /* 2 for direction=both, else 1 */
/* Of attention: whether position i sees no position after it, and how many positions it sees,
 * itself included (0: all). */
bool layer_looks_back(const Layer *layer);
int64_t layer_window(const Layer *layer);
bool layer_learns_start(const Layer *layer); /* init=learned: a state, or the past of a Conv1D */
/* Prints an option of kind SIZES, PADDING or AXES as source has it: "(1, 2)", "(causal, (2, 2))",
 * "freq". */
void option_print(Text *out, const OptInfo *info, const OptVal *opt);
/* The stage as traces show it, "GRU(64)": its source text on one line, or made from its options. */
const char *layer_text(Arena *arena, const Sources *sources, const Layer *layer);

#endif
