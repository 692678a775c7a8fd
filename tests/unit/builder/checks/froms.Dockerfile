# check=experimental=all
ARG UNSET
ARG VERSION=1
# nothing about it
ARG OTHER
FROM busybox:$UNSET AS unset
FROM busybox as Base
FROM busybox AS base
FROM busybox AS dup
FROM --platform=$TARGETPLATFORM busybox AS dup
FROM --platform=linux/amd64 busybox AS constp
FROM --platform=linux/amd64 busybox AS build_amd64
FROM --platform=${TARGETPLATFORM} busybox AS context
# thing is wrong
ARG PASSWORD=x
expose 81
RUN echo \

  hi
RUN a
FROM scratch
WORKDIR a
SHELL ["x"]
CMD y
