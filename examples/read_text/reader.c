/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* reader: prints the line of text in each picture.
 *
 *   grus build read_text.grus --target native --scratch=static -o net.c
 *   cc -O2 -march=native -ffp-contract=off -o reader reader.c net.c -lpng
 *   ./reader pictures/00.png pictures/04.pgm
 *
 * In: .png of any kind (libpng makes grey of it) and .pgm of 8 bits (P5), dark text on light, one
 * line that fills most of the height. Out: one line of text a picture. The picture is scaled to the
 * 24 rows of the model; of its columns, 256 have room. Status 1 if a picture cannot be read. */
#include "alphabet.h"
#include "net.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 24, COLUMNS = 256, STEPS = 128, MOST_PIXELS = 1 << 26 };

typedef struct Picture {
  size_t rows, columns;
  uint8_t *grey; /* [rows, columns], malloc'd */
} Picture;

/* Why the picture cannot be read, or NULL. A transparent picture lies on white paper. */
static const char *png_load(const char *path, Picture *p) {
  static png_image image;
  png_color white = {255, 255, 255};
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&image, path)) return image.message;
  if ((uint64_t)image.width * image.height > MOST_PIXELS) {
    png_image_free(&image);
    return "has too many pixels";
  }
  image.format = PNG_FORMAT_GRAY;
  p->rows = image.height;
  p->columns = image.width;
  p->grey = (uint8_t *)malloc(PNG_IMAGE_SIZE(image));
  if (!p->grey) {
    png_image_free(&image);
    return "is too large for the memory";
  }
  if (!png_image_finish_read(&image, &white, p->grey, 0, NULL)) return image.message;
  return NULL;
}

/* A number of the header; between them are blanks and comments. -1: there is none. */
static long pgm_number(FILE *file) {
  int c = getc(file);
  while (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '#') {
    if (c == '#')
      while (c != '\n' && c != EOF)
        c = getc(file);
    c = getc(file);
  }
  ungetc(c, file);
  long value = -1;
  return c >= '0' && c <= '9' && fscanf(file, "%8ld", &value) == 1 ? value : -1;
}

static const char *pgm_load(FILE *file, Picture *p) {
  long columns = pgm_number(file), rows = pgm_number(file), most = pgm_number(file);
  getc(file); /* one blank ends the header */
  if (rows <= 0 || columns <= 0 || most <= 0 || most > 255) return "is not a .pgm of 8 bits";
  if ((uint64_t)rows * (uint64_t)columns > MOST_PIXELS) return "has too many pixels";
  p->rows = (size_t)rows;
  p->columns = (size_t)columns;
  p->grey = (uint8_t *)malloc(p->rows * p->columns);
  if (!p->grey) return "is too large for the memory";
  if (fread(p->grey, p->columns, p->rows, file) != p->rows) return "ends too early";
  for (size_t i = 0; i < p->rows * p->columns; i++)
    p->grey[i] = (uint8_t)(p->grey[i] >= most ? 255 : p->grey[i] * 255 / most);
  return NULL;
}

static const char *picture_load(const char *path, Picture *p) {
  char magic[2] = {0};
  const char *why = NULL;
  FILE *file = fopen(path, "rb");
  p->grey = NULL;
  if (!file) return "cannot be opened";
  if (fread(magic, 1, 2, file) == 2 && !memcmp(magic, "P5", 2))
    why = pgm_load(file, p);
  else
    why = png_load(path, p);
  fclose(file);
  return why;
}

/* How much of small pixel `at` the large pixel `i` covers, when `large` lie under `small`. */
static double share(size_t at, size_t small, size_t i, size_t large) {
  double from = (double)i * (double)small / (double)large;
  double to = (double)(i + 1) * (double)small / (double)large;
  if (from < (double)at) from = (double)at;
  if (to > (double)(at + 1)) to = (double)(at + 1);
  return to > from ? to - from : 0;
}

static double mean_under(const Picture *p, size_t row, size_t column, size_t wide) {
  double sum = 0;
  for (size_t r = row * p->rows / ROWS; r < p->rows && r * ROWS < (row + 1) * p->rows; r++)
    for (size_t c = column * p->columns / wide;
         c < p->columns && c * wide < (column + 1) * p->columns; c++)
      sum += share(row, ROWS, r, p->rows) * share(column, wide, c, p->columns) *
             p->grey[r * p->columns + c];
  return sum;
}

/* The picture in the rows of the model, white behind its end; false if the line is too long. */
static int picture_shrink(const Picture *p, uint8_t image[ROWS][COLUMNS][1]) {
  size_t wide = (size_t)((double)p->columns * ROWS / (double)p->rows + 0.5);
  if (wide > COLUMNS) return 0;
  if (wide == 0) wide = 1;
  memset(image, 255, ROWS * COLUMNS);
  for (size_t row = 0; row < ROWS; row++)
    for (size_t column = 0; column < wide; column++)
      image[row][column][0] = (uint8_t)(mean_under(p, row, column, wide) + 0.5);
  return 1;
}

/* The greedy reading: runs of one symbol are one sign, 0 separates and is none. */
static void symbols_print(const uint8_t symbol[STEPS]) {
  for (int i = 0; i < STEPS; i++)
    if (symbol[i] && (i == 0 || symbol[i] != symbol[i - 1])) putchar(ALPHABET[symbol[i] - 1]);
  putchar('\n');
}

int main(int argc, char **argv) {
  static uint8_t image[ROWS][COLUMNS][1], symbol[STEPS];
  int status = argc < 2 ? 2 : 0;
  if (argc < 2) fprintf(stderr, "use: %s picture.png ...\n", argv[0]);
  for (int i = 1; i < argc; i++) {
    Picture p;
    const char *why = picture_load(argv[i], &p);
    if (!why && !picture_shrink(&p, image))
      why = "is too long for its height: of 24 rows it would have more than 256 columns";
    if (why) {
      fprintf(stderr, "%s: %s\n", argv[i], why);
      status = 1;
    } else {
      read_text_run((const uint8_t(*)[COLUMNS][1])image, symbol);
      symbols_print(symbol);
    }
    free(p.grey);
  }
  return status;
}
