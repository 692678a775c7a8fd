FROM busybox AS final
ARG WHO
COPY . /web
RUN --mount=type=cache,target=/c echo "hello $WHO" > /said
CMD ["sleep", "600"]
FROM busybox
RUN exit 1
