# One image for every role of Solstice CI: `docker run … solstice-ci serve --roles forge,api`.
# Plain `docker build .` makes it, with the classic builder as well as with BuildKit: nothing here needs either.

# A tag of one exact version, so that two builds of one commit start from the same. Any image with glibc, Node.js and
# util-linux's flock will do, such as one of your own: docker build --build-arg BASE=… .
ARG BASE=node:24.18.0-bookworm-slim

FROM ${BASE} AS base
# What is missing in the base only: git and ssh fetch the sources of jobs, authorities verify who is asked.
RUN missing=''; \
    for program in git ssh flock; do command -v "$program" >/dev/null || missing="$missing $program"; done; \
    test -s /etc/ssl/certs/ca-certificates.crt || missing="$missing authorities"; \
    if [ -n "$missing" ]; then \
      apt-get update \
      && apt-get install -y --no-install-recommends git openssh-client util-linux ca-certificates \
      && rm -rf /var/lib/apt/lists/*; \
    fi
WORKDIR /solstice

# The few files that decide what is installed: libraries stay cached until one of these changes.
FROM base AS manifests
COPY . /checkout
RUN cd /checkout \
    && mkdir /manifests \
    && cp package.json pnpm-lock.yaml pnpm-workspace.yaml .npmrc /manifests/ \
    && for file in packages/*/package.json e2e/package.json; do \
         mkdir -p "/manifests/$(dirname "$file")" && cp "$file" "/manifests/$file"; \
       done

FROM base AS tools
# Where packages come through a mirror of your own.
ARG NPM_CONFIG_REGISTRY
COPY --from=manifests /manifests/ ./
RUN command -v pnpm >/dev/null \
    || npm install --global "$(node --print 'require("./package.json").packageManager')"

FROM tools AS build
ARG INSTALL_OPTIONS=""
RUN pnpm install --frozen-lockfile ${INSTALL_OPTIONS}
COPY . .
RUN node_modules/.bin/tsc -b && node packages/runner/build.mjs
# Everything that runs, and nothing that it was made of.
RUN rm -rf packages/testing packages/cidev \
    && mkdir /built \
    && for path in packages/*/package.json packages/*/bin packages/*/dist packages/runner/bundle.mjs migrations; do \
         mkdir -p "/built/$(dirname "$path")" && cp -r "$path" "/built/$path" || exit 1; \
       done \
    && cp package.json deploy/healthcheck.mjs LICENSE /built/

FROM tools AS libraries
ARG INSTALL_OPTIONS=""
RUN pnpm install --frozen-lockfile --prod ${INSTALL_OPTIONS} --filter '@solstice/solstice...' --filter '@solstice/ciadm...' \
    && rm -rf e2e packages/testing packages/cidev

FROM base AS runtime
COPY --from=libraries /solstice/ ./
COPY --from=build /built/ ./
# A user by number too, for file systems where names mean nothing. An orchestrator runs as root: see docker-compose.yml.
RUN echo 'solstice:x:10001:10001::/var/lib/solstice:/bin/false' >> /etc/passwd \
    && echo 'solstice:x:10001:' >> /etc/group \
    && mkdir -p /usr/local/bin /var/lib/solstice \
    && chown 10001:10001 /var/lib/solstice \
    && ln -s /solstice/packages/solstice/bin/solstice.js /usr/local/bin/solstice \
    && ln -s /solstice/packages/ciadm/bin/ciadm.js /usr/local/bin/ciadm
ENV NODE_ENV=production \
    HOME=/var/lib/solstice \
    SOLSTICE_DATA_DIR=/var/lib/solstice
USER 10001:10001
WORKDIR /var/lib/solstice
EXPOSE 8420 8421 8422
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "/solstice/healthcheck.mjs"]
ENTRYPOINT ["solstice"]
CMD ["--help"]
