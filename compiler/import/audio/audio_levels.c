/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The levels that AIDA-X applies around a model of RTNeural, by keys that it adds to the file. In:
 * the JSON object. Out: stages before and after the model.
 *
 *     v = x, but its first channel, the signal, times 10^(in_gain / 20); other channels are knobs
 *     y = (model(v) + in_skip * v[0]) * 10^(out_gain / 20)
 *
 * A gain of -90 dB or less is silence. in_skip is 0 or 1, and 1 only for a model with one
 * output. */
#include "import/audio/audio.h"

#include <math.h>

static bool read_gain(Audio *a, const json_t *root, const char *key, double *gain) {
  const json_t *value = json_object_get(root, key);
  double db = json_number_value(value);
  *gain = db > -90 ? pow(10, db / 20) : 0;
  if (!value || (json_is_number(value) && *gain <= 1e6)) return true;
  Diag *d = foreign_report(a->diags, a->file, E901, "`%s` is not a gain", key);
  diag_note(d, "it is a number of decibels, at most 120");
  return false;
}

bool audio_levels_read(Audio *a, const json_t *root, AudioLevels *levels) {
  const json_t *skip = json_object_get(root, "in_skip");
  int64_t n = json_is_integer(skip) ? json_integer_value(skip) : -1;
  levels->skip = n == 1;
  if (skip && n != 0 && n != 1) {
    Diag *d = foreign_report(a->diags, a->file, E903, "`in_skip` is neither 0 nor 1");
    diag_note(d, "1 adds the first input to the output; AIDA-X has nothing else");
    diag_fix(d, FIX_MAYBE, "write `\"in_skip\": 0` or `\"in_skip\": 1`");
    return false;
  }
  return read_gain(a, root, "in_gain", &levels->in) && read_gain(a, root, "out_gain", &levels->out);
}

static Value *scaled(Audio *a, Value *v, double gain, const char *origin) {
  Layer *mul = model_layer(a->foreign->model, LAYER_mul, 1, &v);
  layer_set_number(mul, OPT_value, gain);
  mul->origin = origin;
  return mul->out[0];
}

static Value *channels(Audio *a, Value *v, int64_t begin, int64_t end, const char *origin) {
  if (begin == 0 && end == a->width) return v;
  Layer *slice = model_layer(a->foreign->model, LAYER_slice, 1, &v);
  layer_set_size(slice, OPT_begin, begin);
  layer_set_size(slice, OPT_end, end);
  slice->origin = origin;
  return slice->out[0];
}

void audio_levels_before(Audio *a, AudioLevels *levels) {
  static const char origin[] = "in_gain";
  Value *part[2] = {a->value};
  if (fabs(levels->in - 1) > 0) {
    part[0] = scaled(a, channels(a, a->value, 0, 1, origin), levels->in, origin);
    if (a->width > 1) {
      part[1] = channels(a, a->value, 1, a->width, origin);
      Layer *concat = model_layer(a->foreign->model, LAYER_concat, 2, part);
      concat->origin = origin;
      a->value = concat->out[0];
    } else
      a->value = part[0];
    levels->signal = part[0];
  } else if (levels->skip)
    levels->signal = channels(a, a->value, 0, 1, "in_skip");
}

bool audio_levels_after(Audio *a, const AudioLevels *levels) {
  if (levels->skip) {
    Value *both[] = {a->value, levels->signal};
    if (a->width != 1) {
      Diag *d =
          foreign_report(a->diags, a->file, E903, "`in_skip` is 1, but the model has %lld outputs",
                         (long long)a->width);
      diag_note(d, "it adds the signal, the first input, to a model with one");
      diag_fix(d, FIX_MAYBE, "write `\"in_skip\": 0`, and add the signal in your program");
      return false;
    }
    Layer *sum = model_layer(a->foreign->model, LAYER_add, 2, both);
    sum->origin = "in_skip";
    a->value = sum->out[0];
  }
  if (fabs(levels->out - 1) > 0) a->value = scaled(a, a->value, levels->out, "out_gain");
  return true;
}
