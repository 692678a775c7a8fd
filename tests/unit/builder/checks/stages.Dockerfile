# check=experimental=all
ARG VERSION=1
# base is described
FROM busybox AS base
# wrong
FROM base AS ctx
FROM busybox AS final
# FOO is fine
ARG FOO
ARG PASSWORD=x
ENV API_KEY y
LABEL a b
ENV GITHUB_TOKEN=1 PUBLIC_KEY=2
WORKDIR rel
RUN echo $FOO ${PAHT} $HOME $VERSION
COPY $UNKNOWN /x
ENV X=$UNDEF
ENV Y=$PAHT
LABEL l=$FO
EXPOSE 80/TCP 127.0.0.1:80:80 82/Udp $PORT
CMD a
CMD ["b"]
ENTRYPOINT e
HEALTHCHECK CMD x
HEALTHCHECK NONE
COPY ignored.txt /
ADD ignored.txt /b
COPY --from=base ignored.txt /
COPY *.txt sub/none /c/
WORKDIR /abs
WORKDIR rel2
ENV F1=1 \
  SECRET=$F2 \
  F4=${b#x} F5=${F1:+y}
FROM busybox
ENV FOOBAR=1 ab=2
ENV x=$FOOBAZ y=$FOBR z=$foobar q=$AB r=$HOMEE s=$PATHS
USER $n1
WORKDIR $n2/x
MAINTAINER $n3
COPY --chown=$n7 . .
LABEL $n14=b
ARG Q=$NOPE
FROM final
COPY $Q /x
WORKDIR rel3
COPY ignored.txt /d
