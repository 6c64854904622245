# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# For scripts that compile generated C, to be read by them: $cache is ccache, or nothing where there is none. It
# remembers what the same compiler made of the same C, so sources are named relative to their folder, and
# -MD tells it the headers.
cache=$(command -v ccache || true)
export CCACHE_DEPEND=1 CCACHE_NOCOMPRESS=1
