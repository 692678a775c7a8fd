# check=experimental=all
ARG V
ARG W=latest
FROM busybox:${UNKNOWN:-latest} AS a
ENV AA=1
ARG BB=2
WORKDIR $NONE
FROM a AS b
ENV X=$AA Y=$BB
WORKDIR one
WORKDIR two
# F: is none
ARG F=1 G=2
ENV c \
  d
ENV H=$I I=1
ARG J=$K K=2 L=$K
COPY <<E ignor*.txt ../ignored.txt /x/
$AA ${NOSUCHNAME} \$N
E
RUN --mount=type=cache,target=/o$OTHERNAME true
CMD ["x"] y
FROM busybox
WORKDIR C:\x
CMD a \
  b \
  c
