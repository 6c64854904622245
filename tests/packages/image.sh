#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The image of the Dockerfile, built by buildah without a daemon, on a Debian that mmdebstrap makes of what apt
# knows; and used as docs/install.md says: as a user, in a folder of the host.
#
#   image.sh ROOT FOLDER
set -eu
root=$1
folder=$2
skip() {
  echo "image: $*; skipped"
  exit 77
}
fail() {
  echo "image: $*"
  exit 1
}
for tool in buildah mmdebstrap; do
  command -v $tool >/dev/null || skip "$tool is not installed (scripts/setup --image)"
done
[ "$(id -u)" = 0 ] || skip "it takes root to change into the root of an image"
git -C "$root" rev-parse HEAD >/dev/null 2>&1 || skip "not a checkout"
rm -rf "$folder"
mkdir -p "$folder/mounted"
trap 'rm -rf "$folder/store" "$folder/run" "$folder/source" "$folder/base.tar"' EXIT

# build WORDS...: buildah with storage of its own, which needs no rights in the kernel.
build() {
  command=$1
  shift
  buildah --root "$folder/store" --runroot "$folder/run" --storage-driver vfs "$command" "$@"
}

debian=$(sed -n 's/^ARG DEBIAN=//p' "$root/Dockerfile")
mmdebstrap --variant=minbase "$debian" "$folder/base.tar" >"$folder/log" 2>&1 </dev/null ||
  skip "no Debian can be had: $(tail -n 1 "$folder/log")"
base=$(build from scratch)
build add "$base" "$folder/base.tar" / >/dev/null
build commit -q "$base" "debian:$debian-slim" >/dev/null

git clone -q "$root" "$folder/source"
commit=$(git -C "$root" rev-parse --short=10 HEAD)
build bud --isolation chroot --pull-never --build-arg COMMIT="$commit" -t grus "$folder/source" >"$folder/log" 2>&1 ||
  fail "$(tail -n 30 "$folder/log")"

cp "$root/examples/gesture/gesture.grus" "$folder/mounted"
chown -R 1000:1000 "$folder/mounted"
image=$(build from --pull-never localhost/grus)
# inside WORDS...: what the image runs; its entry is asked for by name.
inside() { build run --isolation chroot -v "$folder/mounted:/work" "$image" -- "$@"; }
inside grus version | grep -qF "(commit $commit)" || fail "grus version does not name the commit"
inside grus version | grep -q llvm || fail "the image has no LLVM backend"
[ "$(inside id -u)" = 1000 ] || fail "the image runs as $(inside id)"
inside grus build gesture.grus --weights=random:1 --emit=exe -q -o gesture || fail "no program"
inside ./gesture --help >/dev/null || fail "the program does not start"
[ "$(stat -c %u "$folder/mounted/gesture")" = 1000 ] || fail "the program is not the user's"
inside grus verify gesture.grus --weights=random:1 >/dev/null || fail "verify"
! inside sh -c 'ls -d /packages /grus /var/lib/apt/lists/* /var/cache/apt/archives/*.deb 2>/dev/null || true' | grep . || fail "the image has what it was built from"
build inspect --type image grus | grep -q '"org.opencontainers.image.revision": "'"$commit" || fail "no label of the commit"
echo "image of $commit: $(build images --format '{{.Size}}' localhost/grus)"
