/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators of PyTorch that are not read: what people meet of them, why a model of grus cannot have
 * them, and the nearest thing that it can. */
#include "import/read/torch/reader.h"

#include "base/text.h"

typedef struct UnknownRow {
  const char *names; /* a list of words */
  const char *fact;  /* "": there is nothing to say */
  const char *help;
} UnknownRow;

static const UnknownRow rows[] = {
    {"sort argsort msort median nanmedian kthvalue mode quantile nanquantile searchsorted "
     "bucketize",
     "the order of values in the data is not computed",
     "`amax`, `amin`, `max` and `argmax` along an axis are read"},
    {"nonzero nonzero_numpy masked_select unique_consecutive _unique2 unique_dim argwhere take "
     "bincount histc",
     "how many elements it gives depends on the data, and sizes have to be constants",
     "multiply by a mask, or use `torch.where` with numbers"},
    {"cumprod cummax cummin logcumsumexp", "",
     "of what goes on from step to step, `cumsum` and recurrent layers are read"},
    {"fft_fft fft_ifft fft_rfft fft_irfft fft_rfft2 fft_fftn fft_rfftn _fft_r2c _fft_c2r _fft_c2c "
     "stft istft view_as_real view_as_complex complex polar real imag angle",
     "complex numbers are not supported", "export the part of the module after them"},
    {"rand randn randint randperm rand_like randn_like randint_like normal normal_functional "
     "bernoulli multinomial poisson",
     "a model gives the same for the same input", "pass random numbers as an input"},
    {"cdist _cdist_forward pairwise_distance _euclidean_dist",
     "distances of all pairs have no operator",
     "the distance of one pair is `torch.linalg.vector_norm(a - b, dim=-1)`"},
    {"upsample_linear1d upsample_bilinear2d upsample_bicubic2d upsample_trilinear3d grid_sampler "
     "grid_sampler_2d grid_sampler_3d",
     "elements between elements are not computed", "`mode=\"nearest\"` by a whole factor is read"},
    {"scatter scatter_add scatter_reduce index_add index_copy index_fill masked_scatter "
     "_unsafe_index_put",
     "elements are not written to places that are computed",
     "`torch.cat` and slices put constants and values together"},
    {"conv3d conv_transpose3d max_pool3d avg_pool3d adaptive_avg_pool3d adaptive_max_pool3d",
     "windows have one axis or two", "`conv1d`, `conv2d` and their pools are read"},
    {"_pack_padded_sequence _pad_packed_sequence", "",
     "export it as ONNX (`torch.onnx.export(..., dynamo=False)`, with `enforce_sorted=True`), "
     "where "
     "`--time \"n <= N\"` reads the lengths"},
    {"embedding_bag _embedding_bag _embedding_bag_forward_only", "",
     "use `Embedding`, and `sum` or `mean` over its steps"},
    {"quantize_per_tensor quantize_per_channel dequantize fake_quantize_per_tensor_affine "
     "fake_quantize_per_channel_affine",
     "",
     "export the module before it was quantised: grus quantises a model of real numbers itself, "
     "with "
     "`grus calibrate`"},
};

/* A template has a line for each weight. */
static const char *way_out(const TorchReader *r, const char *name) {
  if (json_object_size(r->weights)) return foreign_way_out(r->file, &(ForeignNode){.name = name});
  return arena_printf(r->arena,
                      "export a module that ends before `%s`, and compute the rest in your program",
                      name);
}

const char *torch_cut(const TorchCall *c) {
  return way_out(c->reader, c->emit->name);
}

/* name: of the node, or the place that it has in the code. */
static bool report(TorchReader *r, const char *op, const char *name, const char *place,
                   const char *named) {
  Diag *d =
      foreign_report(r->diags, r->file, E902, "%s: operator `%s` is not supported", place, named);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (!op || words_index(rows[i].names, op) < 0) continue;
    if (*rows[i].fact) diag_note(d, "%s", rows[i].fact);
    diag_fix(d, FIX_MAYBE, "%s", rows[i].help);
    return false;
  }
  diag_fix(d, FIX_MAYBE, "%s", way_out(r, name));
  return false;
}

bool torch_unknown(TorchCall *c) {
  TorchReader *r = c->reader;
  return report(r, c->op, c->emit->name, arena_printf(r->arena, "node `%s`", c->emit->name),
                c->named);
}

bool torch_unknown_op(TorchReader *r, const char *op, const char *place) {
  return report(r, op, place, place, op);
}
