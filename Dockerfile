# One image, two services: `callchain serve` and `callchain gateway run`.
#
#   docker build -t callchain .
#   docker run --env-file serve.env   -p 8000:8000 callchain
#   docker run --env-file gateway.env -p 5061:5061 callchain gateway run
#
# On Railway: two services from this repository, the gateway's with the start command `callchain gateway run`.
FROM debian:bookworm-slim AS build
WORKDIR /src
COPY . .
# ./dev knows what a build needs, and installs it.
RUN ./dev build && strip -o /callchain build/release/callchain

FROM debian:bookworm-slim
# tests/deploy_test.py holds this list against what the program is linked to.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libbrotli1 libc-ares2 libcurl4 libexpat1 libprometheus-cpp-core1.0 \
        libsofia-sip-ua0 libspdlog1.10 libssl3 libutf8proc2 libzstd1 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --home-dir / --shell /usr/sbin/nologin callchain
COPY --from=build /callchain /usr/bin/callchain
COPY LICENSE /usr/share/doc/callchain/copyright
USER callchain
LABEL org.opencontainers.image.title="callchain" \
      org.opencontainers.image.description="Voice calls from WhatsApp through Twilio to OpenAI Realtime: service, SIP gateway, diagnosis" \
      org.opencontainers.image.licenses="MIT"
# SIGTERM lets what is under way end; give it the time: docker run --stop-timeout 45.
STOPSIGNAL SIGTERM
# No ENTRYPOINT: a start command names the program, as platforms expect it.
CMD ["callchain", "serve"]
