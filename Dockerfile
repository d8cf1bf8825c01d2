# One image, two services: `callchain serve` and `callchain gateway run`.
#
#   docker build -t callchain .
#   docker run --env-file serve.env   -p 8000:8000 callchain
#   docker run --env-file gateway.env -p 5061:5061 callchain callchain gateway run
#
# On Railway: docs/railway.md.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates
WORKDIR /src
COPY . .
# ./dev knows what a build needs, and installs it.
RUN ./dev build release callchain && deploy/image-files.sh build/release/callchain /image

# Nothing but the program and its libraries: no shell, no package manager.
FROM scratch
COPY --from=build /image /
# The number, so that a platform can see that it is not root's: callchain in /etc/passwd.
USER 65532:65532
ENV PATH=/usr/bin
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="callchain" \
      org.opencontainers.image.description="Voice calls from WhatsApp through Twilio to OpenAI Realtime: service, SIP gateway, diagnosis" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.vendor="The callchain authors" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# It asks whichever of the two services runs here. Unhealthy while draining as well: no new calls.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["callchain", "health", "--quiet"]
# SIGTERM lets what is under way end; give it the time: docker run --stop-timeout 45.
STOPSIGNAL SIGTERM
# No ENTRYPOINT: a start command names the program, as platforms expect it.
CMD ["callchain", "serve"]
