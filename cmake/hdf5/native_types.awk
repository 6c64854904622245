# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# libhdf5 knows the types of C from H5Tinit.c, which its H5detect writes on the system itself. This makes of the one
# of the system that builds one for any other whose numbers are little-endian and IEEE 754: the sizes of integers
# become what the compiler of that system says. (long double may differ; grus reads no such numbers.)
BEGIN {
  split("SCHAR,signed char;UCHAR,unsigned char;SHORT,short;USHORT,unsigned short;INT,int;UINT,unsigned;LONG,long;ULONG,unsigned long;LLONG,long long;ULLONG,unsigned long long", pairs, ";")
  for (i in pairs) { split(pairs[i], p, ","); type[p[1]] = p[2] }
}
function flush(name,    t, i, s) {
  t = type[name]
  if (!t && name ~ /^U?INT(_LEAST|_FAST)?[0-9]+$/) t = tolower(name) "_t"
  for (i = 0; i < n; i++) {
    s = line[i]
    if (t && s ~ /->shared->size = /) sub(/= .*;/, "= sizeof(" t ");", s)
    if (t && s ~ /u.atomic.prec = /) sub(/= .*;/, "= 8 * sizeof(" t ");", s)
    print s
  }
  n = 0
}
/H5T__alloc\(\)/ { flush(""); }
{ line[n++] = $0 }
/_g = H5I_register/ { match($0, /H5T_NATIVE_[A-Z0-9_]+_g/); flush(substr($0, RSTART + 11, RLENGTH - 13)) }
END { flush("") }
