#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# docs/pipeline.md has a heading for every stage of compiler/driver/stages.def, in the same order:
# "### `infer`" for STAGE(infer, ...).
set -eu
cd "$1"
list=compiler/driver/stages.def
[ -f $list ] || exit 0
passes=$(sed -n 's/^ *STAGE(\([a-z_0-9]*\).*/\1/p' $list)
headings=$(sed -n 's/^### `\([a-z_0-9]*\)`.*/\1/p' docs/pipeline.md 2>/dev/null || true)
[ "$passes" = "$headings" ] || {
  echo "docs/pipeline.md: its passes and those of $list differ"
  echo "  $list:" $passes
  echo "  docs/pipeline.md:" $headings
  exit 1
}
