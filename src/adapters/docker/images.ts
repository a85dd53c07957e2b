import { Undetermined } from '../../lifecycle/errors.ts';
import { type Engine, EngineError } from './engine.ts';

export interface EngineImage {
  readonly id: string;
  /** "registry.example.com/backend:14" */
  readonly references: readonly string[];
  readonly createdAt: Date;
}

/** Images that an engine has. Nothing is ever pulled. */
export interface Images {
  /** undefined: the engine does not have it */
  find(reference: string, signal?: AbortSignal): Promise<EngineImage | undefined>;
  /** those with a tag of the repository, the newest first */
  of(repository: string): Promise<EngineImage[]>;
}

export function imagesOf(engine: Engine): Images {
  return {
    async find(reference, signal) {
      try {
        const { Id, RepoTags, Created } = await engine.json<{
          Id: string;
          RepoTags: string[] | null;
          Created: string;
        }>({ path: `/images/${reference}/json`, shape: { Id: '', Created: '' }, ...(signal && { signal }) });
        return { id: Id, references: RepoTags ?? [], createdAt: new Date(Created) };
      } catch (error) {
        if (error instanceof EngineError && error.status === 404) return undefined;
        throw error;
      }
    },
    async of(repository) {
      const images = await engine.json<{ Id: string; RepoTags: string[] | null; Created: number }[]>({
        path: '/images/json',
        shape: [{ Id: '', Created: 0 }],
        query: { filters: JSON.stringify({ reference: [repository] }) },
      });
      return images
        .map(({ Id, RepoTags, Created }) => ({
          id: Id,
          references: (RepoTags ?? []).filter((one) => splitReference(one).repository === repository),
          createdAt: new Date(Created * 1_000),
        }))
        .sort((a, b) => Number(b.createdAt) - Number(a.createdAt));
    },
  };
}

/** "registry:5000/backend:14" -> registry:5000/backend and 14; without a tag it is "latest". */
export function splitReference(reference: string): { readonly repository: string; readonly tag: string } {
  const colon = reference.indexOf(':', reference.lastIndexOf('/') + 1);
  if (reference.includes('@') || reference.startsWith('sha256:')) {
    throw new Undetermined(`${reference} names an image by its digest, and has no tag`, {
      hint: 'give it one: docker tag',
    });
  }
  return colon === -1
    ? { repository: reference, tag: 'latest' }
    : { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}
