/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The published vectors of keras-js: one layer each, with weights, input and the output of Keras 2.
 * The JSON is written as the HDF5 file that Keras 2 would have saved, and that file is imported.
 * Stateful layers were called `expected_is_call` times with one input: the state that comes out
 * goes in again. Tolerance: inputs and outputs are printed with 6 decimals.
 *
 *     kerasjs MODELS */
#include "../conform.h"

#include <hdf5.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { VALUES_MAX = 4096 };
static const char model_path[] = "kerasjs_vector.h5";

static void put_text(hid_t at, const char *name, const char *text) {
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, strlen(text) + 1);
  hid_t attribute = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, text);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
}

static void put_names(hid_t at, const char *attribute_name, const char (*names)[64], int n) {
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, (hsize_t[]){(hsize_t)n}, NULL);
  H5Tset_size(type, 64);
  hid_t attribute = H5Acreate2(at, attribute_name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, names);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
}

static void put_array(hid_t at, const char *name, json_t *array) {
  json_t *data = json_object_get(array, "data"), *shape = json_object_get(array, "shape");
  hsize_t dims[8];
  float values[VALUES_MAX];
  for (size_t i = 0; i < json_array_size(shape) && i < 8; i++)
    dims[i] = (hsize_t)json_integer_value(json_array_get(shape, i));
  for (size_t i = 0; i < json_array_size(data) && i < VALUES_MAX; i++)
    values[i] = (float)json_number_value(json_array_get(data, i));
  hid_t space = H5Screate_simple((int)json_array_size(shape), dims, NULL);
  hid_t set = H5Dcreate2(at, name, H5T_NATIVE_FLOAT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  H5Dclose(set);
  H5Sclose(space);
}

/* {"class_name": "Sequential", "config": [{"class_name": LAYER, "config": {...}}]} */
static json_t *config_of(json_t *vector) {
  json_t *config = json_deep_copy(json_object_get(vector, "config")), *shape = json_pack("[n]");
  json_t *input = json_object_get(json_object_get(vector, "input"), "shape");
  for (size_t i = 0; i < json_array_size(input); i++)
    json_array_append(shape, json_array_get(input, i));
  json_object_set_new(config, "name", json_string("layer"));
  json_object_set_new(config, "batch_input_shape", shape);
  return json_pack("{s:s, s:[{s:O, s:o}]}", "class_name", "Sequential", "config", "class_name",
                   json_object_get(vector, "layer"), "config", config);
}

/* Weights are listed in the order of Keras 2. */
static void write_model(json_t *vector) {
  static const char *const recurrent[] = {"kernel", "recurrent_kernel", "bias"}, *const plain[] = {
                                                                                     "kernel",
                                                                                     "bias"};
  const char *layer = json_string_value(json_object_get(vector, "layer"));
  bool both = strcmp(layer, "Bidirectional") == 0, cell = both || strstr(layer, "RNN") ||
                                                          strcmp(layer, "LSTM") == 0 ||
                                                          strcmp(layer, "GRU") == 0;
  json_t *weights = json_object_get(vector, "weights"), *config = config_of(vector);
  char names[6][64], *text = json_dumps(config, JSON_COMPACT);
  int n = (int)json_array_size(weights), per_side = both ? n / 2 : n;
  hid_t file = H5Fcreate(model_path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t all = H5Gcreate2(file, "model_weights", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  hid_t group = H5Gcreate2(all, "layer", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  put_text(file, "model_config", text);
  put_text(file, "keras_version", "2.0.8");
  for (int i = 0; i < n && i < 6; i++) {
    const char *side = !both          ? ""
                       : i < per_side ? "forward_"
                                      : "backward_",
               *leaf = cell ? recurrent[i % per_side] : plain[i % per_side];
    char part[32];
    snprintf(part, sizeof part, "%slayer", side);
    hid_t inner = H5Lexists(group, part, H5P_DEFAULT) > 0
                      ? H5Gopen2(group, part, H5P_DEFAULT)
                      : H5Gcreate2(group, part, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    snprintf(names[i], sizeof names[i], "%s/%s:0", part, leaf);
    put_array(inner, strchr(names[i], '/') + 1, json_array_get(weights, (size_t)i));
    H5Gclose(inner);
  }
  put_names(group, "weight_names", (const char(*)[64])names, n);
  put_names(all, "layer_names", (const char[][64]){"layer"}, 1);
  H5Gclose(group);
  H5Gclose(all);
  H5Fclose(file);
  free(text);
  json_decref(config);
}

/* Runs the calls; states go from the outputs behind the first to the inputs behind the first. */
static const EvalTensor *run_calls(Conform *c, const Model *model, json_t *data, int calls,
                                   bool compiled) {
  double **in = ARENA_ARRAY(c->arena, double *, model->n_in);
  int64_t *steps = ARENA_ARRAY(c->arena, int64_t, model->n_in);
  in[0] = ARENA_ARRAY(c->arena, double, json_array_size(data));
  steps[0] = model->in[0]->declared.time.n;
  for (size_t i = 0; i < json_array_size(data); i++)
    in[0][i] = json_number_value(json_array_get(data, i));
  for (int i = 1; i < model->n_in; i++) {
    in[i] = ARENA_ARRAY(c->arena, double, type_size(&model->in[i]->declared));
    steps[i] = 1;
  }
  const EvalTensor *out = NULL;
  for (int call = 0; call < calls; call++) {
    EvalTensor *fast = ARENA_ARRAY(c->arena, EvalTensor, model->n_out + 1);
    if (!compiled)
      out = conform_run(c, model, in, steps);
    else
      out = conform_compiled(c, model, in, steps, fast) && fast[0].data ? fast : NULL;
    for (int i = 1; i < model->n_in && out; i++)
      in[i] = out[i].data;
  }
  return out;
}

static void test_vector(Conform *c, json_t *vector) {
  const char *id = json_string_value(json_object_get(vector, "id")),
             *shown = arena_printf(c->arena, "kerasjs_fixtures/%s", id);
  json_t *expected = json_object_get(json_object_get(vector, "expected"), "data");
  write_model(vector);
  Model *model = conform_import(c, model_path);
  double error[2] = {(double)INFINITY, -1};
  for (int compiled = 0; compiled < 2 && model; compiled++) {
    const EvalTensor *out =
        run_calls(c, model, json_object_get(json_object_get(vector, "input"), "data"),
                  (int)json_integer_value(json_object_get(vector, "expected_is_call")), compiled);
    if (compiled && !c->program) continue;
    error[compiled] = out ? 0 : (double)INFINITY;
    for (size_t i = 0; out && i < json_array_size(expected); i++)
      error[compiled] = fmax(error[compiled],
                             fabs(out[0].data[i] - json_number_value(json_array_get(expected, i))));
  }
  conform_row(c, shown, (int64_t)json_array_size(expected), error[0], error[1], 1e-5);
}

static void run(Conform *c, char **argv) {
  json_t *vectors =
      json_load_file(arena_printf(c->arena, "%s/kerasjs_fixtures/fixtures.json", argv[1]), 0, NULL);
  size_t n = json_array_size(vectors);
  for (size_t i = 0; i < n; i++)
    test_vector(c, json_array_get(vectors, i));
  json_decref(vectors);
  remove(model_path);
  printf("%zu vectors\n", n);
  c->failures += n != 42;
}

int main(int argc, char **argv) {
  return conform_main(argc, argv, 2, 1, run);
}
