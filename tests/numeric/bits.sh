# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Read by tests that compile a model in several ways and compare the bits of what it computes, in $dir.
. "$(dirname "$0")/../ccache.sh"
export strict='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Wno-psabi -ffp-contract=off'

# same A B: $dir/A.bits and $dir/B.bits
same() {
  cmp -s "$dir/$1.bits" "$dir/$2.bits" || { echo "$dir: $1 and $2 differ in bits"; exit 1; }
}
