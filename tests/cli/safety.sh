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
