import { Undetermined } from '../../lifecycle/errors.ts';

/** How the `image` of a service in a compose file gets its tag. */
export interface ImageText {
  /** the variable that holds the tag; null: the tag itself is written there */
  readonly variable: string | null;
  /** what the variable must be, or what must be written instead, for another tag */
  with(image: { readonly repository: string; readonly tag: string }): string;
}

/** ${NAME}, ${NAME:-default}, ${NAME:?message} and $NAME, as compose interpolates them */
const reference = /\$(?:\{([A-Za-z_]\w*)(?::?[-?][^{}]*)?\}|([A-Za-z_]\w*))/g;

/** "${REGISTRY}/backend:${TAG:-latest}" */
export function imageText(text: string): ImageText {
  const names: string[] = [];
  // A default may hold what otherwise parts repository and tag.
  const outline = text.replaceAll(reference, (_, braced?: string, bare?: string) => {
    names.push(braced ?? bare ?? '');
    return place;
  });
  if (outline.includes('$') || outline.includes('@')) throw notUnderstood(text);

  const colon = outline.indexOf(':', outline.lastIndexOf('/') + 1);
  const tag = colon === -1 ? '' : outline.slice(colon + 1);
  const [before = '', after, more] = tag.split(place);
  const variable = names.at(-1);
  if (more !== undefined) throw notUnderstood(text);
  if (after !== undefined && variable !== undefined)
    return { variable, with: (image) => between(before, image.tag, after, text) };
  if (outline === place && variable !== undefined)
    return { variable, with: (image) => `${image.repository}:${image.tag}` };
  const repository = colon === -1 ? text : text.slice(0, text.length - tag.length - 1);
  return { variable: null, with: (image) => `${repository}:${image.tag}` };
}

/** Stands for a variable: a letter that nobody uses. */
const place = '\uE000';

function between(before: string, tag: string, after: string, text: string): string {
  const fits = tag.startsWith(before) && tag.endsWith(after) && tag.length > before.length + after.length;
  if (fits) return tag.slice(before.length, tag.length - after.length);
  throw new Undetermined(`the tag ${tag} does not fit the image ${text} of the compose file`, {
    hint: `it takes a tag that reads ${before}...${after}`,
  });
}

function notUnderstood(text: string): Undetermined {
  return new Undetermined(`which part of the image ${text} is its tag cannot be told`, {
    hint: 'write it as name:tag or name:$VARIABLE in the compose file',
  });
}
