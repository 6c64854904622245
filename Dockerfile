# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# grus as an image: the Debian packages of scripts/deb on a slim Debian, without what built them.
#
#   docker build -t grus --build-arg COMMIT="$(git rev-parse --short=10 HEAD)" .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" grus check model.grus
#
#   DEBIAN   the release of Debian
#   COMMIT   what `grus version` says of the source, which comes without its history
#   TOOLS    further packages; by default the C compiler that links what --emit=exe makes
ARG DEBIAN=bookworm

FROM debian:${DEBIAN}-slim AS build
WORKDIR /grus
COPY scripts/setup scripts/packages.txt scripts/
RUN scripts/setup --build && apt-get install -y --no-install-recommends dpkg-dev
COPY . .
ARG COMMIT
ENV DEBFULLNAME="the grus authors" DEBEMAIL=grus@localhost
RUN echo "$COMMIT" > cmake/commit.txt \
    && cmake --preset release -DGRUS_TESTS=OFF \
    && cmake --build --preset release \
    && scripts/deb build/release /packages

FROM debian:${DEBIAN}-slim
ARG TOOLS="gcc libc6-dev"
RUN --mount=type=bind,from=build,source=/packages,target=/packages \
    apt-get update \
    && apt-get install -y --no-install-recommends /packages/*.deb $TOOLS \
    && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 grus
ARG COMMIT
LABEL org.opencontainers.image.title="grus" \
      org.opencontainers.image.description="compiler for trained recurrent neural networks" \
      org.opencontainers.image.licenses="Apache-2.0 WITH LLVM-exception" \
      org.opencontainers.image.revision="${COMMIT}"
USER grus
WORKDIR /work
ENTRYPOINT ["grus"]
CMD ["--help"]
