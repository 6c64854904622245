#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Names that mean something to C, C++ or a header are refused, all of them; what is accepted compiles, also
# behind every header of C.
. "$(dirname "$0")/lib.sh"
headers="assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg stdbool stddef stdint stdio stdlib string time wchar"
for header in $headers; do printf '#include <%s.h>\n' "$header"; done >all.h
words() { # GROUP...: the words of names.def
  for group in "$@"; do
    awk -v group="NAMES($group," 'index($0, "NAMES(") { on = index($0, group) } on' "$root/compiler/base/names.def" |
      sed -n 's/^ *"\(.*\)".*$/\1/p' | tr ' ' '\n' | grep -v '^$'
  done
}
keywords=' grus use param block model in out let weights ranges precision allow every time index f32 f16 i8 i16 i32 u8 u16 '
model() { # NAME...: one input for each
  printf 'grus 1\nmodel m {\n'
  for name in "$@"; do
    case $keywords in *" $name "*) continue ;; esac
    printf '  in  %s : f32\n' "$name"
  done
  printf '  out y : f32 = 1 + 1\n}\n'
}
accepted() { # which of the names on standard input are not refused
  sort -u >names
  # shellcheck disable=SC2046  # words
  model $(cat names) >n.grus
  "$GRUS" check --diagnostics=short --max-errors=0 n.grus 2>&1 | sed -n 's/.*E803.*: `\([^`]*\)` cannot be the name of an input.*/\1/p' | sort -u >refused
  comm -23 names refused | while read -r name; do
    case $keywords in *" $name "*) ;; *) echo "$name" ;; esac
  done
}

say words of C, C++ and of the generated code
words C CXX OWN PREDEFINED MACRO | accepted
say what the compilers and their headers define
for compiler in "gcc -std=gnu17" "gcc -std=c99" "g++ -x c++" "clang-19 -std=gnu17" "clang++-19 -x c++" arm-none-eabi-gcc riscv64-unknown-elf-gcc aarch64-linux-gnu-gcc; do
  command -v "${compiler%% *}" >/dev/null || continue
  $compiler -dM -E all.h 2>/dev/null
done | awk '$1 == "#define" && $2 !~ /[(]/ { print $2 }' | accepted
say names that a compiler keeps for itself, and the runtime
printf '%s\n' _Bool _Complex __x _X GRUS_OK grus_x | accepted
printf 'grus 1\nmodel Grus { in x : f32[2] out y : f32[2] = x |> tanh }\n' >g.grus
t check g.grus --diagnostics=short

say what is accepted compiles behind all headers
{
  words JAVASCRIPT PYTHON DOT
  printf '%s\n' main printf exit abort signal div abs max min round rand exp log sin y0 y1 j0 gamma index0 _x x_ a__b \
    self s w state window x0 i k n status length X
} | accepted | awk '{ key = toupper($0) } !seen[key]++' >fine
{
  printf 'grus 1\nmodel fine {\n'
  sed 's/.*/  in  & : f32[2]/' fine
  sed 's/.*/  out o_& : f32[2] = & |> tanh/' fine
  printf '}\nmodel outs {\n  in  in0 : f32[time .., 2] \n'
  sed 's/.*/  out & : f32[time .., 2] = in0 |> tanh/' fine
  printf '}\n'
} >fine.grus
for name in fine outs; do
  q build fine.grus --model $name -q -o $name.c
  { cat all.h; echo "#include \"$name.h\""; sed "/include \"$name.h\"/d" $name.c; } >behind.c
  for compiler in "gcc -std=gnu17" "gcc -std=c99" "g++ -x c++ -std=gnu++17" "clang-19 -std=gnu17" "clang++-19 -x c++"; do
    command -v "${compiler%% *}" >/dev/null || continue
    $compiler -w -fsyntax-only behind.c || echo "$compiler cannot compile $name"
  done
done
echo "$(wc -l <fine) names accepted, as inputs and as outputs"
say file names that C or make cannot hold
b() { t build fine.grus --model outs -q "$@"; }
b -o 'a".c'
b -o "$(printf 'a\nb.c')"
b -o 'a??/b.c'
b -o 'a??.c'
b -o "a'b \$c #d.c"
printf '#include "%s"\n' "a'b \$c #d.h" >use.c
gcc -std=c99 -fsyntax-only use.c && gcc -std=c99 -fsyntax-only "a'b \$c #d.c"
cp fine.grus 'so ur:ce.grus'
mkdir 'fol der'
for out in 'x y.h' 'fol der/d$e.h' 'c:d.h' 'e#f.h' 'g%h.h' 'i\ j.h' 'k\l.h'; do
  q build 'so ur:ce.grus' --model outs -q --emit=header -o "$out" -MD -MF dep.d -MP
  escaped=$(printf '%s' "$out" | sed 's/\$/$$/g')
  { printf 'all: ; @:\n'; cat dep.d; } >Makefile
  make -s all || echo "make cannot read the rule of $out"
  make -q -f - "$out" <dep.d || echo "make does not find $out up to date: $escaped"
done
b --emit=header -o "$(printf 'a\nb.h')" -MD
