import type { ChildProcess } from 'node:child_process';

export function exitCodeOf(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => (error.name === 'AbortError' ? resolve(null) : reject(error)));
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
}

export function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  return () => text.trim();
}
