# syntax is plain: it builds with Docker, Podman and Buildah alike.
ARG BASE_IMAGE=node:24-bookworm-slim

# ---- build: the packages of the lockfile, the production build, and of both only what runs --------------------------
FROM ${BASE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# Every package with a binary brings it along: no install script runs, and nothing is compiled.
RUN npm ci --include=dev --ignore-scripts
COPY . .
RUN node scripts/image/assemble.mjs /app

# ---- the image ------------------------------------------------------------------------------------------------------
FROM ${BASE_IMAGE}
# git and ssh read the configuration repository; tini passes signals on and reaps what git leaves. What builds (npm and
# its kin) is of no use to a dashboard and goes.
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ca-certificates git openssh-client tini \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log /usr/share/doc \
    /usr/share/man /usr/share/locale /usr/share/perl/*/unicore/lib /usr/share/gitweb /usr/local/include/node \
    /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* \
    /opt/yarn* \
  && mkdir /data && chown 1000:1000 /data && chmod 0700 /data
# By this the dashboard knows that its paths are the container's (lib/dashboard/data-folder.ts).
RUN touch /etc/nixfleet-container
COPY --from=build /app /app
COPY scripts/image/nixfleet /usr/local/bin/nixfleet
COPY scripts/image/health-check.mjs /app/health-check.mjs

# The same as in the file VERSION (a test compares them); update.sh and the build server say which commit it is.
ARG VERSION=4.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="NixFleet" \
  org.opencontainers.image.description="Self-hosted dashboard for fleets of NixOS and macOS hosts" \
  org.opencontainers.image.licenses="AGPL-3.0-only" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"

ENV NODE_ENV=production \
  NEXT_TELEMETRY_DISABLED=1 \
  NIXFLEET_DATA_DIR=/data
WORKDIR /app
USER 1000:1000
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# Often, because a proxy such as Traefik sends nobody here before the first check has passed.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["node", "/app/health-check.mjs"]
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["node", "--max-semi-space-size=8", "/app/dist/server.mjs"]
