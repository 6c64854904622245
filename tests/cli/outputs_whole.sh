#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Outputs are whole or not there: standard output to its last byte, pairs together, what is left by a
# process that was killed, links that others laid.
. "$(dirname "$0")/lib.sh"
cat >m.grus <<'END'
grus 1
model m {
  in  x : f32[time 6, feature 4]
  let g = x |> GRU(24) |> GRU(20) |> GRU(16) |> GRU(12) |> GRU(10) |> LSTM(9)
  out y : f32[3] = g |> last |> Dense(30) |> relu |> Dense(20) |> tanh |> Dense(10) |> sigmoid |> Dense(3)
  out z : f32[4] = g |> last |> Dense(30) |> relu |> Dense(20) |> tanh |> Dense(10) |> sigmoid |> Dense(4)
  out p : f32[5] = g |> last |> Dense(30) |> relu |> Dense(20) |> tanh |> Dense(10) |> sigmoid |> Dense(5)
}
END

say a full device, also for what is longer than a buffer
for command in "inspect" "inspect --svg" "inspect --dot" "inspect --json" "check --dump-after infer" "build --dump-after lower" \
  "build --emit=kir -o -" "build --json -o j.c"; do
  weights=--weights=random:1
  case $command in check*) weights= ;; esac
  # shellcheck disable=SC2086  # words
  "$GRUS" $command $weights m.grus >whole 2>/dev/null
  # shellcheck disable=SC2086
  "$GRUS" $command $weights m.grus 2>said >/dev/full
  printf '%s: [%s] %s\n' "$command" $? "$(cat said)"
done
for command in man "completions bash" "explain E301" --help --version "--target help"; do
  # shellcheck disable=SC2086
  "$GRUS" $command 2>said >/dev/full
  printf '%s: [%s] %s\n' "$command" $? "$(cat said)"
done

say a reader that has seen enough
mkfifo pipe
closed() { # runs grus with a standard output whose reader is gone, and shows how it ends
  (sleep 5 >pipe & echo $! >holder)
  exec 3<pipe 4>pipe
  exec 3<&-
  kill "$(cat holder)"
  (sleep 0.2; "$GRUS" "$@" >&4 2>said)
  printf '%s: [%s] %s\n' "$*" $? "$(cat said)"
  exec 4>&-
}
ignored() { (trap '' PIPE; closed "$@"); }
for way in closed ignored; do
  $way man
  $way build --emit=kir -o - --weights=random:1 m.grus
  $way build --emit=header -o - -MD -MF m.d -MT m --weights=random:1 m.grus
  $way inspect m.grus --svg --weights=random:1
done
[ ! -e m.d ] || echo "m.d was written without the header"
rm pipe holder

say a folder for one half of a pair keeps the other half as it was
printf 'mine\n' >two.h
mkdir two.c
t build m.grus --weights=random:1 -q -o two.c
cat two.h
rmdir two.c

say names of temporary files that are taken are no obstacle
for i in 1 2 3; do : >"k.c.tmp$i"; done
t build m.grus --weights=random:1 -q -o k.c
rm k.c.tmp? j.h j.c k.h k.c two.h whole said

say a name as long as names may be
long=$(printf '%0251d' 0)
t build m.grus --weights=random:1 -q --prefix m --emit=header -o "$long.h" | sed 's/0\{200,\}/ZEROS/g'
rm "$long.h"

say what killed processes left is removed an hour later, and nothing else
mkdir "$TMPDIR/grus-abcdefghijkl" "$TMPDIR/grus-mnopqrstuvwx" "$TMPDIR/grus-mine"
: >"$TMPDIR/grus-abcdefghijkl/m.c"
: >.grus-abcdefghijkl
: >.grus-mnopqrstuvwx
touch -d '2 hours ago' "$TMPDIR/grus-abcdefghijkl" "$TMPDIR/grus-mine" .grus-abcdefghijkl
q build m.grus --weights=random:1 -q -o m.o
left
rm -r "$TMPDIR/grus-mnopqrstuvwx" "$TMPDIR/grus-mine" .grus-mnopqrstuvwx m.o m.h

say links
mkdir shared mine
chmod 1777 shared
printf 'precious\n' >mine/precious.h
ln -s ../mine/precious.h shared/own.h
ln -s loop shared/loop
q build m.grus --weights=random:1 -q --emit=header -o shared/own.h
head -c 3 mine/precious.h
echo
t build m.grus --weights=random:1 -q --emit=header -o shared/loop
if [ "$(id -u)" -eq 0 ] && printf 'precious\n' >mine/precious.h && ln -s ../mine/precious.h shared/trap.h && chown -h 65534 shared/trap.h 2>/dev/null; then
  "$GRUS" build m.grus --weights=random:1 -q --emit=header -o shared/trap.h >said 2>&1
  echo "[$?]" >>said
else
  printf 'grus: error: cannot write `shared/trap.h`: `shared/trap.h` is a link that another user created in a folder to which everyone can write\n[3]\n' >said
  printf 'precious\n' >mine/precious.h
fi
cat said mine/precious.h
