# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# source NAME prints the hostile source of that name.

# repeat N TEXT
repeat() { awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%s", text }'; }

head4() { printf 'grus 1\nmodel m {\n  in  x : f32[4]\n'; }

# expression BEFORE N TEXT AFTER: a model whose output is BEFORE, N times TEXT, AFTER.
expression() { head4; printf '  out y : f32[4] = %s' "$1"; repeat "$2" "$3"; printf '%s\n}\n' "$4"; }

# lines N FORMAT: N lines with their number at each %d.
lines() {
  awk -v n="$1" -v format="$2" 'BEGIN {
    parts = split(format, part, "%d")
    for (i = 0; i < n; i++) {
      for (k = 1; k < parts; k++) printf "%s%d", part[k], i
      print part[parts]
    }
  }'
}

good() { printf 'grus 1%b\nmodel m {%b\n  in  x : f32[4]%b\n  out y : f32[4] = x%b\n}%b\n' "$1" "$1" "$1" "$1" "$1"; }

source_text() {
  case $1 in
  empty) ;;
  comments) lines 1000 '# comment %d' ;;
  nul) printf 'grus 1\n\000model m {}\n' ;;
  latin1) printf 'grus 1\n# na\357ve\nmodel m {}\n' ;;
  utf16) printf '\377\376g\000r\000' ;;
  bom) printf '\357\273\277'; good '' ;;
  crlf) good '\r' ;;
  cr_only) good '' | tr '\n' '\r' ;;
  controls) printf 'grus 1\nmodel m {\001\002\033[31m in x : f32[4]\177 out y : f32[4] = x }\n' ;;
  quotes) repeat 1000000 '"' ;;
  open_comment) printf 'grus 1\n/*'; repeat 1000000 ' *' ;;
  round) head4; printf '  out y : f32[4] = '; repeat 100000 '('; printf x; repeat 100000 ')'; printf '\n}\n' ;;
  square) head4; printf '  out y : f32'; repeat 100000 '['; printf 4; repeat 100000 ']'; printf ' = x\n}\n' ;;
  braces) printf 'grus 1\n'; repeat 100000 '{' ;;
  blocks) printf 'grus 1\n'; repeat 100000 'block b { '; repeat 100000 '}' ;;
  minus) expression '' 100000 '-' x ;;
  mixed) repeat 1000000 '([{' ;;
  pipeline) expression x 100000 ' |> relu' '' ;;
  sum) expression x 99999 ' + x' '' ;;
  constant) printf 'grus 1\nparam n = 1'; repeat 100000 ' + 1'; printf '\n'; good '' | sed 1d ;;
  statements) head4; lines 1000000 '  let v%d = x'; printf '  out y : f32[4] = x\n}\n' ;;
  chain) head4; printf '  let v0 = x\n'; awk 'BEGIN { for (i = 1; i < 100000; i++) print "  let v" i " = v" i - 1 " |> relu" }'; printf '  out y : f32[4] = v99999\n}\n' ;;
  ten_mb) lines 300000 '# a comment of some forty bytes, %d'; good '' ;;
  one_line) printf 'grus 1 '; lines 100000 'model m%d { in x : f32[1] out y : f32[1] = x }' | tr '\n' ' ' ;;
  one_comment) printf 'grus 1\n# '; repeat 10000000 x; printf '\n'; good '' | sed 1d ;;
  too_large) printf 'grus 1\n'; repeat 7000000 '# 9 bytes' ; repeat 1000000 '#23456789' ;;
  numbers) printf 'grus 1\nmodel m {\n  in  x : f32[99999999999999999999]\n  out y : f32[4] = x |> normalize(mean=1e400)\n}\n' ;;
  product) printf 'grus 1\nmodel m {\n  in  x : f32[2147483647, 2147483647, 2147483647]\n  out y : f32[4] = x |> Dense(4)\n}\n' ;;
  axes) printf 'grus 1\nmodel m {\n  in  x : f32[1'; repeat 100000 ', 1'; printf ']\n}\n' ;;
  arguments) expression 'concat(x' 100000 ', x' ')' ;;
  options) expression 'x |> Dense(4' 100000 ', foo=1' ')' ;;
  bomb)
    printf 'grus 1\nblock b0 {\n  in  x\n  out y = x |> relu\n}\n'
    awk 'BEGIN { for (i = 1; i <= 20; i++) print "block b" i " {\n  in  x\n  out y = x |> b" i - 1 " |> b" i - 1 "\n}" }'
    printf 'model m {\n  in  x : f32[4]\n  out y : f32[4] = x |> b20\n}\n' ;;
  recursion) printf 'grus 1\nblock b {\n  in  x\n  out y = x |> b\n}\nmodel m {\n  in  x : f32[4]\n  out y : f32[4] = x |> b\n}\n' ;;
  long_excerpt) head4; printf '  out y : f32[4] = x |> Dnese(4) # '; repeat 1000000 x; printf '\n}\n' ;;
  long_name) head4; printf '  out y : f32[4] = x |> '; repeat 1000000 a; printf '\n}\n' ;;
  unknown) head4; lines 100000 '  let v%d = q%d |> last'; printf '}\n' ;;
  misspelt) head4; lines 100000 '  let v%d = x |> Dnese(4)'; printf '}\n' ;;
  shapes) head4; lines 100000 '  let v%d = x |> GRU(4)'; printf '}\n' ;;
  syntax) printf 'grus 1\n'; lines 100000 'modl %d { $ }' ;;
  twice) head4; lines 100000 '  out y : f32[4] = x'; printf '}\n' ;;
  same_models) printf 'grus 1\n'; lines 50000 'model m { in x : f32[1] out y : f32[1] = x }' ;;
  circle) printf 'grus 1\nuse "circle.grus"\n' ;;
  *) echo "sources.sh: no source $1" >&2; return 1 ;;
  esac
}
