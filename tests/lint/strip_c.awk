# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# In: C files. Out: their lines as `file:line:code`, without comments and with empty strings,
# except on #include lines, which keep their file name.
FNR == 1 { in_comment = 0 }
{
  line = $0
  out = ""
  if (!in_comment && line ~ /^[ \t]*#[ \t]*include[ \t]*["<]/) {
    print FILENAME ":" FNR ":" line
    next
  }
  while (line != "") {
    if (in_comment) {
      end = index(line, "*/")
      if (!end) break
      line = substr(line, end + 2)
      in_comment = 0
      continue
    }
    if (!match(line, /\/\*|\/\/|"|'/)) {
      out = out line
      break
    }
    mark = substr(line, RSTART, 1)
    two = substr(line, RSTART, 2)
    out = out substr(line, 1, RSTART - 1)
    line = substr(line, RSTART + 1)
    if (two == "//") break
    if (two == "/*") {
      line = substr(line, 2)
      in_comment = 1
      continue
    }
    out = out mark mark
    while (line != "" && substr(line, 1, 1) != mark)
      line = substr(line, substr(line, 1, 1) == "\\" ? 3 : 2)
    line = substr(line, 2)
  }
  print FILENAME ":" FNR ":" out
}
