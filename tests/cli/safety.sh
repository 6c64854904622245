#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Outputs that cannot be written, tools that fail, interruptions: what is said, and what is left.
. "$(dirname "$0")/lib.sh"
cat >m.grus <<'END'
grus 1
model m {
  in  x : f32[feature 4]
  out y : f32[3] = x |> Dense(3)
}
END
b() { t build m.grus --weights=random:1 -q "$@"; }

say nothing in the way
b -o ok.c && left
cp ok.h before.h

say a directory
mkdir dir.c out.h
b -o dir.c
b --emit=header -o out.h
b --emit=exe -o dir.c
left

say a header that cannot be written keeps the source as it was
mkdir two.h
printf 'mine\n' >two.c
b -o two.c
cat two.c
rmdir two.h

say no such folder
b -o no/such.c
b -o ok.c -MD -MF no/such.d --prefix other
cmp ok.h before.h

say full device
b --emit=header -o /dev/full
b --emit=header -o - >/dev/null
"$GRUS" build m.grus --weights=random:1 --emit=header -o - >/dev/full
echo "[$?]"

say a disk that fills up
printf 'mine\n' >small.c
limited() { # standard error through a pipe: the limit holds for the transcript too
  (ulimit -f 1 && "$GRUS" build m.grus --weights=random:1 -q "$@" 2>&1; echo "[$?]") |
    sed "s|$TMPDIR/grus-[A-Za-z0-9]*|TMP|" | cat
}
limited --prefix a_long_prefix -o small.c
limited -o fresh.c
limited -o fresh.o
cat small.c
left

say over the input
b --emit=header -o m.grus
b --emit=header -o ./m.grus
b --emit=obj -o m.h
b -o ok.c -MD -MF ok.h
cmp ok.h before.h

say tools
CC=/no/such/cc
export CC
b --emit=obj -o a.o
t run m.grus --weights=random:1 x=0,0,0,0
t verify m.grus --weights=random:1
CC="sh -c 'exit_7'"
printf '#!/bin/sh\necho "this compiler is broken" >&2\nexit 7\n' >cc7
chmod +x cc7
CC=./cc7
b --emit=exe -o a
t verify m.grus --weights=random:1
unset CC
AR=/no/such/ar
export AR
b --emit=lib -o a.a
AR=false
b --emit=lib -o a.a
unset AR
TMPDIR=/no/such/tmp b --emit=obj -o a.o
left

say interrupted while the compiler runs
cat >slow <<'END'
#!/bin/sh
: >started
exec sleep 30
END
chmod +x slow
CC=./slow
export CC
for signal in INT TERM HUP; do
  rm -f started
  "$ARRAYS" exec "$GRUS" build m.grus --weights=random:1 --emit=exe -q -o a </dev/null &
  pid=$!
  n=0
  while [ ! -e started ] && [ $n -lt 1000 ]; do
    sleep 0.02
    n=$((n + 1))
  done
  kill -$signal $pid
  wait $pid 2>/dev/null
  echo "$signal [$?]"
done
rm started
left

say over a model that is imported, its weights or its --config
cp "$root/tests/conformance/keras/fixtures/lstm.h5" mine.h5
cp mine.h5 before.h5
t import mine.h5 -o mine.h5
cmp mine.h5 before.h5
t import mine.h5 -q -o copy.grus
cp copy.safetensors tensors.safetensors
cp copy.safetensors before.safetensors
cp copy.grus layers.grus
t import tensors.safetensors --config layers.grus
cp layers.grus before.grus
t import tensors.safetensors --config layers.grus -o layers.grus
cmp layers.grus before.grus
t weights copy.grus -o copy.safetensors
t weights copy.grus -o ./copy.grus
cmp copy.safetensors before.safetensors && cmp tensors.safetensors before.safetensors
cmp copy.grus layers.grus
t calibrate copy.grus --precision i16 -o copy.safetensors
t calibrate copy.grus --precision i16 -o copy.grus
cmp copy.safetensors before.safetensors
cmp copy.grus layers.grus

say a file that may not be written is not replaced
printf 'mine\n' >still.h
chmod 444 still.h
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null && setpriv --reuid=65534 --clear-groups test -x "$GRUS"; then
  chmod 777 . "$work"
  setpriv --reuid=65534 --clear-groups "$GRUS" build m.grus --weights=random:1 -q --emit=header -o still.h
elif [ "$(id -u)" -ne 0 ]; then
  "$GRUS" build m.grus --weights=random:1 -q --emit=header -o still.h
else
  echo 'grus: error: cannot write `still.h`: Permission denied' >&2
  (exit 3)
fi
echo "[$?]"
cat still.h
