/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What to do about an operator that cannot be read, where several have the same way out. */
#include "import/read/tf/reader.h"

#include "base/text.h"

#include <string.h>

const char tf_fixed_sizes[] = "if they depend only on sizes, save the model with an input of fixed "
                              "sizes; otherwise make them constants",
           tf_pass_state[] = "save a function that takes the old value as an input and returns the "
                             "new one: `--state IN=OUT` then keeps it",
           tf_dilations[] = "dilated convolutions are read as Keras writes them, with "
                            "`dilation_rate`, where nothing else works on the blocks",
           tf_signature[] = "save a signature of tensors: "
                            "`@tf.function(input_signature=[tf.TensorSpec((1, None, 3))])`";

const char *tf_cut(const TfCall *c) {
  TfReader *r = c->reader;
  const TfNode *first = c->node->n_input ? tf_node(r, c->node->input[0]) : NULL;
  if (r->is_saved)
    return "TensorFlow may write it in other operators: "
           "`tf.lite.TFLiteConverter.from_saved_model(FOLDER).convert()` gives the bytes of a "
           ".tflite, and Keras saves its models by `model.save(\"model.keras\")`";
  if (c->scope->graph != r->graph || !first)
    return "compute the part of the graph around it in your program: `--input NODE` begins behind "
           "that part";
  return foreign_way_out(r->file,
                         &(ForeignNode){.name = c->node->name,
                                        .operands = arena_printf(r->arena, "\"%s\"", first->name),
                                        .is_first = strncmp(first->op, "Placeholder", 11) == 0});
}

typedef struct Unread {
  const char *names; /* a list of words */
  const char *help;
} Unread;

static const Unread unread[] = {
#define TF_UNREAD(names, help) {names, help},
#include "import/read/tf/tf_unread.def"
#undef TF_UNREAD
};

bool tf_unknown(const TfCall *c) {
  const TfReader *r = c->reader;
  const char *help = NULL;
  Diag *d = foreign_report(r->diags, r->file, E902, "node `%s`: operator `%s` is not supported",
                           c->node->name, c->node->op);
  if (words_index("Mfcc AudioSpectrogram DecodeWav", c->node->op) >= 0)
    diag_note(d, "it belongs to a front end that computes features of sound");
  for (size_t i = 0; !help && i < sizeof unread / sizeof *unread; i++)
    if (words_index(unread[i].names, c->node->op) >= 0) help = unread[i].help;
  diag_fix(d, FIX_MAYBE, "%s", help ? help : tf_cut(c));
  return false;
}
