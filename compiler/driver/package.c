/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The files of a package; see package.h. One list of files, each with the function that writes
 * it. */
#include "driver/package.h"

#include "base/safe.h"
#include "driver/package_zip.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKAGE_VERSION "1.0.0"

typedef struct Printed {
  const KirModule *m;
  const COptions *c;
  const char *name;     /* "kws" */
  const char *shown;    /* "Kws" */
  const char *sentence; /* one line that says what it is */
  const Package *package;
} Printed;

/* The first line of the model's description, without characters that have a meaning in the formats.
 */
static const char *sentence_of(const KirModule *m, Arena *arena) {
  Text line = text_new(arena);
  const char *doc = m->doc ? m->doc : "";
  doc = safe_line(arena, arena_strndup(arena, doc, strcspn(doc, "\n")));
  for (; *doc; doc++)
    text_add_char(&line, strchr("\"\\<>&#", *doc) ? ' ' : *doc);
  if (!line.len) text_printf(&line, "The model %s, compiled to C.", m->name);
  return text_str(&line);
}

static void add_header(const Printed *p, Text *out) {
  text_add_n(out, text_str(p->package->header), p->package->header->len);
}
static void add_source(const Printed *p, Text *out) {
  text_add_n(out, text_str(p->package->source), p->package->source->len);
}
static void add_class(const Printed *p, Text *out) {
  backend_c_class(p->m, p->c, out);
}
static void add_rust(const Printed *p, Text *out) {
  backend_rust(p->m, p->c, out);
}

static void add_go(const Printed *p, Text *out) {
  backend_go(p->m, p->c, out);
}
static void add_go_module(const Printed *p, Text *out) {
  text_printf(out, "module %s\n\ngo 1.18\n", p->name);
}
static void add_python(const Printed *p, Text *out) {
  backend_python(p->m, p->c, out);
}

static void add_arduino(const Printed *p, Text *out) {
  text_printf(out,
              "name=%s\nversion=" PACKAGE_VERSION "\nauthor=grus\nmaintainer=grus\nsentence=%s\n"
              "paragraph=Written by %s for %s; needs no other library and no heap.\ncategory=Data "
              "Processing\nurl=\n"
              "architectures=*\nincludes=%s.hpp\n",
              p->shown, p->sentence, p->c->compiler, p->c->machine.name, p->name);
}

static void add_platformio(const Printed *p, Text *out) {
  text_printf(out,
              "{\n  \"name\": \"%s\",\n  \"version\": \"" PACKAGE_VERSION
              "\",\n  \"description\": \"%s\",\n  \"frameworks\": \"*\",\n  \"platforms\": \"*\",\n"
              "  \"headers\": [\"%s.hpp\", \"%s.h\"],\n  \"build\": {\"srcDir\": \"src\", "
              "\"includeDir\": \"src\", \"flags\": [\"-ffp-contract=off\"]},\n"
              "  \"examples\": [{\"name\": \"Basic\", \"base\": \"examples/Basic\", \"files\": "
              "[\"Basic.ino\"]}]\n}\n",
              p->name, p->sentence, p->name, p->name);
}

static void add_idf(const Printed *p, Text *out) {
  text_printf(out, "version: \"" PACKAGE_VERSION "\"\ndescription: \"%s\"\n", p->sentence);
}

static void add_cmake(const Printed *p, Text *out) {
  const char *n = p->name;
  text_printf(out,
              "# A component of ESP-IDF, or a project and a subdirectory of plain CMake.\n"
              "if(ESP_PLATFORM)\n  idf_component_register(SRCS src/%s.c INCLUDE_DIRS src)\n"
              "  target_compile_options(${COMPONENT_LIB} PRIVATE -O2 -ffp-contract=off)\n  "
              "return()\nendif()\n\n"
              "cmake_minimum_required(VERSION 3.16)\nproject(%s VERSION " PACKAGE_VERSION
              " LANGUAGES C)\n"
              "add_library(%s STATIC src/%s.c)\nadd_library(%s::%s ALIAS %s)\n"
              "target_include_directories(%s PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/src)\n"
              "if(CMAKE_C_COMPILER_ID MATCHES \"GNU|Clang\")\n  target_compile_options(%s PRIVATE "
              "%s)\nendif()\n\n"
              "if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR)\n  add_executable(%s_example "
              "examples/c/main.c)\n"
              "  target_link_libraries(%s_example PRIVATE %s)\nendif()\n",
              n, n, n, n, n, n, n, n, n, c_flags(out->arena, &p->c->machine), n, n, n);
}

static void add_zephyr(const Printed *p, Text *out) {
  text_printf(out, "name: %s\nbuild:\n  cmake: zephyr\n  kconfig: zephyr/Kconfig\n", p->name);
}

static void add_zephyr_cmake(const Printed *p, Text *out) {
  text_printf(out,
              "if(CONFIG_MODEL_%s)\n  zephyr_library()\n  zephyr_library_sources(../src/%s.c)\n"
              "  zephyr_library_compile_options(-O2 -ffp-contract=off)\n  "
              "zephyr_include_directories(../src)\nendif()\n",
              text_upper(out->arena, p->name), p->name);
}

static void add_zephyr_kconfig(const Printed *p, Text *out) {
  text_printf(out, "config MODEL_%s\n\tbool \"The model %s\"\n\tdefault y\n\thelp\n\t  %s\n",
              text_upper(out->arena, p->name), p->name, p->sentence);
}

static void add_pack(const Printed *p, Text *out) {
  const char *n = p->name;
  text_printf(
      out,
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<package schemaVersion=\"1.7.7\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema-instance\" "
      "xs:noNamespaceSchemaLocation=\"PACK.xsd\">\n"
      "  <vendor>grus</vendor>\n  <name>%s</name>\n  <description>%s</description>\n  <url></url>\n"
      "  <releases>\n    <release version=\"" PACKAGE_VERSION
      "\">Written by %s.</release>\n  </releases>\n"
      "  <components>\n    <component Cclass=\"Machine Learning\" Cgroup=\"Model\" Csub=\"%s\" "
      "Cversion=\"" PACKAGE_VERSION "\">\n"
      "      <description>%s</description>\n      <files>\n"
      "        <file category=\"include\" name=\"src/\"/>\n        <file category=\"header\" "
      "name=\"src/%s.h\"/>\n"
      "        <file category=\"source\" name=\"src/%s.c\"/>\n      </files>\n    </component>\n  "
      "</components>\n</package>\n",
      n, p->sentence, p->c->compiler, n, p->sentence, n, n);
}

static const KirFunc *main_entry(const KirModule *m) {
  KirFuncKind kind = m->run_kind == KIR_STREAM   ? KIR_STEP
                     : m->run_kind == KIR_WINDOW ? KIR_PUSH
                                                 : KIR_RUN;
  for (int i = 0; i < m->n_funcs; i++)
    if (m->func[i]->kind == kind) return m->func[i];
  return NULL;
}

static const KirFunc *reset_entry(const KirModule *m) {
  for (int i = 0; i < m->n_funcs; i++)
    if (m->func[i]->kind == KIR_RESET) return m->func[i];
  return NULL;
}

static const char *c_elem_name(KirElem elem) {
  switch (elem) {
  case KIR_I8: return "int8_t";
  case KIR_I16: return "int16_t";
  case KIR_I32: return "int32_t";
  case KIR_U8: return "uint8_t";
  case KIR_F16:
  case KIR_BF16:
  case KIR_U16: return "uint16_t";
  case KIR_SIZE: return "size_t";
  case KIR_F32:
  case KIR_INDEX:
  case KIR_BOOL: break;
  }
  return "float";
}

/* Declares memory for the parameters; inputs are zeros, in place of the values of a sensor. */
static void example_arrays(const KirFunc *f, Text *out) {
  for (int i = 0; f && i < f->n_buffers; i++)
    if (!kir_is_length(f->buffers[i]))
      text_printf(out, "static %s %s_[%lld];\n", c_elem_name(f->buffers[i]->elem),
                  f->buffers[i]->name, (long long)f->buffers[i]->count);
}

/* With flat parameters (the class) or those of the C. */
static void example_arguments(const Printed *p, const KirFunc *f, bool flat, const char *comma,
                              Text *out) {
  int length = 0;
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    text_add(out, comma);
    comma = ", ";
    if (kir_is_length(b))
      text_printf(out, "%lld", (long long)p->m->length[length++].bound);
    else if (b->rank == 0)
      text_printf(out, "%s_[0]", b->name);
    else if (flat || b->rank < 2 || p->c->flat_arrays)
      text_printf(out, "%s_", b->name);
    else {
      text_printf(out, "(%s%s(*)", b->space == KIR_IN ? "const " : "", c_elem_name(b->elem));
      for (int k = 1; k < b->rank; k++)
        text_printf(out, "[%lld]", (long long)b->dim[k]);
      text_printf(out, ")%s_", b->name);
    }
  }
}

static const KirBuffer *first_output(const KirFunc *f) {
  for (int i = 0; i < f->n_buffers; i++)
    if (f->buffers[i]->space == KIR_OUT) return f->buffers[i];
  return NULL;
}

static void add_sketch(const Printed *p, Text *out) {
  const KirFunc *f = main_entry(p->m), *reset = reset_entry(p->m);
  const KirBuffer *result = first_output(f);
  text_printf(out,
              "// Put what your sensor measures where the comment is.\n#include <%s.hpp>\n\nstatic "
              "%s model;\n",
              p->name, p->shown);
  example_arrays(reset, out);
  example_arrays(f, out);
  text_add(out, "\nvoid setup() {\n  Serial.begin(115200);\n");
  if (reset) {
    text_add(out, "  model.reset(");
    example_arguments(p, reset, true, "", out);
    text_add(out, ");\n");
  }
  text_printf(out, "}\n\nvoid loop() {\n  // the inputs come here\n  %smodel.%s(",
              f->returns_status ? "int status = " : "", f->name);
  example_arguments(p, f, true, "", out);
  text_add(out, ");\n");
  if (f->returns_status) text_add(out, "  if (status != GRUS_OK) return;\n");
  if (result)
    text_printf(out, "  for (int i = 0; i < %lld; i++) Serial.println(%s_[i]);\n",
                (long long)result->count, result->name);
  text_add(out, "}\n");
}

static void add_main(const Printed *p, Text *out) {
  const KirFunc *f = main_entry(p->m), *reset = reset_entry(p->m);
  const KirBuffer *result = first_output(f);
  bool window = p->m->run_kind == KIR_WINDOW, keeps = p->m->run_kind != KIR_WHOLE;
  text_printf(out,
              "/* Runs the model on zeros: put what your sensor measures into the inputs. "
              "*/\n#include \"%s.h\"\n\n#include <stdio.h>\n\n",
              p->name);
  if (keeps) text_printf(out, "static %s_%s state_;\n", p->name, c_object_name(p->m));
  example_arrays(reset, out);
  example_arrays(f, out);
  text_add(out, "\nint main(void) {\n");
  if (reset) {
    text_printf(out, "  %s_reset(&state_", p->name);
    example_arguments(p, reset, false, ", ", out);
    text_add(out, ");\n");
  }
  long long calls = 1;
  for (int i = 0; window && i < p->m->n_ports; i++)
    if (p->m->port[i].every &&
        p->m->port[i].run_buffer->count / p->m->port[i].buffer->count > calls)
      calls = (long long)(p->m->port[i].run_buffer->count / p->m->port[i].buffer->count);
  if (p->m->first_output) calls = (long long)p->m->first_output + 1;
  text_printf(out, "  for (int call = 0; call < %lld; call++) {\n    ", calls);
  if (f->returns_status) text_add(out, "const int status = ");
  text_printf(out, "%s_%s(%s", p->name, f->name, keeps ? "&state_" : "");
  example_arguments(p, f, false, keeps ? ", " : "", out);
  text_add(out, ");\n");
  if (f->returns_status) text_add(out, "    if (status != GRUS_OK) {\n      continue;\n    }\n");
  if (result)
    text_printf(
        out,
        "    for (int i = 0; i < %lld; i++) {\n      printf(\"%%g\\n\", (double)%s_[i]);\n    }\n",
        (long long)result->count, result->name);
  text_add(out, "  }\n  return 0;\n}\n");
}

static void add_readme(const Printed *p, Text *out) {
  const char *n = p->name;
  text_printf(
      out,
      "# %s\n\n%s\n\nWritten by %s for %s. Compile `src/%s.c` with `%s`.\n\n"
      "| build system | how |\n|---|---|\n"
      "| Arduino | copy the folder to `libraries`, or Sketch, Include Library, Add .ZIP Library; "
      "the example is `Basic` |\n"
      "| PlatformIO | copy the folder to `lib` of the project |\n"
      "| ESP-IDF | copy the folder to `components` of the project; `REQUIRES` its name |\n"
      "| Zephyr | add the folder to `ZEPHYR_EXTRA_MODULES`; `CONFIG_MODEL_%s=y` is the default |\n"
      "| CMake | `add_subdirectory(%s)`, link `%s::%s`; by itself it builds the example |\n"
      "| CMSIS-Pack | `grus.%s.pdsc` |\n"
      "| STM32CubeIDE, others | add `src` to the sources and to the include paths |\n\n"
      "C programs include `%s.h`, C++ programs `%s.hpp` (class `%s`).%s\n",
      p->shown, p->sentence, p->c->compiler, p->c->machine.name, n,
      c_flags(out->arena, &p->c->machine), text_upper(out->arena, n), n, n, n, n, n, n, p->shown,
      p->package->is_multi ? "" : " `bindings` has the same for Rust, Go and Python.");
}

/* PATH with %s for the name. */
static const struct {
  const char *path;
  void (*add)(const Printed *, Text *);
} contents[] = {
    {"README.md", add_readme},
    {"CMakeLists.txt", add_cmake},
    {"library.properties", add_arduino},
    {"library.json", add_platformio},
    {"idf_component.yml", add_idf},
    {"grus.%s.pdsc", add_pack},
    {"zephyr/module.yml", add_zephyr},
    {"zephyr/CMakeLists.txt", add_zephyr_cmake},
    {"zephyr/Kconfig", add_zephyr_kconfig},
    {"src/%s.h", add_header},
    {"src/%s.c", add_source},
    {"src/%s.hpp", add_class},
    {"examples/Basic/Basic.ino", add_sketch},
    {"examples/c/main.c", add_main},
    {"bindings/rust/%s.rs", add_rust},
    {"bindings/go/go.mod", add_go_module},
    {"bindings/go/%s.go", add_go},
    {"bindings/python/%s.py", add_python},
};
enum { N_CONTENTS = sizeof contents / sizeof *contents };

static const char *path_of(int i, const char *name, Arena *arena) {
  const char *mark = strstr(contents[i].path, "%s");
  if (!mark) return contents[i].path;
  return arena_printf(arena, "%.*s%s%s", (int)(mark - contents[i].path), contents[i].path, name,
                      mark + 2);
}

_Static_assert((int)N_CONTENTS <= (int)PACKAGE_MAX_FILES, "room for every file");

int package_files(Session *s, const Package *package, const char *dir, FileOut *out) {
  const KirModule *m = package->m;
  Printed p = {m,
               package->c,
               package->c->prefix,
               c_class_name(s->arena, package->c->prefix),
               sentence_of(m, s->arena),
               package};
  bool zip = s->options->zip;
  int n = 0;
  for (int i = 0; i < N_CONTENTS; i++) {
    if (package->is_multi && strncmp(contents[i].path, "bindings/", strlen("bindings/")) == 0)
      continue; /* the state struct is that of one body */
    Text *text = ARENA_NEW(s->arena, Text);
    *text = text_new(s->arena);
    contents[i].add(&p, text);
    const char *path = path_of(i, p.name, s->arena);
    /* An archive has one folder, of the model's name. */
    out[n++] = (FileOut){.path = zip ? arena_printf(s->arena, "%s/%s", p.name, path)
                                     : file_join(s->arena, dir, path),
                         .data = text_str(text),
                         .len = text->len};
  }
  if (!zip) return n;
  Text *archive = ARENA_NEW(s->arena, Text);
  *archive = text_new(s->arena);
  package_zip(out, n, archive);
  out[0] = (FileOut){.path = arena_printf(s->arena, "%s.zip", dir),
                     .data = text_str(archive),
                     .len = archive->len};
  return 1;
}

static const char *const folders[] = {
    "",           "zephyr",   "src",           "examples",    "examples/Basic",
    "examples/c", "bindings", "bindings/rust", "bindings/go", "bindings/python"};
enum { N_FOLDERS = sizeof folders / sizeof *folders };

static const char *folder_path(Session *s, const char *dir, int i) {
  return *folders[i] ? file_join(s->arena, dir, folders[i]) : dir;
}

bool package_folders(Session *s, const char *dir) {
  for (int i = 0; i < N_FOLDERS; i++) {
    const char *path = folder_path(s, dir, i);
    struct stat info;
    if (mkdir(path, 0777) == 0 ||
        (errno == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode)))
      continue;
    session_file_error(s, path, "make",
                       errno == EEXIST ? "it exists, but is not a folder" : strerror(errno));
    package_folders_undo(s, dir);
    return false;
  }
  return true;
}

void package_folders_undo(Session *s, const char *dir) {
  for (int i = N_FOLDERS - 1; i >= 0; i--)
    if (rmdir(folder_path(s, dir, i)) != 0) errno = 0; /* a folder that is not empty stays */
}
