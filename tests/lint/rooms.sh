#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Who may include whom: a room of compiler/ includes itself and the rooms this table gives it, and
# links no others; the runtime includes nothing of the compiler. Includes name their room
# ("base/arena.h"), never a path upwards.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$1" && pwd)
cd "$root"

"$lint/files.sh" . '^(compiler|runtime)/.*(\.[chly]|\.def|CMakeLists\.txt)$' | awk '
BEGIN {
  may["base"] = "base"
  may["model"] = "base model"
  may["front"] = "base model front"
  may["import"] = "base model import"
  may["export"] = "base model export"
  may["kir"] = "base kir"
  may["lower"] = "base model kir lower"
  may["backend"] = "base kir backend"
  may["lsp"] = "base model front lsp"
  may["driver"] = "base model front import export kir lower backend lsp driver runtime"
  for (room in may) {
    n = split(may[room], list, " ")
    for (i = 1; i <= n; i++) allowed[room, list[i]] = 1
  }
}
function bad(why) { print file ":" line ": " why; failed = 1 }
function check_include(room, text,    name, target) {
  if (text !~ /^[ \t]*#[ \t]*include[ \t]*"/) return
  split(text, part, "\"")
  name = part[2]
  if (name ~ /\.\.\//) { bad("include \"" name "\" goes upwards; name the room instead"); return }
  if (room == "runtime") {
    split(name, part, "/")
    if (part[1] in may) bad("the runtime includes \"" name "\" of the compiler")
    return
  }
  if (name ~ /^[a-z_]*\.(tab|yy)\.h$/) return # generated into the build tree of its room
  if (index(name, "/") == 0) {
    bad("include \"" name "\" names no room; write \"" room "/" name "\"")
    return
  }
  split(name, part, "/")
  target = part[1]
  if (!((room, target) in allowed)) bad(room " may not include " target " (\"" name "\")")
}
# A CMake list: whatever follows the word ROOMS inside grus_room(...).
function check_links(room, text,    n, i, word) {
  gsub(/[()]/, " & ", text)
  n = split(text, word, /[ \t]+/)
  for (i = 1; i <= n; i++) {
    if (word[i] == ")") in_rooms = 0
    else if (in_rooms && word[i] != "" && !((room, word[i]) in allowed))
      bad(room " may not link " word[i])
    if (word[i] == "ROOMS") in_rooms = 1
  }
}
{
  file = $0
  line = 0
  in_rooms = 0
  n = split(file, path, "/")
  room = path[1] == "runtime" ? "runtime" : path[2]
  if (n < 3 && room != "runtime") next
  if (room != "runtime" && !(room in may)) { bad("compiler/" room " is not a room"); next }
  while ((getline text < file) > 0) {
    line++
    if (file !~ /CMakeLists\.txt$/) check_include(room, text)
    else if (room != "runtime") check_links(room, text)
  }
  close(file)
}
END { exit failed }'
