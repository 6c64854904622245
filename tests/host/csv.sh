#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
. "$(dirname "$0")/lib.sh"
c() { t clean x.csv --no-header; }

say separators, names, comments, quotes, blank lines, CRLF, a byte order mark
printf '1,2\n3,4\n' >x.csv; c
printf '1;2\n3;4\n' >x.csv; c
printf '1\t2\n3\t4\n' >x.csv; c
printf '  1   2 \n 3 4\n' >x.csv; c
printf '\357\273\277low,high\r\n1,2\r\n\r\n3,4\r\n' >x.csv; c
printf '# made by hand\n"low","high"\n"1", 2 \n3,4' >x.csv; c
printf -- '-1.5e1,+.25\n1E2,0\n' >x.csv; c
say errors name line and column
printf '1,2\n3,x4\n' >x.csv; c
printf '1,2\n3,\n' >x.csv; c
printf '1,2\n3\n' >x.csv; c
printf '1,2\n3,4,5\n' >x.csv; c
printf '1,2,3\n3,4,5\n' >x.csv; c
printf '1;2\n1,5;2\n' >x.csv; c
printf '1,2\n0x10,4\n' >x.csv; c
printf '1,2\n3,nan\n' >x.csv; c
printf '1,2\n3,1e99\n' >x.csv; c
printf 'a,b\n' >x.csv; c
printf '1,2\n3,4\0005\n' >x.csv; c
printf '\001\002\003\n' >x.csv; c
say an index, as pandas writes it
printf ',a,b\n0,1,2\n1,3,4\n' >x.csv; c
printf ',a,b\n0,1,2\n1,3,x\n' >x.csv; c
printf ',a,b\n0,1,2\n1,3\n' >x.csv; c
printf ',1,2\n0,3,4\n' >x.csv; c
printf ',a,b\n' >x.csv; c
say whole sequences: rows are steps
printf '1,2,3\n4,5,6\n7,8,9\n' >x.csv
t total x=x.csv site=0 gain=1,0
printf '1,2\n4,5\n7,8\n1,1\n' >x.csv
t total x=x.csv site=0 gain=1,0
say vectors and scalars: a row, a column, a row for each sample
printf '1,2,3\n4,5,6\n7,8,9\n1,1,1\n' >x.csv
printf '1\n10\n' >g.csv
t total x=x.csv site=1 gain=g.csv sum=- --out-format csv
printf 'a,b\n1,0\n2,0\n' >g.csv
t total x=x.csv site=1 gain=g.csv sum=- --out-format csv
printf '1,2,3\n' >g.csv
t total x=x.csv site=1 gain=g.csv
t total x=x.csv site=3 gain=1,0
t total x=x.csv site=1,2 gain=1,x
t total x=x.csv site=0 gain=1
say what is written reads back the same
printf '0.1,1e-7\n16777216,3.4028235e38\n1234.5678,-0\n' >x.csv
t clean x.csv
