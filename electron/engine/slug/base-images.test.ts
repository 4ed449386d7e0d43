import { describe, expect, it } from 'vitest';
import { baseImages } from './base-images.ts';

describe('the images that a Dockerfile begins with', () => {
  it('are those of its stages and copies, with build arguments, without its own stages', () => {
    const dockerfile = `# syntax=docker/dockerfile:1
ARG VERSION=1
ARG REGISTRY="registry.example.com"
ARG OPEN
from --platform=linux/amd64 $REGISTRY/base:\${VERSION} AS Build
FROM \\
  debian:13 AS run
FROM scratch
FROM build
FROM \${OPEN:-alpine}
ARG OPEN=late
FROM $OPEN/unknown
COPY --from=build --chown=1 /a /b
COPY --chown=1 --from=ghcr.io/tool:2 /a /b
COPY --from=0 /a /b
RUN echo FROM nowhere
`;
    expect(baseImages(dockerfile, { VERSION: '2' })).toEqual([
      ...['registry.example.com/base:2', 'debian:13', 'alpine', 'ghcr.io/tool:2'],
    ]);
  });
});
