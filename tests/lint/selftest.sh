#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Shows that a lint can fail: runs it on an empty tree, where it must pass, and on small trees with
# one fault each, where it must fail and name the file at fault.
#
#   selftest.sh LINT WORK-DIR
set -eu
lint_dir=$(cd "$(dirname "$0")" && pwd)
lint=$lint_dir/$1.sh
work=$2/$1
spdx='SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception'
failures=0
cases=0

# put FILE LINE...: writes a file of the tree.
put() {
  file=$1
  shift
  mkdir -p "$(dirname "$work/$file")"
  printf '%s\n' "$@" >"$work/$file"
}

# fresh: an empty tree, kept apart from the repository around it.
fresh() {
  rm -rf "$work"
  mkdir -p "$work"
}

# passes WHAT: the lint accepts the tree.
passes() {
  cases=$((cases + 1))
  if ! out=$("$lint" "$work" ${ways-} 2>&1); then
    printf '%s: refused: %s\n%s\n' "$(basename "$lint")" "$1" "$out"
    failures=$((failures + 1))
  fi
}

# catches WHAT FILE: the lint refuses the tree and names FILE.
catches() {
  cases=$((cases + 1))
  if out=$("$lint" "$work" ${ways-} 2>&1); then
    printf '%s: not noticed: %s\n' "$(basename "$lint")" "$1"
    failures=$((failures + 1))
  elif ! printf '%s\n' "$out" | grep -qF "$2"; then
    printf '%s: noticed %s, but did not name %s:\n%s\n' "$(basename "$lint")" "$1" "$2" "$out"
    failures=$((failures + 1))
  fi
  fresh
}

if [ "$1" = format ] && ! command -v clang-format-19 >/dev/null; then
  echo "skipped: clang-format-19 is not installed"
  exit 77
fi

fresh
passes 'an empty tree'

case $1 in
rooms)
  put compiler/model/a.c '#include "base/arena.h"' '#include "model/a.h"' '#include <stdio.h>' \
    '#include "parser.tab.h"'
  put compiler/model/CMakeLists.txt 'grus_room(model SOURCES a.c ROOMS base)'
  passes 'a room that keeps to its table'
  put compiler/base/a.c '#include "model/graph/model.h"'
  catches 'base includes model' compiler/base/a.c:1
  put compiler/lower/a.h '/* */' '  #  include "backend/c.h"'
  catches 'lower includes backend' compiler/lower/a.h:2
  put compiler/kir/a.c '#include "../model/graph/model.h"'
  catches 'a path upwards' compiler/kir/a.c:1
  put compiler/kir/a.c '#include "kir.h"'
  catches 'an include that names no room' compiler/kir/a.c:1
  put compiler/attic/a.c 'int a;'
  catches 'a room that does not exist' compiler/attic/a.c
  put compiler/backend/CMakeLists.txt 'grus_room(backend SOURCES a.c' '  ROOMS base model)'
  catches 'backend links model' compiler/backend/CMakeLists.txt:2
  put runtime/core/a.h '#include "base/arena.h"'
  catches 'the runtime includes the compiler' runtime/core/a.h:1
  ;;
calls)
  put compiler/driver/main.c '#include <stdlib.h>' 'int main(void) { exit(0); }'
  put compiler/driver/cmd.c 'void f(void) { printf("x"); }'
  put compiler/base/render_human.c 'void f(FILE *out) { fputs("exit(1)", out); }'
  put compiler/kir/a.c '/* abort() */ // printf()' 'int f(void) { return snprintf(s, 3, "exit(1)"); }' \
    'void g(void) { atexit(h); a->exit(1); }'
  put runtime/core/a.h '#include <stdint.h>'
  put runtime/host/a.c '#include <stdio.h>'
  passes 'calls where they belong'
  put compiler/driver/cmd.c 'void f(void) {' '  exit(1);' '}'
  catches 'exit in the driver, outside main.c' compiler/driver/cmd.c:2
  put compiler/model/a.c 'void f(void) { /* why */ abort(); }'
  catches 'abort' compiler/model/a.c:1
  put compiler/front/lexer.l '%%' '.  { fprintf(stderr, "?"); }'
  catches 'a stream in front' compiler/front/lexer.l:2
  put compiler/base/source.c 'FILE *f;'
  catches 'a stream in base' compiler/base/source.c:1
  put runtime/core/a.c '#include <stdlib.h>'
  catches 'the runtime core needs a library' runtime/core/a.c:1
  ;;
headers)
  put compiler/base/a.h '#include <stddef.h>' 'size_t f(void);'
  put compiler/base/b.h '#include "base/a.h"' 'size_t g(void);'
  put runtime/core/a.h '#ifndef A_H' '#define A_H' '#include <stdint.h>' \
    'static inline int32_t f(int32_t x) { return x; }' '#endif'
  passes 'headers that compile alone'
  put compiler/base/a.h 'size_t f(void);'
  catches 'a missing include' compiler/base/a.h
  put compiler/base/a.h 'typedef struct { int x; } A;'
  catches 'a header that cannot be included twice' compiler/base/a.h
  put runtime/core/a.h 'int f(int class);'
  catches 'a runtime header that is not C++' runtime/core/a.h
  put runtime/core/a.h 'struct S { struct { int x; }; };'
  catches 'a runtime header that is not C99' runtime/core/a.h
  ways=few
  put compiler/base/a.h '#ifndef A_H' '#define A_H' 'size_t f(void);' '#endif'
  put compiler/base/a.c '#include <stddef.h>' '#include "base/a.h"'
  catches 'a missing include that a C file has before' compiler/base/a.h
  put compiler/base/a.h 'typedef struct { int x; } A;'
  put compiler/base/a.c '#include "base/a.h"'
  catches 'a header without a guard that a C file begins with' compiler/base/a.h
  ;;
spdx)
  put compiler/base/a.c "/* $spdx */" 'int a;'
  put tests/numeric/x.grus 'grus 1'
  put tests/numeric/x.c 'int generated;'
  put docs/a.md 'text'
  passes 'files with a licence line, generated ones without'
  put compiler/base/a.c 'int a;'
  catches 'a C file without licence line' compiler/base/a.c:1
  put scripts/setup '#!/bin/sh'
  catches 'a script without licence line' scripts/setup:1
  put compiler/base/a.def '/* */' '' '' '' '' "/* $spdx */"
  catches 'a licence line below the heading' compiler/base/a.def:1
  ;;
shell)
  put scripts/setup '#!/bin/sh' 'echo "$1"'
  chmod +x "$work/scripts/setup"
  put scripts/packages.txt 'build (gcc'
  passes 'a script that parses, a list that is no script'
  put scripts/setup '#!/bin/sh' 'if true; then'
  chmod +x "$work/scripts/setup"
  catches 'a script that does not parse' scripts/setup
  put scripts/setup '#!/bin/sh' 'true'
  catches 'a script that cannot be executed' scripts/setup
  put tests/a.sh 'f() { true; }'
  passes 'a file to source'
  chmod +x "$work/tests/a.sh"
  catches 'a script that names no shell' tests/a.sh:1
  put tests/a.sh 'f() {'
  catches 'a file to source that does not parse' tests/a.sh
  ;;
words)
  put docs/a.md 'methods, todolist, ../shared/models, the /working/ class, XXXXXX'
  passes 'innocent words'
  put compiler/a.c '/* TO''DO: more */'
  catches 'a reminder' compiler/a.c:1
  put compiler/a.c 'int FIX''ME;'
  catches 'a reminder as a name' compiler/a.c:1
  put docs/a.md 'see' '/wo''rk/main'
  catches 'a path of one machine' docs/a.md:2
  put scripts/a 'fetch https://py''pi.org/x'
  catches 'a package server' scripts/a:1
  ;;
terms)
  put docs/a.md 'an initial state for every model'
  put compiler/a.c '/* the start state */ puts("final state");'
  passes 'the words of the house'
  put docs/a.md 'it runs for ev''er'
  catches 'an old word in a page' docs/a.md:1
  put docs/a.md 'such a file is refus''ed'
  catches 'a refusal in a page' docs/a.md:1
  put docs/a.md 'it runs without end'
  put compiler/a.c 'puts("a start st''ate");'
  catches 'an old word in a message' compiler/a.c:1
  ;;
format)
  put compiler/base/a.c 'int add(int a, int b) {' '  return a + b;' '}'
  passes 'C as .clang-format says'
  put compiler/base/a.c 'int add( int a,int b )' '{ return a+b; }'
  catches 'C in another layout' compiler/base/a.c
  put compiler/base/a.c '/* The files of the room:' ' * one.c has the first part of it two.c    the second part of it */' 'int a;'
  catches 'a list of files inside of text' compiler/base/a.c
  ;;
switches)
  put compiler/base/a.c 'void f(int c) {' '  switch (c) {' "  case 'a': g(); break;" '  case 7: g(); break;' '  default: h();' '  }' '}'
  put runtime/core/a.c 'void f(Kind k) {' '  switch (k) {' '  case KIND_A: g(); break;' '  case KIND_B: h(); break;' '  }' '}'
  passes 'default beside characters, every enumerator named'
  put compiler/base/a.c 'void f(Kind k) {' '  switch (k) {' '  case KIND_A: g(); break;' '  default: h();' '  }' '}'
  catches 'default beside an enumerator' compiler/base/a.c:4
  put runtime/core/a.c '  switch (k) {' '  KIR_FIXED_CASES:' '    g();' '    break;' '  default: break;' '  }'
  catches 'default beside a list of cases' runtime/core/a.c:5
  put compiler/base/a.c '  switch (k) {' '  case LAYER_add: {' '    switch (c) {' "    case 'b': break;" '    }' '    break;' '  }' '  default: break;' '  }'
  catches 'default after an inner switch' compiler/base/a.c:8
  ;;
helps)
  put compiler/import/read/a.c 'bool f(Call *c) {' '  if (c->n > 2) return call_lacks(c, E902, "use two",' '                                  "has more");' '  if (c->n < 1) return call_refuse(c, E901, "has none");' '  Diag *d =' '      foreign_report(c->diags, c->file, E904, "is not there");' '  diag_fix(d, FIX_MAYBE, "add it");' '  return false;' '}'
  passes 'errors with what works, one about a damaged file'
  put compiler/import/read/a.c 'bool f(Call *c) {' '  if (c->n > 2)' '    return call_refuse(' '        c, E902, "has more");' '  return true;' '}'
  catches 'an operator without what works' compiler/import/read/a.c:3
  put compiler/import/tensors/a.c '  if (!n) {' '    foreign_report(diags, file, E904,' '                   "is not there");' '    return NULL;' '  }'
  catches 'a file without what works' compiler/import/tensors/a.c:2
  put compiler/import/lift/a.c '  lift_refuse(l, node, E902, "has more");' '  foreign_report(l->diags, l->file, E903, "is twice there");'
  catches 'a file that lift reports without what works' compiler/import/lift/a.c:2
  put tests/a.out 'error[E902]: `a` is not supported' ' --> a.onnx' '  = note: it is new' 'help: use `b`' '' 'error[E901]: `a` is damaged' ' --> a.onnx'
  passes 'errors with what works in the output of a test'
  put tests/a.out 'error[E902]: `a` is not supported' ' --> a.onnx' '  = note: it is new' '' 'error[E904]: `a` has no size' ' --> a.onnx' 'help: give it'
  catches 'the output of a test without what works' tests/a.out:1
  put tests/a.list 'a.onnx E901 damaged' 'b.onnx E903 has more; help: use two' 'c.onnx E903 has more'
  catches 'a list of errors without what works' tests/a.list:3
  ;;
statements)
  put compiler/base/a.c 'int f(int n) {' '  if (n == 1 || g(n, 2) >= 3) return g(1,' '    2);' '  for (int i = 0, k = 1; i < n; i++) h(i);' '  *p = n ? 1 : 2;' '  if (h((Pair){.a = 1})) g();' '  return (Pair){1, 2};' '}'
  passes 'commas of calls and lists, a value that is chosen'
  put compiler/base/a.c 'int f(int n) {' '  return n = 2,' '    0;' '}'
  catches 'a comma after return' compiler/base/a.c:2
  put tests/unit/a.c '  if ((n = g()) != 0) h(n);'
  catches 'an assignment in a condition' tests/unit/a.c:1
  put runtime/host/a.c '  f();' '  *(n < 0 ? least : most) += n;'
  catches 'an assignment through a conditional' runtime/host/a.c:2
  put compiler/base/a.c '  float **x = ARENA_ARRAY(a, float *, n), *y = ARENA_ARRAY(a, float, (n * m));' '  y = ARENA_ARRAY(a, float, n *m);'
  catches 'a product that reads like a pointer' compiler/base/a.c:2
  ;;
file_size)
  put compiler/base/a.c "$(seq 450)"
  put docs/long.md "$(seq 2000)"
  passes 'a file of 450 lines, a long page'
  put runtime/host/a.c "$(seq 451)"
  catches 'a file of 451 lines' runtime/host/a.c
  ;;
stages)
  stages() { # MODEL-LINE KERNEL-LINE: a tree with these two models
    put compiler/model/graph/layers.def 'LAYER(GRU, "GRU", "[d]", 0, x)' 'LAYER(add, "+", "[d]", 0, x)' 'ELEMENTWISE(tanh)'
    put tests/models/a.grus "$1"
    put tests/numeric/kernels/b.grus "$2"
  }
  stages 'out y = a + b |> GRU(3)' 'out z = a |> tanh'
  passes 'stages that have numbers'
  stages 'out y = a + b |> GRU(3)' 'out z = a # tanh'
  catches 'a stage without numbers' tanh
  stages 'out y = a + b |> GRU(3)' 'out z = a |> tanhs'
  catches 'another stage of a longer name' tanh
  stages 'out y = a - b |> GRU(3)' 'out z = a |> tanh'
  catches 'an operator without numbers' '`+`'
  stages 'out y = a + b |> GRU(3)' 'out z = a |> tanh'
  put docs/errors/stages/arithmetic.md '| Keras | `+` |' '| PyTorch | `+` |' '| ONNX | `Add` |'
  put docs/errors/stages/tanh.md '| Keras | `tanh` |' '| PyTorch | `tanh` |' '| ONNX | `Tanh` |'
  put docs/errors/stages/GRU.md '| Keras, NumPy | `GRU` |' '| PyTorch | `nn.GRU` |' '| ONNX | `GRU` |'
  passes 'a page with the three frameworks'
  put docs/errors/stages/GRU.md '| Keras | `GRU` |' '| PyTorch | `nn.GRU` |'
  catches 'a page without ONNX' ONNX
  stages 'out y = a + b |> GRU(3)' 'out z = a |> tanh'
  put docs/errors/stages/arithmetic.md '| Keras | `+` |' '| PyTorch | `+` |' '| ONNX | `Add` |'
  put docs/errors/stages/GRU.md '| Keras | `GRU` |' '| PyTorch | `nn.GRU` |' '| ONNX | `GRU` |'
  catches 'a stage without a page' docs/errors/stages/tanh.md
  stages 'out y = a + b |> GRU(3)' 'out z = a |> tanh'
  put compiler/model/graph/layers.h '#define ACTIVATION_LIST(F, HEAD) \' '  HEAD(LINEAR, "linear", other) \' '  F(RELU, "relu", other)'
  put tests/models/c.grus 'out y = a |> GRU(3, activation=linear)'
  catches 'an activation without numbers' activation=relu
  activations() { # PAGE: a tree with two activations, and what the manual says
    stages 'out y = a + b |> GRU(3)' 'out z = a |> tanh'
    put compiler/model/graph/layers.h '#define ACTIVATION_LIST(F, HEAD) \' '  HEAD(LINEAR, "linear", other) \' '  F(RELU, "relu", other)'
    put tests/models/c.grus 'out y = a |> GRU(3, activation=linear)' 'out z = a |> GRU(3, activation=relu)'
    put docs/language.md '| `GRU tanh` `+` |' "$1"
  }
  activations ''
  put docs/language.md '| `GRU tanh` and `+` |' 'one of `linear' 'relu`.'
  passes 'a list of the activations on two lines'
  activations 'one of `linear`, as of the stage `relu`'
  catches 'an activation that the manual does not list' 'linear relu'
  stages 'out y = a + b |> GRU(3)' 'out z = a |> tanh'
  put docs/language.md 'There are `GRU tanhs` and `+`.'
  catches 'a stage that the manual does not name' tanh
  ;;
targets)
  put compiler/base/targets.def '/* TARGET(id, name, ...) */' 'TARGET(cortex_m4, "cortex-m4", "x", "y", "")' 'TARGET(rv32f, "rv32f", "x", "y", "")'
  put tests/embedded/board.sh 'm4) target=cortex-m4 ;;' 'rv32f) target=rv32f ;;'
  passes 'targets that tests name'
  put tests/embedded/board.sh 'm4) target=cortex-m4 ;;' 'rv32) target=rv32 ;;'
  catches 'a target that no test names' '`rv32f`'
  ;;
options)
  options() { # LINE-OF-A-COMMAND: a tree with three options
    put compiler/driver/options.h 'typedef struct Options {' '  bool quiet; /* --quiet, -q */' '  const char *out, *note;' '} Options;'
    put compiler/driver/option_set.c 'o->quiet = true, o->out = value, o->note = value;'
    put compiler/driver/cmd_build.c "$1"
  }
  options 'if (!s->options->quiet) say(o->out, options.note);'
  passes 'options that a command reads'
  options 'if (!s->options->quiet) say(o->out, o->notes);'
  catches 'an option that no command reads' '`note`'
  ;;
diag_docs)
  put compiler/base/diag.def '/* DIAG(code, summary) */' 'DIAG(E301, "x")' 'LINT(W301, seldom, "y")'
  put docs/errors/E301.md '# E301'
  put docs/errors/W301.md '# W301 seldom'
  put docs/errors/README.md 'all'
  passes 'a page for every code'
  rm "$work/docs/errors/E301.md"
  catches 'a code without a page' E301
  put compiler/base/diag.def 'DIAG(E301, "x")'
  put docs/errors/E301.md '# E301'
  put docs/errors/E302.md '# E302'
  catches 'a page without a code' docs/errors/E302.md
  put compiler/base/diag.def 'LINT(W301, seldom, "y")'
  put docs/errors/W301.md '# W301 often'
  catches 'a page that does not name its lint' docs/errors/W301.md
  put compiler/base/diag.def 'DIAG(E301, "x")'
  put docs/errors/E301.md '# E300'
  catches 'a page for another code' docs/errors/E301.md
  ;;
sources)
  put compiler/base/CMakeLists.txt '# z.c' 'grus_room(base SOURCES a.c' '  b.c ${GENERATED}/p.c)'
  put compiler/base/a.c ''
  put compiler/base/b.c ''
  passes 'a list that names what is there'
  rm "$work/compiler/base/b.c"
  catches 'a listed file that is not there' 'b.c is not there'
  put compiler/base/CMakeLists.txt 'grus_room(base SOURCES a.c) # b.c'
  put compiler/base/a.c ''
  put compiler/base/b.c ''
  catches 'a file that is not listed' compiler/base/b.c
  put compiler/kir/a.c ''
  catches 'a room without a list' compiler/kir
  ;;
passes)
  put compiler/driver/stages.def 'STAGE(fold, "x")' 'STAGE(fuse, "y")'
  put docs/pipeline.md '# Pipeline' '### `fold`' 'text' '### `fuse`'
  passes 'a page that lists the passes'
  put compiler/driver/stages.def 'STAGE(fold, "x")' 'STAGE(fuse, "y")'
  put docs/pipeline.md '### `fuse`' '### `fold`'
  catches 'passes in another order' docs/pipeline.md
  put compiler/driver/stages.def 'STAGE(fold, "x")'
  catches 'a missing page' docs/pipeline.md
  ;;
guide)
  put compiler/base/a.c 'int a_name;'
  put CONTRIBUTING.md 'See `compiler/base/a.c`, `a.c`, `a_name`, `docs/errors/<code>.md` and `build/x.c`.'
  passes 'a guide that names what is there'
  put CONTRIBUTING.md 'first' 'See `compiler/base/b.c`.'
  catches 'a path that is not there' CONTRIBUTING.md:2
  put CONTRIBUTING.md 'See `b.c`.'
  catches 'a file of no name' CONTRIBUTING.md:1
  put compiler/base/a.c 'int a_name;'
  put CONTRIBUTING.md 'See `b_name`.'
  catches 'a name that stands nowhere' CONTRIBUTING.md:1
  ;;
labels)
  put tests/a/CTestTestfile.cmake 'add_test([=[a.one]=] "a")' 'set_tests_properties([=[a.one]=] PROPERTIES  LABELS "a" TIMEOUT "3600")'
  passes 'a test with a label'
  put tests/a/CTestTestfile.cmake 'add_test([=[a.one]=] "a")' 'set_tests_properties([=[a.one]=] PROPERTIES  TIMEOUT "3600")'
  catches 'a test without a label' tests/a/CTestTestfile.cmake
  ;;
expected)
  put tests/a/CMakeLists.txt 'foreach(x one two)' '  grus_golden_test(NAME a.${x} EXPECTED sub/${x}.out COMMAND a)' \
    '# EXPECTED file' 'grus_golden_test(NAME v EXPECTED ${editors}/v/sample.out COMMAND v)'
  put tests/a/sub/one.out ''
  put editors/v/sample.out ''
  passes 'expected output that is there'
  put tests/a/CMakeLists.txt 'grus_golden_test(NAME a EXPECTED one.txt COMMAND a)'
  put tests/a/one.txt ''
  catches 'another ending' tests/a/one.txt
  put tests/a/CMakeLists.txt 'grus_golden_test(NAME a EXPECTED one.out COMMAND a)'
  catches 'a missing file' tests/a/one.out
  put tests/a/CMakeLists.txt 'grus_golden_test(NAME v EXPECTED ${editors}/v/sample.out COMMAND v)'
  put editors/v/sample.expected ''
  catches 'a missing file of another folder' '*/v/sample.out'
  put editors/v/sample.expected ''
  catches 'a file with an old ending' editors/v/sample.expected
  ;;
*)
  echo "selftest.sh: no cases for $1"
  exit 2
  ;;
esac

rm -rf "$work"
[ "$failures" -eq 0 ] || exit 1
echo "$1: $cases cases"
