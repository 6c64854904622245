" SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
" Colours of .grus files for Vim and Neovim.
if exists('b:current_syntax')
  finish
endif
syntax keyword grusStructure grus use param block model nextgroup=grusName skipwhite
syntax keyword grusStatement in out let weights ranges precision allow every nextgroup=grusName skipwhite
syntax keyword grusTime time
syntax keyword grusType f32 f16 i8 i16 i32 u8 u16 index
syntax match grusName /\h\w*/ contained
syntax match grusStage /\h\w*\ze(/
syntax match grusPipe /|>/ nextgroup=grusPiped skipwhite skipempty
syntax match grusPiped /\h\w*/ contained
syntax match grusOption /\h\w*\ze=\S/
syntax match grusSign /<=\|\.\.\|[-+*/=@:]/
syntax match grusNumber /\<\d[0-9_]*\%(\.\d[0-9_]*\)\?\%([eE][-+]\?\d\+\)\?\%(kHz\|MHz\|Hz\|ms\|us\|s\)\?\>/
syntax region grusString start=/"/ skip=/\\["\\]/ end=/"/ oneline
syntax match grusComment /#.*/ contains=@Spell
syntax match grusDoc /##.*/ contains=@Spell
highlight default link grusStructure Structure
highlight default link grusStatement Statement
highlight default link grusTime Keyword
highlight default link grusType Type
highlight default link grusName Identifier
highlight default link grusStage Function
highlight default link grusPiped Function
highlight default link grusPipe Operator
highlight default link grusSign Operator
highlight default link grusOption Special
highlight default link grusNumber Number
highlight default link grusString String
highlight default link grusComment Comment
highlight default link grusDoc SpecialComment
let b:current_syntax = 'grus'
