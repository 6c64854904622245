-- SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
-- Starts `grus lsp` for .grus buffers: require('grus').setup { cmd = { 'grus', 'lsp' } }
-- Colours and file type come from editors/vim, which Neovim reads too.
local M = {}

-- The drawing of the model under the cursor, in the system's viewer.
function M.drawing()
  local params = vim.lsp.util.make_position_params(0, 'utf-8')
  vim.lsp.buf_request(0, 'grus/drawing', params, function(problem, drawing)
    if problem then return vim.notify('grus: ' .. problem.message, vim.log.levels.WARN) end
    local path = vim.fn.tempname() .. '.svg'
    vim.fn.writefile(vim.split(drawing.svg, '\n'), path)
    if vim.ui.open then vim.ui.open(path) else vim.fn.jobstart({ 'xdg-open', path }) end
  end)
end

local function start(cmd, bufnr)
  local name = vim.api.nvim_buf_get_name(bufnr)
  local config = { name = 'grus', cmd = cmd, root_dir = vim.fn.fnamemodify(name, ':p:h') }
  if vim.lsp.start then
    vim.lsp.start(config, { bufnr = bufnr })
  else
    vim.lsp.buf_attach_client(bufnr, assert(vim.lsp.start_client(config)))
  end
  if vim.lsp.inlay_hint then vim.lsp.inlay_hint.enable(true, { bufnr = bufnr }) end
end

function M.setup(options)
  local cmd = options and options.cmd or { 'grus', 'lsp' }
  vim.api.nvim_create_autocmd('FileType', { pattern = 'grus', callback = function(event)
    start(cmd, event.buf)
  end })
  vim.api.nvim_create_user_command('GrusDrawing', M.drawing, {})
end

return M
