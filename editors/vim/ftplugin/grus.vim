" SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
" `:make` fills the quickfix list, `gq` formats, `K` explains the word under the cursor.
if exists('b:did_ftplugin')
  finish
endif
let b:did_ftplugin = 1
setlocal comments=:##,:# commentstring=#\ %s
setlocal shiftwidth=2 softtabstop=2 expandtab
setlocal makeprg=grus\ check\ --diagnostics=gcc\ %:S
setlocal errorformat=%f:%l:%c:\ %trror:\ %m,%f:%l:%c:\ %tarning:\ %m,%f:%l:%c:\ %tote:\ %m,%-G%.%#
setlocal formatprg=grus\ fmt\ -
setlocal keywordprg=grus\ explain
setlocal iskeyword=@,48-57,_
let b:undo_ftplugin = 'setlocal comments< commentstring< shiftwidth< softtabstop< expandtab< makeprg< errorformat< formatprg< keywordprg< iskeyword<'
