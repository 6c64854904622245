-- SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
-- Neovim without a screen as a client: diagnostics in the buffer, a quick fix applied by its own code.
--
--   GRUS=... nvim --headless --clean -l|-S nvim.lua
local lines = {
  'grus 1',
  'model m {',
  '  in  x : f32[time 10, f 4]',
  '  out y : f32[3] = x |> lstm(3) |> last',
  '}',
}
local function check()
  vim.opt.runtimepath:prepend { vim.env.EDITORS .. '/vim', vim.env.EDITORS .. '/neovim' }
  vim.cmd('filetype plugin on | runtime ftdetect/grus.vim')
  require('grus').setup { cmd = { vim.env.GRUS, 'lsp' } }
  local path = vim.fn.tempname() .. '.grus'
  vim.fn.writefile(lines, path)
  vim.cmd('edit ' .. path)
  assert(vim.wait(20000, function() return #vim.lsp.get_active_clients() == 1 end, 20), 'the server did not start')
  local id = vim.lsp.get_active_clients()[1].id
  print('file type ' .. vim.bo.filetype)
  local function diagnostics(n)
    assert(vim.wait(20000, function() return #vim.diagnostic.get(0) == n end, 20),
      'diagnostics: wanted ' .. n .. ', have ' .. vim.inspect(vim.diagnostic.get(0)))
    return vim.diagnostic.get(0)
  end
  local found = diagnostics(1)[1]
  print('diagnostic ' .. found.lnum .. ':' .. found.col .. ' ' .. found.message:match('[^\n]*'))
  local client = vim.lsp.get_client_by_id(id)
  local params = vim.lsp.util.make_range_params()
  params.range = { start = { line = found.lnum, character = found.col },
    ['end'] = { line = found.end_lnum, character = found.end_col } }
  params.context = { diagnostics = {} }
  local answer = client.request_sync('textDocument/codeAction', params, 20000, 0)
  local action = answer.result[1]
  print('fix ' .. action.title)
  vim.lsp.util.apply_workspace_edit(action.edit, client.offset_encoding)
  diagnostics(0)
  print('line ' .. vim.fn.getline(4))
  params = vim.lsp.util.make_position_params()
  params.position = { line = 3, character = 25 }
  answer = client.request_sync('textDocument/hover', params, 20000, 0)
  print('hover ' .. answer.result.contents.value:match('\n([^\n]*)'))
  vim.lsp.stop_client(id)
end
local ok, problem = pcall(check)
if not ok then print(problem) end
vim.cmd(ok and 'qall!' or 'cquit')
