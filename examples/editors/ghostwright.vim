vim9script
# Ghost text in Vim 9, from `ghostwright lsp`. Put this file into ~/.vim/plugin/.
#
# g:ghostwright_command    the server; ['ghostwright', 'lsp'] if it is not set
# g:ghostwright_filetypes  where it completes; ['python']
# g:ghostwright_settings   what README.md lists, e.g. {max_lines: 3}
# g:ghostwright_key        what takes the ghost text; '<Tab>'
# g:ghostwright_status     what the server says of its state, for a status line

if !has('patch-9.0.0067') || !has('channel')
  finish
endif

const COMMAND: list<string> = get(g:, 'ghostwright_command', ['ghostwright', 'lsp'])
const FILETYPES: list<string> = get(g:, 'ghostwright_filetypes', ['python'])
const KEY: string = get(g:, 'ghostwright_key', '<Tab>')
const SETTINGS: dict<any> = get(g:, 'ghostwright_settings', {})
const AUTOMATIC = 2

g:ghostwright_status = ''

var server: job
var is_ready = false
var sent: dict<any> = {}   # by open buffer, the document that the server knows
var shown: dict<any> = {}  # the item that is drawn
var place: list<any> = []  # where it is drawn: Vim tells of keys that come at once only after the last of them

highlight default link Ghostwright Comment
if empty(prop_type_get('ghostwright'))
  prop_type_add('ghostwright', {highlight: 'Ghostwright'})
endif

# The server.

def Start()
  if job_status(server) ==# 'run'
    return
  elseif !executable(COMMAND[0])
    g:ghostwright_status = $'{COMMAND[0]} is not on the PATH'
    return
  endif
  server = job_start(COMMAND, {
    in_mode: 'lsp', out_mode: 'lsp', err_io: 'null', out_cb: Told, noblock: 1,
    exit_cb: (_, code) => Ended(code),
  })
  const parameters = {
    processId: getpid(),
    clientInfo: {name: 'Vim', version: v:version},
    rootUri: Uri(getcwd()),
    workspaceFolders: [{uri: Uri(getcwd()), name: fnamemodify(getcwd(), ':t')}],
    initializationOptions: SETTINGS,
    capabilities: {
      general: {positionEncodings: ['utf-8']},
      textDocument: {synchronization: {didSave: true}, inlineCompletion: {}},
    },
  }
  Request('initialize', parameters, (_) => {
    is_ready = true
    Notify('initialized', {})
    for buffer in getbufinfo({bufloaded: 1})
      Open(buffer.bufnr)
    endfor
  })
enddef

def Ended(code: number)
  is_ready = false
  sent = {}
  Clear()
  g:ghostwright_status = $'the server ended with code {code}'
  redrawstatus
enddef

def Told(_: channel, message: dict<any>)
  if message.method ==# 'didChangeStatus'
    g:ghostwright_status = message.params.message
    redrawstatus
  elseif has_key(message, 'id')
    Send({id: message.id, result: null})
  endif
enddef

def Request(method: string, parameters: dict<any>, Answered: func)
  Send({method: method, params: parameters}, {
    callback: (_, message) => has_key(message, 'result') ? Answered(message.result) : 0,
  })
enddef

def Notify(method: string, parameters: dict<any>)
  Send({method: method, params: parameters})
enddef

# Sends a message. That the server has ended is told by `Ended`, which may come later.
def Send(message: dict<any>, options: dict<any> = {})
  try
    ch_sendexpr(server, message, options)
  catch /E631:\|E906:/
  endtry
enddef

# Documents.

def Uri(path: string): string
  return 'file://' .. substitute(path, '[^A-Za-z0-9/._~-]', (found) => Escaped(found[0]), 'g')
enddef

# Its bytes, as addresses have them: `é` → `%C3%A9`.
def Escaped(character: string): string
  return range(len(character))->mapnew((_, at) => printf('%%%02X', char2nr(strpart(character, at, 1))))->join('')
enddef

def Text(buffer: number): string
  return getbufline(buffer, 1, '$')->join("\n") .. "\n"
enddef

def Document(buffer: number): dict<any>
  const name = bufname(buffer)
  const uri = empty(name) ? $'untitled:{buffer}' : Uri(fnamemodify(name, ':p'))
  return {uri: uri, version: getbufvar(buffer, 'changedtick')}
enddef

def Completes(buffer: number): bool
  return is_ready && index(FILETYPES, getbufvar(buffer, '&filetype')) >= 0 && getbufvar(buffer, '&buftype') ==# ''
enddef

def Open(buffer: number)
  if Completes(buffer) && !has_key(sent, buffer)
    const document = Document(buffer)
    sent[buffer] = document
    const opened = {languageId: getbufvar(buffer, '&filetype'), text: Text(buffer)}
    Notify('textDocument/didOpen', {textDocument: extendnew(document, opened)})
  endif
enddef

# Tells the server how a buffer has changed. One with another name is another document.
def Change(buffer: number)
  const document = Document(buffer)
  const known = get(sent, buffer, document)
  if known.uri !=# document.uri
    Close(buffer)
    Open(buffer)
  elseif known.version != document.version
    sent[buffer] = document
    Notify('textDocument/didChange', {textDocument: document, contentChanges: [{text: Text(buffer)}]})
  endif
enddef

def Save(buffer: number)
  Change(buffer)
  if has_key(sent, buffer)
    Notify('textDocument/didSave', {textDocument: sent[buffer]})
  endif
enddef

def Close(buffer: number)
  if has_key(sent, buffer)
    Notify('textDocument/didClose', {textDocument: remove(sent, buffer)})
  endif
enddef

# Ghost text.

# The state of the text, and the cursor.
def Place(): list<any>
  return [bufnr(), b:changedtick, getpos('.')]
enddef

# The line up to the cursor.
def Before(): string
  return strpart(getline('.'), 0, col('.') - 1)
enddef

# How many bytes behind the cursor an item replaces.
def Replaces(item: dict<any>): number
  return item.range.end.character - item.range.start.character
enddef

def Ask()
  Clear()
  const buffer = bufnr()
  Change(buffer)
  if !has_key(sent, buffer) || !Completes(buffer) || pumvisible()
    return
  endif
  const asked = Place()
  const parameters = {
    textDocument: sent[buffer],
    position: {line: line('.') - 1, character: strlen(iconv(Before(), &encoding, 'utf-8'))},
    context: {triggerKind: AUTOMATIC},
  }
  Request('textDocument/inlineCompletion', parameters, (result) => {
    if Place() == asked && mode() ==# 'i'
      Show(result)
    endif
  })
enddef

def Show(result: any)
  Clear()
  const items = type(result) == v:t_dict ? result.items : []
  if empty(items)
    return
  endif
  shown = items[0]
  place = Place()
  const lines = split(shown.insertText, "\n", true)
  DrawAround(lines[0], Replaces(shown))
  for line in lines[1 :]
    prop_add(line('.'), 0, {type: 'ghostwright', text: line ?? ' ', text_align: 'below'})
  endfor
enddef

# Draws a line around what it replaces, which stands there already: of `y] = x` the `y` before and ` = x` behind the `]`.
def DrawAround(text: string, width: number)
  const column = col('.')
  const found = stridx(text, strpart(getline('.'), column - 1, width))
  const middle = found < 0 ? len(text) : found
  for [at, part] in [[column, strpart(text, 0, middle)], [column + width, strpart(text, middle + width)]]
    if !empty(part)
      prop_add(line('.'), at, {type: 'ghostwright', text: part})
    endif
  endfor
enddef

def Clear()
  if !empty(shown)
    shown = {}
    if bufloaded(place[0])
      prop_remove({type: 'ghostwright', bufnr: place[0], all: true})
    endif
  endif
enddef

# Takes the ghost text; what the key does in Vim by itself, if there is none.
def Accept()
  if empty(shown) || place != Place()
    const expanding = len(mode(1)) == 1 ? "\<C-]>" : ''  # of an abbreviation, which no mapped key does by itself
    feedkeys(expanding .. eval($'"\{KEY}"'), 'ni')
    return
  endif
  const item = shown
  Clear()
  const behind = strpart(getline('.'), col('.') - 1 + Replaces(item))
  const lines = split(Before() .. item.insertText, "\n", true)
  const number = line('.')
  const column = len(lines[-1]) + 1
  setline(number, lines[0])
  append(number, lines[1 :])
  const last = number + len(lines) - 1
  setline(last, lines[-1] .. behind)
  cursor(last, column)
  Request('workspace/executeCommand', {command: item.command.command, arguments: item.command.arguments}, (_) => 0)
enddef

execute 'inoremap' KEY '<ScriptCmd>Accept()<CR>'

augroup ghostwright
  autocmd!
  autocmd FileType * if index(FILETYPES, &filetype) >= 0 | Start() | Open(bufnr()) | endif
  autocmd TextChangedI * Ask()
  autocmd CursorMovedI,TextChangedP * Clear()
  autocmd InsertLeave * Clear()
  autocmd TextChanged * Change(bufnr())
  autocmd BufWritePost * Save(bufnr())
  autocmd BufUnload * Close(str2nr(expand('<abuf>')))
augroup END
