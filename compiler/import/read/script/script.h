/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* TorchScript archives as graphs. The code of such an archive is text in a small part of Python:
 * assignments, calls, `if`, and loops. This reader follows the text from the start of `forward`
 * with inputs of known sizes. It computes numbers, lists and the conditions of branches, and each
 * operator on a tensor becomes a node as torch.export would write it, which the reader of .pt2
 * files reads. Nothing of the file is executed by Python.
 *
 *   lex.c, parse.c   the text as statements
 *   objects.c        modules and their attributes, from data.pkl and constants.pkl
 *   state.c          attributes that `forward` changes; shared.c: those that share their numbers
 *   schema.c         the arguments of operators by name; schemas.def: all of them
 *   aten.c           a node for an operator; kinds.c: what is known of its results before
 *   views.c          tensors that share their numbers
 *   composed.c       functions that are several operators
 *   shapes.c         the sizes of tensors; fits.c: whether they are those that operators need
 *   builtin.c, builtin_numbers.c, builtin_lists.c, builtin_text.c   functions of the text
 *   expr.c, run.c    expressions, statements and calls
 *   inputs.c, traced.c    the inputs of `forward`; sizes.c: their sizes, of those in known_sizes.c
 *   reader.c         the archive, and the attempts to read it */
#ifndef GRUS_IMPORT_READ_SCRIPT_H
#define GRUS_IMPORT_READ_SCRIPT_H

#include "import/read/torch/reader.h"
#include "import/tensors/tree.h"

/* ---- lex.c ---- */
typedef enum ScriptTokenKind {
  SCRIPT_NAME,
  SCRIPT_INT,
  SCRIPT_FLOAT,
  SCRIPT_TEXT,
  SCRIPT_MARK, /* one character, or -> */
  SCRIPT_NEWLINE,
  SCRIPT_INDENT,
  SCRIPT_DEDENT,
  SCRIPT_END
} ScriptTokenKind;

typedef struct ScriptToken {
  ScriptTokenKind kind;
  int line;
  const char *text; /* of a name, a mark or a text, which ends with a 0 */
  int64_t i;
  double f;
} ScriptToken;

/* The tokens of a file; the last is SCRIPT_END. NULL with *line and *reason. */
ScriptToken *script_lex(Arena *arena, Mapped text, int *line, const char **reason);

/* ---- parse.c ---- */
typedef enum ScriptExprKind {
  EXPR_NAME,
  EXPR_INT,
  EXPR_FLOAT,
  EXPR_TEXT,
  EXPR_ATTRIBUTE, /* item[0].text */
  EXPR_CALL,      /* item[0](item[1], ...), with keyword[k] for those by name */
  EXPR_INDEX,     /* item[0][item[1]] */
  EXPR_TUPLE,
  EXPR_LIST,
  EXPR_DICT, /* key, value, key, value ... */
  EXPR_NEGATIVE,
  EXPR_CHOICE /* item[0] if item[1] else item[2] */
} ScriptExprKind;

typedef struct ScriptExpr {
  ScriptExprKind kind;
  int line;
  const char *text;
  int64_t i;
  double f;
  struct ScriptExpr **item;
  const char **keyword;
  int n;
  size_t cap, cap_keyword;
} ScriptExpr;

typedef enum ScriptStatementKind {
  STATEMENT_EXPR,
  STATEMENT_ASSIGN, /* target = value; several targets take a tuple apart */
  STATEMENT_RETURN,
  STATEMENT_IF,
  STATEMENT_WHILE,
  STATEMENT_FOR, /* for target in value */
  STATEMENT_PASS,
  STATEMENT_OTHER /* of another kind, such as `with`: an error where it is reached */
} ScriptStatementKind;

typedef struct ScriptBlock {
  struct ScriptStatement **item;
  int n;
  size_t cap;
} ScriptBlock;

typedef struct ScriptStatement {
  ScriptStatementKind kind;
  int line;
  const char *word;   /* of STATEMENT_OTHER */
  ScriptExpr *target; /* EXPR_TUPLE for several */
  ScriptExpr *value;  /* also the condition of an `if`; NULL: none */
  ScriptBlock body, other;
} ScriptStatement;

typedef struct ScriptParam {
  const char *name;
  const ScriptExpr *type, *usual; /* NULL: none */
} ScriptParam;

typedef struct ScriptFunction {
  const char *class; /* "LSTM"; NULL: of no class */
  const char *name;
  const struct ScriptUnit *unit;
  ScriptParam *param;
  int n_params;
  size_t cap_params;
  ScriptBlock body;
  int line;
} ScriptFunction;

/* A value that the text of a class gives: name : Final[int] = 5. */
typedef struct ScriptFinal {
  const char *class, *name;
  const ScriptExpr *value;
} ScriptFinal;

typedef struct ScriptUnit {
  const char *path; /* in the archive, "code/__torch__/models.py" */
  ScriptFunction **function;
  int n_functions;
  size_t cap_functions;
  ScriptFinal *final;
  int n_finals;
  size_t cap_finals;
  const char **class;
  int n_classes;
  size_t cap_classes;
} ScriptUnit;

/* The functions of a file; NULL with *line and *reason. */
ScriptUnit *script_parse(Arena *arena, const char *path, Mapped text, int *line,
                         const char **reason);

/* ---- values ---- */
typedef enum ScriptKind {
  VALUE_NONE,
  VALUE_BOOL,
  VALUE_INT,
  VALUE_FLOAT,
  VALUE_TEXT,
  VALUE_LIST,
  VALUE_TUPLE,
  VALUE_DICT, /* key, value, key, value ... */
  VALUE_TENSOR,
  VALUE_MODULE,
  VALUE_NAME,  /* a name in front of a function: "torch", "__torch__.models" */
  VALUE_OPAQUE /* a device, a layout: what makes no difference here */
} ScriptKind;

typedef struct ScriptValue {
  ScriptKind kind;
  int64_t i; /* BOOL, INT */
  double f;
  const char
      *text; /* TEXT; the name of a TENSOR or NAME; the path of a MODULE or of what is kept */
  struct ScriptValue **item;
  int n;
  size_t cap;
  bool is_kept;              /* whether a LIST, TUPLE or DICT is that of an attribute */
  const PickleValue *object; /* of a MODULE */
} ScriptValue;

/* An attribute that was given a value. */
typedef struct ScriptBinding {
  const char *name; /* its path */
  ScriptValue *was, *value;
} ScriptBinding;

/* A tensor or a module of the archive that an attribute holds. */
typedef struct ScriptStored {
  const char *path;
  const PickleValue *object; /* the same if they are one */
} ScriptStored;

typedef struct ScriptScope {
  Map names;
  ScriptValue *returned;
  bool is_over;
} ScriptScope;

/* The sizes of an input of `forward` that is a tensor. */
typedef struct ScriptShape {
  int rank;       /* -1: not known yet */
  int open;       /* the axis that may have any size; -1: there is none */
  unsigned steps; /* a bit for each axis that counts the steps of a sequence */
  int64_t dim[GRAPH_MAX_RANK];
} ScriptShape;

enum {
  SCRIPT_MAX_INPUTS = 16,
  SCRIPT_MAX_SIZES = 64,
  SCRIPT_MAX_DEPTH = 64,
  SCRIPT_MAX_NESTING = 100,
  SCRIPT_STEPS_OF_ALL = 6000000 /* of all attempts together */
};

/* What all attempts have in common. */
typedef struct Script {
  Arena *arena; /* of what attempts leave to later ones; each attempt has one of its own */
  const ForeignFile *file;
  const ImportOptions *options;
  Diags *diags; /* of what is wrong with the file in every attempt */
  Archive *archive;
  const char *folder; /* of the archive: "model/" */
  Map units;          /* path -> ScriptUnit */
  Map written;        /* the attributes that hold tensors and are given others, by path: state */
  Map changed;        /* the attributes that are changed in place */
  Map whole;          /* the inputs whose elements are whole numbers, by name */
  bool written_more;  /* an attempt has found one more of either */
  Map starts, later;  /* of an attempt, what attributes hold before its second call: GraphTensor,
                         ScriptValue */
  bool unsettled;     /* an attempt ended with a state of another shape */
  bool is_second;     /* the attempt is of the second call */
  const PickleValue *root, *constants;
  bool other_floats; /* tensors are double or half, in the archive or by a cast */
  int64_t steps;     /* that all attempts together may still take */
  const char *input_name[SCRIPT_MAX_INPUTS];
  int n_inputs;
  Tree tree, constants_tree;
  Map views;   /* by the place of its value in memory: the Tensor, of those that were read */
  Map numbers; /* path -> GraphTensor, of the tensors that were read */
} Script;

/* One attempt: the graph of `forward` with inputs of certain sizes. */
typedef struct ScriptRun {
  Script *script;
  TorchReader *torch;
  Arena *arena;
  Map attributes;     /* path -> ScriptValue, of those that were read or given a value */
  ScriptBinding *set; /* attributes that were given values */
  int n_set;
  size_t cap_set;
  ScriptStored *stored;
  int n_stored;
  size_t cap_stored;
  Map counts;         /* how often the name of a result was used */
  Map views, changes; /* of views by name: ScriptView; of tensors: how often they have changed */
  Map viewed;         /* tensors with views */
  struct ScriptView **view; /* all */
  int n_views, views_deep;
  size_t cap_views;
  GraphTensor **shape; /* by the place of a value in the graph */
  int n_shapes;
  size_t cap_shapes;
  int nodes_done; /* nodes of the graph whose results have shapes */
  ScriptShape input[SCRIPT_MAX_INPUTS];
  int depth, line;
  int64_t steps; /* that this attempt may still take */
  const ScriptFunction *at;
  bool was_training; /* a module that was asked had been saved in training */
  int needed;        /* the input whose sizes were not known; -1: none */
  int like;          /* the input that has the same; -1: that is not known */
} ScriptRun;

/* Reports what the reader does not support at the line that it has come to; false. */
bool script_refuse(ScriptRun *r, DiagCode code, const char *format, ...) GRUS_PRINTF(3, 4);
/* The same of what grus lacks (E902, E903, E904), with the nearest thing that works; false. */
bool script_lacks(ScriptRun *r, DiagCode code, const char *help, const char *format, ...)
    GRUS_PRINTF(4, 5);
extern const char script_export[]; /* the help where nothing is near */
extern const char script_branch[]; /* and that of a branch by data */

/* ---- objects.c ---- */
ScriptValue *script_value(Arena *arena, ScriptKind kind);
ScriptValue *script_int(Arena *arena, int64_t i);
ScriptValue *script_float(Arena *arena, double f);
ScriptValue *script_bool(Arena *arena, bool is);
ScriptValue *script_text(Arena *arena, const char *text);
void script_push(Arena *arena, ScriptValue *list, ScriptValue *item);
/* The attribute of a module; NULL after reporting. */
ScriptValue *script_attribute(ScriptRun *r, ScriptValue *module, const char *name);
/* "rnn.weight" of a module and the name of an attribute. */
const char *script_path(ScriptRun *r, const ScriptValue *module, const char *name);
/* CONSTANTS.c0 */
ScriptValue *script_constant(ScriptRun *r, const char *name);
/* The method of a module; NULL: it has none. */
const ScriptFunction *script_method(ScriptRun *r, const ScriptValue *module, const char *name);
/* The function or class with a qualified name: "__torch__.models.f"; NULL: there is none. */
const ScriptFunction *script_function(ScriptRun *r, const char *name);
/* Whether the name is that of a class. */
bool script_is_class(ScriptRun *r, const char *name);
/* Whether it is the name of a class with methods, not only with names of items. */
bool script_has_methods(ScriptRun *r, const char *name);
/* A constant of the graph. */
ScriptValue *script_tensor(ScriptRun *r, const char *name, const GraphTensor *t);

/* ---- state.c ---- */
/* A variable of the graph, as the value of an attribute. */
ScriptValue *script_state(ScriptRun *r, const char *path, const GraphTensor *start);
/* Notes that a tensor with this path is state, which the next attempt begins with; whether that is
 * new. */
bool script_found_state(ScriptRun *r, const char *path);
bool script_set_attribute(ScriptRun *r, ScriptValue *module, const char *name, ScriptValue *value);
/* Gives an item of a list or a dictionary, which may be that of an attribute, another value; false
 * after reporting. */
bool script_set_item(ScriptRun *r, ScriptValue *list, int64_t at, ScriptValue *value);
/* What an attribute holds before the second call; NULL: what it holds before the first. */
ScriptValue *script_carried(ScriptRun *r, const char *path);
/* Assigns what attributes hold at the end to the variables of the graph. */
bool script_keep_state(ScriptRun *r);
/* Whether the first call gives what the graph of the second gives at its start; false after
 * reporting to the diagnostics of the first. */
bool script_same_calls(ScriptRun *first, Graph *second);

/* ---- shared.c ---- */
void script_note_stored(ScriptRun *r, const char *path, const PickleValue *object);
/* The path by which an object was read first; NULL: it was not read yet. */
const char *script_first_name(const ScriptRun *r, const PickleValue *object);
/* An operator changes the tensor NAME in place. */
void script_note_change(ScriptRun *r, const char *name);
/* Whether no attribute that changes in place shares its numbers with another; false after
 * reporting. */
bool script_shares_nothing(ScriptRun *r);

/* ---- shapes.c ---- */
/* The shape of a tensor, with numbers if they are known; NULL: unknown. */
const GraphTensor *script_shape(ScriptRun *r, const char *name);
/* Whether one of the recurrent layers, if there are any, goes along so many steps. */
bool script_steps_are(ScriptRun *r, int64_t steps);
/* Computes the shapes of the nodes that were made last; false after reporting. */
bool script_infer(ScriptRun *r);
/* Notes what sizes and type a tensor has, for the reader of operators. */
void script_describe(ScriptRun *r, const char *name);
void script_describe_as(ScriptRun *r, const char *name, GraphElem elem, int rank,
                        const int64_t *dim);
int64_t script_dtype(GraphElem elem);
/* Of the numbers that the text uses: 6 is float32; -1: unknown. */
int64_t script_dtype_of(int64_t in_text);
int64_t script_dtype_in_text(GraphElem elem);

/* ---- schema.c ---- */
typedef struct ScriptArg {
  const char *name;
  char type;
} ScriptArg;
typedef struct ScriptSchema {
  const char *op;
  const char *args;
  char results; /* '1' to '5', or 'L' */
} ScriptSchema;
enum { SCRIPT_MAX_ARGS = 32 };
typedef struct ScriptArgs {
  int n;
  ScriptValue *value[SCRIPT_MAX_ARGS];
  const char *keyword[SCRIPT_MAX_ARGS];
} ScriptArgs;
/* The row that takes these arguments, and which of its own each is; NULL: none. */
const ScriptSchema *script_match(Arena *arena, const char *op, const ScriptArgs *given,
                                 ScriptArg *arg);
bool script_has_schema(const char *op);

/* ---- aten.c ---- */
ScriptValue *script_aten(ScriptRun *r, const char *op, const ScriptArgs *args);
/* ---- composed.c ---- */
/* torch._native_multi_head_attention, torch._transformer_encoder_layer_fwd */
ScriptValue *script_native_attention(ScriptRun *r, const ScriptArgs *args);
ScriptValue *script_encoder_layer(ScriptRun *r, const ScriptArgs *args);
/* torch.broadcast_tensors: a list of tensors, each as far as they all reach together. */
ScriptValue *script_broadcast(ScriptRun *r, const ScriptArgs *args);
/* ---- views.c ---- */
/* Notes results that share their numbers with the first argument. */
void script_note_views(ScriptRun *r, const char *op, const ScriptArgs *args,
                       const ScriptValue *out);
/* The tensor that a view is of, over all views between; of others, the name that they had first. */
const char *script_root(const ScriptRun *r, const char *name);
/* Makes views again whose tensor has changed since; false after reporting. */
bool script_fresh(ScriptRun *r, const ScriptValue *value);
/* Whether a tensor is a view or has views. */
bool script_is_shared(const ScriptRun *r, const ScriptValue *v);
/* Gives such a tensor the result of an operator; the tensor, or NULL after reporting. */
ScriptValue *script_change(ScriptRun *r, const char *op, const ScriptArgs *args);

/* ---- fits.c ---- */
/* Whether the sizes of tensors are those that an operator needs; false after reporting. */
bool script_fits(ScriptRun *r, const char *op, int n, const ScriptArg *arg,
                 ScriptValue *const *value);

/* ---- kinds.c ---- */
GraphElem script_result_elem(ScriptRun *r, const char *op, int n, const ScriptArg *arg,
                             ScriptValue *const *value);
int script_result_rank(ScriptRun *r, const char *op, int n, const ScriptArg *arg,
                       ScriptValue *const *value);
int script_list_length(ScriptRun *r, const char *op, int n, const ScriptArg *arg,
                       ScriptValue *const *value);

/* ---- builtin.c ---- */
/* A function of numbers, lists and the like. *known: whether it is one; then NULL after reporting.
 */
ScriptValue *script_builtin(ScriptRun *r, const char *name, const ScriptArgs *args, bool *known);
/* builtin_lists.c: a function whose first argument is a list or a dictionary, in the same way. */
ScriptValue *script_of_list(ScriptRun *r, const char *op, const ScriptArgs *args, bool *known);
/* builtin_text.c: "{}".format(x), str(x), and whether it made a text that is not known in full. */
ScriptValue *script_format(ScriptRun *r, const ScriptArgs *args);
ScriptValue *script_text_of(ScriptRun *r, const ScriptArgs *args);
bool script_is_unknown_text(const ScriptValue *v);
ScriptValue *script_joined_text(ScriptRun *r, const ScriptValue *a, const ScriptValue *b);
ScriptValue *script_arithmetic(ScriptRun *r, const char *name, const ScriptArgs *args, bool *known);
bool script_same(const ScriptValue *a, const ScriptValue *b);
/* The number of a value, also of a tensor whose number is known. */
bool script_number(ScriptRun *r, const ScriptValue *v, double *out, bool *whole);
bool script_truth(ScriptRun *r, const ScriptValue *v, bool *out);
/* Of a number of the text. */
double script_real(const ScriptValue *v);

/* ---- expr.c, run.c ---- */
/* The truth of an expression; false after reporting. */
bool script_condition(ScriptRun *r, ScriptScope *scope, const ScriptExpr *e, bool *is);
ScriptValue *script_eval(ScriptRun *r, ScriptScope *scope, const ScriptExpr *e);
ScriptValue *script_call(ScriptRun *r, const ScriptFunction *f, ScriptValue *self,
                         const ScriptArgs *args);
/* Whether the attempt may still take so many steps; false after reporting. */
bool script_spend(ScriptRun *r, int64_t steps);
bool script_run_block(ScriptRun *r, ScriptScope *scope, const ScriptBlock *block);

/* ---- inputs.c ---- */
/* The values of the parameters of `forward`; false after reporting. */
bool script_inputs(ScriptRun *r, const ScriptFunction *forward, ScriptArgs *out);
/* Which input a value is; -1: none. */
int script_input(const ScriptRun *r, const ScriptValue *v);
/* Whether a value is an input whose sizes are not known in this attempt, which ends then. */
bool script_needs(ScriptRun *r, const ScriptValue *v);
/* Notes the input tensors of `forward` and what they are called; false after reporting. */
bool script_name_inputs(Script *s, const ScriptFunction *forward);
/* The number that --set gives NAME; false: it gives none. */
bool script_set(const Script *s, const char *name, double *out);

/* ---- known_sizes.c ---- */
/* The sizes that stand in the archive, at most SCRIPT_MAX_SIZES; how many there are. */
int script_sizes(const Script *s, const ScriptFunction *forward, int64_t *size);

/* ---- sizes.c ---- */
/* One attempt with inputs of these sizes, in an arena of its own. NULL: it came to an end; *run
 * says why. check: whether the first call has to give what the graph gives. */
typedef Graph *ScriptAttempt(Script *s, Arena *arena, const ScriptShape *shape, bool check,
                             ScriptRun **run);
/* Finds sizes with which `forward` computes something; the graph, or NULL after reporting. */
Graph *script_solve(Script *s, const ScriptFunction *forward, ScriptAttempt *try_sizes);
/* Reports what an attempt has found. */
void script_pass_on(Script *s, const Diag *d);

#endif
