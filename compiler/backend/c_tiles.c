/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sums of products by tiles as C. In: the kinds of KIR_TILES that a module uses. Out: a function of
 * each, by the instructions of AMX where the compiler is told that the processor has them, else in
 * plain C; both give the same bits.
 *
 * All tiles (amx_tiles.h) are configured alike when a section that holds them begins, and released
 * when it ends. */
#include "backend/amx_tiles.h"
#include "backend/c_internal.h"

typedef struct Kind {
  const char *name, *doc, *sum, *source, *weights; /* types of C */
  const char *product;                             /* the intrinsic */
  int word;                                        /* elements */
} Kind;

static const Kind kinds[C_TILE_KINDS] = {
    {"i8", "bytes, all with a sign", "int32_t", "int8_t", "int8_t", "_tile_dpbssd", KIR_WORD},
    {"u8", "bytes, those of x without a sign", "int32_t", "uint8_t", "int8_t", "_tile_dpbusd",
     KIR_WORD},
    {"bf16", "pairs of bf16", "float", "int32_t", "int32_t", "_tile_dpbf16ps", 1}};

static CTileKind kind_of(const KirStmt *s) {
  return s->source->elem == KIR_I8   ? C_TILES_I8
         : s->source->elem == KIR_U8 ? C_TILES_U8
                                     : C_TILES_BF16;
}

void c_tiles_scan(CUsed *u, const KirStmt *s) {
  u->tiles[kind_of(s)] = true;
}

bool c_tiles_used(const CUsed *u) {
  return u->tiles[C_TILES_I8] || u->tiles[C_TILES_U8] || u->tiles[C_TILES_BF16];
}

/* ---- by instructions ---- */

/* Rows r and columns t of tiles: sums r * 2 + t, which the function has only for some. */
static const char *condition(int r, int t) {
  return r && t ? "if (rows > 1 && columns > 1) "
         : r    ? "if (rows > 1) "
         : t    ? "if (columns > 1) "
                : "";
}

static void each_sum(CWriter *c, const char *what) {
  for (int i = 0; i < KIR_MOST_TILES * KIR_MOST_TILES; i++) {
    int r = i / KIR_MOST_TILES, t = i % KIR_MOST_TILES;
    text_printf(c->out, "  %s%s(%d, sums", condition(r, t), what, i);
    if (r) text_printf(c->out, " + %d * sum_row", KIR_TILE);
    if (t) text_add(c->out, " + sum_column");
    text_printf(c->out, ", %d * sum_row);\n", KIR_WORD);
  }
}

static void by_instructions(CWriter *c, const Kind *kind) {
  int row = KIR_TILE * kind->word; /* elements of a row of a tile */
  const char *stride = kind->word > 1 ? "x_row" : "4 * x_row";
  text_add(c->out,
           "  __asm__ volatile(\"\" ::: \"memory\"); /* what the tiles read is stored */\n");
  each_sum(c, "_tile_loadd");
  text_printf(c->out, "  for (int k = 0; k < words; k += %d, x += %d, w += %d) {\n", KIR_TILE, row,
              row * KIR_TILE);
  text_printf(c->out, "    _tile_loadd(6, w, 64);\n    _tile_loadd(4, x, %s);\n    %s(0, 4, 6);\n",
              stride, kind->product);
  text_printf(
      c->out,
      "    if (columns > 1) {\n      _tile_loadd(7, w + w_column, 64);\n      %s(1, 4, 7);\n"
      "    }\n    if (rows > 1) {\n      _tile_loadd(5, x + %d * x_row, %s);\n"
      "      %s(2, 5, 6);\n    }\n    %s%s(3, 5, 7);\n  }\n",
      kind->product, KIR_TILE, stride, kind->product, condition(1, 1), kind->product);
  each_sum(c, "_tile_stored");
}

/* ---- in plain C ---- */

static void plain_bytes(CWriter *c) {
  text_printf(c->out,
              "      for (int k = 0; k < words; k++) {\n"
              "        for (int i = 0; i < %d; i++) {\n"
              "          const int8_t *b = w + t * w_column + %d * k + 4 * i;\n"
              "          const int32_t products = a[4 * k] * b[0] + a[4 * k + 1] * b[1] +\n"
              "                                   a[4 * k + 2] * b[2] + a[4 * k + 3] * b[3];\n"
              "          sum[i] = (int32_t)((uint32_t)sum[i] + (uint32_t)products);\n"
              "        }\n      }\n",
              KIR_TILE, KIR_TILE * KIR_WORD);
}

static void plain_pairs(CWriter *c) {
  const char *p = c->prefix;
  text_printf(
      c->out,
      "      for (int k = 0; k < words; k += %d) {\n"
      "        for (int i = 0; i < %d; i++) {\n"
      "          float lower = 0.0f, upper = 0.0f;\n"
      "          for (int j = k; j < k + %d; j++) {\n"
      "            const int32_t b = w[t * w_column + %d * j + i];\n"
      "            lower = %s_half_product((uint32_t)a[j] << 16, (uint32_t)b << 16, lower);\n"
      "            upper = %s_half_product((uint32_t)a[j], (uint32_t)b, upper);\n"
      "          }\n"
      "          sum[i] = %s_normal_f32(%s_normal_f32(sum[i]) + %s_normal_f32(lower + "
      "upper));\n        }\n      }\n",
      KIR_TILE, KIR_TILE, KIR_TILE, KIR_TILE, p, p, p, p, p);
}

static void half_product(CWriter *c) {
  const char *p = c->prefix;
  text_printf(
      c->out,
      "\n/* sum + the product of the upper halves */\n"
      "static inline %sfloat %s_half_product(uint32_t a, uint32_t b, float sum) {\n"
      "  union {\n    uint32_t i;\n    float f;\n  } x, y;\n"
      "  x.i = a & 0xffff0000u;\n  y.i = b & 0xffff0000u;\n"
      "  return %s_normal_f32(%s_fma_f32(%s_normal_f32(x.f), %s_normal_f32(y.f), sum));\n}\n",
      c->used->iso ? "" : "__attribute__((unused)) ", p, p, p, p, p);
}

/* ---- functions ---- */

static void function(CWriter *c, CTileKind which) {
  const Kind *kind = &kinds[which];
  text_printf(c->out,
              "\n/* sums += x w by tiles of %d rows, columns and words: %s */\n"
              "static inline void %s_tiles_%s(%s *sums, int sum_row, int sum_column, const %s *x,\n"
              "    int x_row, const %s *w, int w_column, int rows, int columns, int words) {\n",
              KIR_TILE, kind->doc, c->prefix, kind->name, kind->sum, kind->source, kind->weights);
  if (!c->used->iso) {
    text_printf(c->out, "#if %s_TILES\n", c->upper);
    by_instructions(c, kind);
    text_add(c->out, "#else\n");
  }
  text_printf(c->out,
              "  for (int r = 0; r < %d * rows; r++) {\n"
              "    const %s *a = x + r * x_row;\n"
              "    for (int t = 0; t < columns; t++) {\n"
              "      %s *sum = sums + r * sum_row + t * sum_column;\n",
              KIR_TILE, kind->source, kind->sum);
  if (kind->word > 1)
    plain_bytes(c);
  else
    plain_pairs(c);
  text_add(c->out, c->used->iso ? "    }\n  }\n}\n" : "    }\n  }\n#endif\n}\n");
}

static void configuration(CWriter *c) {
  enum { LINE = 32 };
  uint8_t shape[AMX_SHAPE_BYTES];
  amx_shape(shape);
  text_printf(c->out,
              "\n/* all eight tiles of AMX: 16 rows of 64 bytes each */\n"
              "#if defined(__AMX_TILE__) && defined(__AMX_INT8__) && defined(__AMX_BF16__)\n"
              "#define %s_TILES 1\nstatic const uint8_t %s_tile_shapes[%d] = {%d",
              c->upper, c->prefix, AMX_SHAPE_BYTES, shape[0]);
  for (int i = 1; i < AMX_SHAPE_BYTES; i++)
    text_printf(c->out, ",%s%d", i % LINE ? " " : "\n    ", shape[i]);
  text_printf(c->out, "};\n#else\n#define %s_TILES 0\n#endif\n", c->upper);
}

void c_tiles_prelude(CWriter *c, const CUsed *u) {
  if (!c_tiles_used(u)) return;
  if (!u->iso) configuration(c);
  if (u->tiles[C_TILES_BF16]) half_product(c);
  for (int i = 0; i < C_TILE_KINDS; i++)
    if (u->tiles[i]) function(c, (CTileKind)i);
}

void c_tiles_hold(CWriter *c, bool begins) {
  if (c->used->iso) return;
  text_printf(c->out, "\n#if %s_TILES", c->upper);
  c_line(c);
  if (begins)
    text_printf(c->out, "_tile_loadconfig(%s_tile_shapes);", c->prefix);
  else
    text_add(c->out, "_tile_release();");
  text_add(c->out, "\n#endif");
}

/* "kws_tiles_i8(&sums[..], 512, 16, &x[..], 64, &U[..], 2048, 2, 2, 32);" */
void c_tiles(CWriter *c, const KirStmt *s) {
  const KirTiles *t = &s->tiles;
  c_line(c);
  text_printf(c->out, "%s_tiles_%s(&", c->prefix, kinds[kind_of(s)].name);
  c_access(c, s->buffer, &s->at);
  text_printf(c->out, ", %lld, %lld, &", (long long)t->sum_row, (long long)t->sum_column);
  c_access(c, s->source, &s->from);
  text_printf(c->out, ", %lld, &", (long long)t->source_row);
  c_access(c, s->weights, &s->weights_at);
  text_printf(c->out, ", %lld, %d, %d, %lld);", (long long)t->weights_column, t->rows, t->columns,
              (long long)s->count);
}
