#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Every stage of compiler/model/graph/layers.def is in a model whose compiled code is compared with the
# evaluator: tests/models or tests/numeric/kernels. Operators are, too. The page of every stage says what Keras,
# PyTorch and ONNX call it. Every activation of layers.h is in one of those models. docs/language.md names every stage,
# and it and the page of GRU list the activations in the order of layers.h.
set -euf
cd "$1"
table=compiler/model/graph/layers.def
[ -f $table ] || exit 0
status=0
numeric=$(find tests/models tests/numeric/kernels -name '*.grus' -exec cat {} + 2>/dev/null | sed 's/#.*//')
stages=$(sed -n 's/^LAYER([a-zA-Z_0-9]*, *"\([^"]*\)".*/\1/p; s/^ELEMENTWISE(\([a-zA-Z_0-9]*\).*/\1/p' $table)
for stage in $stages; do
  case $stage in
  [a-zA-Z]*) word="(^|[^a-zA-Z_0-9])$stage([^a-zA-Z_0-9]|\$)" ;;
  *) word=" [$stage] " ;; # an operator
  esac
  printf '%s\n' "$numeric" | grep -Eq -e "$word" || {
    echo "$table: no model of tests/models or tests/numeric/kernels has \`$stage\`, so that no test compares its numbers"
    status=1
  }
done
lists=compiler/model/graph/layers.h
activations=$(sed -n '/^#define ACTIVATION_LIST/,/[^\\]$/s/^ *[A-Z]*([A-Z_0-9]*, "\([^"]*\)".*/\1/p' $lists 2>/dev/null || true)
for word in $activations; do
  printf '%s\n' "$numeric" | grep -Eq "(activation|gate)=$word([^a-zA-Z_0-9]|\$)" || {
    echo "$lists: no model of tests/models or tests/numeric/kernels has \`activation=$word\`"
    status=1
  }
done
manual=docs/language.md
listed=$(printf '%s ' $activations)
for page in $manual docs/errors/stages/GRU.md; do
  [ -f "$page" ] && [ -n "$activations" ] || continue
  tr '\n' ' ' <"$page" | grep -qF "\`${listed% }\`" || {
    echo "$page: does not list the activations of $lists: \`${listed% }\`"
    status=1
  }
done
for word in $stages; do
  [ -f $manual ] || break
  grep -qF -e "\`$word\`" -e "\`$word " -e " $word\`" -e " $word " -e "\`$word(" -e " $word(" -e "$word)" $manual || {
    echo "$manual: does not name \`$word\`"
    status=1
  }
done
for stage in $stages; do
  case $stage in
  [a-zA-Z]*) page=docs/errors/stages/$stage.md ;;
  *) page=docs/errors/stages/arithmetic.md ;; # an operator
  esac
  [ ! -d docs/errors/stages ] || [ -f "$page" ] || {
    echo "$table: \`$stage\` has no page $page"
    status=1
  }
done
set +f
for page in docs/errors/stages/*.md; do
  [ -f "$page" ] || continue
  for framework in Keras PyTorch ONNX; do
    grep -q "^| $framework" "$page" || {
      echo "$page: no row of its table says what $framework calls this stage"
      status=1
    }
  done
done
exit $status
