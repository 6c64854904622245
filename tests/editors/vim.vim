" SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
" vim -es -u NONE --cmd 'set rtp^=editors/vim' -S vim.vim FILE: the group of every word, on stdout.
set nocompatible
filetype plugin on
syntax on
edit
for line in range(1, line('$'))
  let text = getline(line)
  let last = ''
  let row = []
  let column = 1
  while column <= len(text)
    let group = synIDattr(synID(line, column, 1), 'name')
    if group !=# last && group !=# ''
      call add(row, matchstr(text, '\k\+\|\S', column - 1) . ':' . group)
    endif
    let last = group
    let column += 1
  endwhile
  call writefile([join(row)], '/dev/stdout', 'a')
endfor
call writefile([&filetype . ' ' . &commentstring . ' ' . &makeprg], '/dev/stdout', 'a')
quit!
