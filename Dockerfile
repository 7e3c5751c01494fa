# syntax=docker/dockerfile:1
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package souk

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/souk /usr/local/bin/souk
VOLUME /data
EXPOSE 8080
HEALTHCHECK CMD ["/usr/local/bin/souk", "healthcheck", "--address", "127.0.0.1:8080"]
ENTRYPOINT ["/usr/local/bin/souk"]
CMD ["serve", "--data", "/data", "--listen", "0.0.0.0:8080"]
