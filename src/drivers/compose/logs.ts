import type { ContainerLine } from '../../adapters/docker/container-logs.ts';
import type { Containers } from '../../adapters/docker/containers.ts';
import type { LogLine } from '../../lifecycle/environment.ts';
import type { ContainerInstance } from './instances.ts';

interface LogOptions {
  readonly since?: Date;
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** The lines of all containers of a service: one after another, or, followed, as they come. */
export async function* logsOf(
  containers: Containers,
  instances: () => Promise<ContainerInstance[]>,
  options: LogOptions,
): AsyncIterable<LogLine> {
  const sources = (await instances()).map(({ id, container }) => ({
    id,
    lines: containers.lines(container.Id, options),
  }));
  if (options.follow) {
    yield* asTheyCome(sources);
    return;
  }
  for (const { id, lines } of sources) for await (const { text } of lines) yield { instance: id, text };
}

interface Source {
  readonly id: string;
  readonly lines: AsyncIterable<ContainerLine>;
}

async function* asTheyCome(sources: readonly Source[]): AsyncIterable<LogLine> {
  const next = async (id: string, lines: AsyncIterator<ContainerLine>) => ({
    id,
    lines,
    result: await lines.next(),
  });
  const waiting = new Map(
    sources.map(({ id, lines }) => {
      const iterator = lines[Symbol.asyncIterator]();
      return [id, next(id, iterator)] as const;
    }),
  );
  while (waiting.size > 0) {
    const { id, lines, result } = await Promise.race(waiting.values());
    if (result.done) waiting.delete(id);
    else {
      waiting.set(id, next(id, lines));
      yield { instance: id, text: result.value.text };
    }
  }
}
