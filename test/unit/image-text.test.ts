// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how compose files are written
import { describe, expect, it } from 'vitest';
import { imageText } from '../../src/adapters/docker/image-text.ts';
import { splitReference } from '../../src/adapters/docker/images.ts';

const image = { repository: 'registry:5000/exam/backend', tag: 'v7' };

describe('the image of a service in a compose file', () => {
  it.each([
    ['backend:${TAG}', 'TAG', 'v7'],
    ['$REGISTRY/backend:$TAG', 'TAG', 'v7'],
    ['${REGISTRY:-ghcr.io:443/exam}/backend:${TAG:-latest}', 'TAG', 'v7'],
    ['registry:5000/backend:v${NUMBER:?which}', 'NUMBER', '7'],
    ['${BACKEND_IMAGE}', 'BACKEND_IMAGE', 'registry:5000/exam/backend:v7'],
    ['backend:v6', null, 'backend:v7'],
    ['registry:5000/backend', null, 'registry:5000/backend:v7'],
    ['${REGISTRY}/backend:v6', null, '${REGISTRY}/backend:v7'],
  ])('%s has its tag in %s, and is set to %s', (text, variable, expected) => {
    const found = imageText(text);

    expect(found.variable).toBe(variable);
    expect(found.with(image)).toBe(expected);
  });

  it.each(['backend:${MAJOR}.${MINOR}', 'backend@sha256:0123', 'backend:${TAG:+x}', 'backend:${A:-${B}}'])(
    '%s has a tag that cannot be told',
    (text) => {
      expect(() => imageText(text)).toThrow('is its tag cannot be told');
    },
  );

  it('takes no tag that does not fit what is written around its variable', () => {
    expect(() => imageText('backend:v${NUMBER}-slim').with(image)).toThrow('the tag v7 does not fit');
  });
});

describe('the name of an image', () => {
  it.each([
    ['registry:5000/backend', 'registry:5000/backend', 'latest'],
    ['registry:5000/backend:14', 'registry:5000/backend', '14'],
    ['backend:14', 'backend', '14'],
  ])('%s is %s with the tag %s', (reference, repository, tag) => {
    expect(splitReference(reference)).toEqual({ repository, tag });
  });

  it('that is a digest has no tag', () => {
    expect(() => splitReference('sha256:0123')).toThrow('has no tag');
  });
});
