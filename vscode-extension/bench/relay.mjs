/** Stands between the editor and the server, and writes down how long each request for ghost text took. */
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'

const [, , server, journal, ...given] = process.argv
const child = spawn(server, given, { stdio: ['pipe', 'pipe', 'inherit'] })
const asked = new Map()

const see = (handle) => {
  let data = Buffer.alloc(0)
  return (chunk) => {
    data = Buffer.concat([data, chunk])
    for (;;) {
      const end = data.indexOf('\r\n\r\n')
      const length = end < 0 ? NaN : Number(/Content-Length: (\d+)/i.exec(data.subarray(0, end))[1])
      if (!(data.length >= end + 4 + length)) {
        return
      }
      handle(JSON.parse(data.subarray(end + 4, end + 4 + length)))
      data = data.subarray(end + 4 + length)
    }
  }
}

process.stdin.on(
  'data',
  see((message) => {
    if (message.method === 'textDocument/inlineCompletion') {
      asked.set(message.id, performance.now())
    }
  }),
)
child.stdout.on(
  'data',
  see(({ id, method, result }) => {
    if (method === undefined && asked.has(id)) {
      appendFileSync(journal, `${performance.now() - asked.get(id)} ${result?.items?.length ?? 0}\n`)
    }
  }),
)
process.stdin.pipe(child.stdin)
child.stdout.pipe(process.stdout)
child.on('exit', (code) => process.exit(code ?? 1))
