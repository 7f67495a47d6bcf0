// Asks yaml-language-server, which most editors use for YAML, what it shows at some places of a project's files.
//
//   node ask.mjs PROJECT_DIR < questions.json
//
// A question is {name, ask, path, text}: `ask` is `completion`, `hover` or `diagnostics`; `text` is what the file holds in the editor, with a
// `‸` where the cursor is. The answers go to stdout, as text that people read. What the server knows of schemas is in the files' first lines.
//
// The server is the last that runs on the Node of Debian 12; its 2.0 gives the same answers.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const CURSOR = '‸';
const SECONDS_MAX = 60;

// It would fetch a list of schemas from the network.
const SETTINGS = { yaml: { schemaStore: { enable: false } } };

// What of the protocol is needed: messages with their lengths, answers by number, and what the server says by itself.
class Server {
  constructor(program, root) {
    this.child = spawn(process.execPath, [program, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.unread = Buffer.alloc(0);
    this.count = 0;
    this.waiting = new Map();
    this.problems = new Map();
    this.child.stdout.on('data', (bytes) => this.read(bytes));
    this.root = root;
  }

  read(bytes) {
    this.unread = Buffer.concat([this.unread, bytes]);
    for (;;) {
      const end = this.unread.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.unread.subarray(0, end))[1]);
      if (this.unread.length < end + 4 + length) return;
      const body = this.unread.subarray(end + 4, end + 4 + length);
      this.unread = this.unread.subarray(end + 4 + length);
      this.take(JSON.parse(body));
    }
  }

  take(message) {
    if (message.method === 'textDocument/publishDiagnostics') {
      const { uri, diagnostics } = message.params;
      this.problems.get(uri)?.(diagnostics);
    } else if (message.method && message.id !== undefined) {
      // It asks for settings, and to be told of changes, of which there are none.
      const items = message.params?.items;
      this.send({ id: message.id, result: items ? items.map(({ section }) => SETTINGS[section] ?? null) : null });
    } else if (message.id !== undefined) {
      this.waiting.get(message.id)(message);
      this.waiting.delete(message.id);
    }
  }

  send(message) {
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
    this.child.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.child.stdin.write(body);
  }

  tell(method, params) {
    this.send({ method, params });
  }

  ask(method, params) {
    const id = ++this.count;
    this.send({ id, method, params });
    return new Promise((resolve, reject) => {
      this.waiting.set(id, ({ result, error }) => (error ? reject(new Error(error.message)) : resolve(result)));
    });
  }

  async start() {
    const uri = pathToFileURL(this.root).href;
    const hover = { contentFormat: ['markdown'] };
    const completion = { completionItem: { documentationFormat: ['markdown'], snippetSupport: true } };
    const capabilities = { textDocument: { hover, completion }, workspace: { configuration: true } };
    await this.ask('initialize', { processId: process.pid, rootUri: uri, capabilities, workspaceFolders: null });
    this.tell('initialized', {});
  }

  // Opens a file as it stands in the editor; gives the problems that the server finds in it. The server keeps what it read of a version.
  open(uri, text) {
    const problems = new Promise((resolve) => this.problems.set(uri, resolve));
    this.tell('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version: ++this.count, text } });
    return problems;
  }

  // Closes it; the server takes its problems back, which must not be taken for those of the next text.
  close(uri) {
    const taken = new Promise((resolve) => this.problems.set(uri, resolve));
    this.tell('textDocument/didClose', { textDocument: { uri } });
    return taken;
  }
}

const plain = (text) => (typeof text === 'string' ? text : text?.value ?? '').trim();
const inOneLine = (text) => plain(text).replace(/\s*\n\s*/g, ' / ');

function place(text) {
  const before = text.slice(0, text.indexOf(CURSOR)).split('\n');
  return { line: before.length - 1, character: before.at(-1).length };
}

const ANSWERS = {
  async completion(server, at) {
    const { items } = await server.ask('textDocument/completion', at);
    return items.map((item) => `${item.label}\t${inOneLine(item.documentation)}`).sort();
  },
  async hover(server, at) {
    const hover = await server.ask('textDocument/hover', at);
    return hover ? plain(hover.contents).split('\n') : ['nothing'];
  },
  async diagnostics(_server, _at, problems) {
    const shown = ({ range, message }) => `${range.start.line + 1}:${range.start.character + 1}\t${inOneLine(message)}`;
    const found = await problems;
    return found.length ? found.map(shown) : ['nothing'];
  },
};

async function answer(server, { ask, path: file, text }) {
  const uri = pathToFileURL(path.join(server.root, file)).href;
  const problems = server.open(uri, text.replace(CURSOR, ''));
  const at = { textDocument: { uri }, position: text.includes(CURSOR) ? place(text) : undefined };
  const lines = await ANSWERS[ask](server, at, problems);
  await server.close(uri);
  return lines;
}

const root = path.resolve(process.argv[2]);
const program = createRequire(import.meta.url).resolve('yaml-language-server/bin/yaml-language-server');
const server = new Server(program, root);
setTimeout(() => {
  console.error(`the language server has not answered within ${SECONDS_MAX} seconds`);
  process.exit(1);
}, SECONDS_MAX * 1000).unref();
await server.start();
for (const question of JSON.parse(readFileSync(0, 'utf8'))) {
  const lines = await answer(server, question);
  console.log([`${question.ask}: ${question.name}`, ...lines].join('\n  ') + '\n');
}
server.child.kill();
