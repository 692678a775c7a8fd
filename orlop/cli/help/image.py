# ruff: noqa: E501
"""Help of the image commands. Form: see show.py. The wording follows the Docker CLI (Apache-2.0)."""

TEXT = """\
image build [OPTIONS] PATH | URL | -
Build an image from a Dockerfile
  add-host list: Add a custom host-to-IP mapping ("host:ip")
  allow strings: Allow extra privileged entitlement (e.g., "security.insecure")
  annotation list: Add annotation to the image (in a registry or an OCI layout)
  attest list: Attestation parameters (format: "type=sbom", "type=provenance,mode=max")
  build-arg list: Set build-time variables
  build-context list: Additional build contexts (e.g., name=path)
  cache-from list: External cache sources (e.g., "user/app:cache", "type=local,src=path/to/dir")
  cache-to list: Cache export destinations (e.g., "user/app:cache", "type=local,dest=path/to/dir")
  cgroup-parent string: Set the parent cgroup for the "RUN" instructions during build
  check: Check the Dockerfile, build nothing
  compress: Compress the build context using gzip
  cpu-period int: Limit the CPU CFS (Completely Fair Scheduler) period
  cpu-quota int: Limit the CPU CFS (Completely Fair Scheduler) quota
  cpu-shares int: CPU shares (relative weight)
  cpuset-cpus string: CPUs in which to allow execution (0-3, 0,1)
  cpuset-mems string: MEMs in which to allow execution (0-3, 0,1)
  disable-content-trust: Skip image verification (default true)
  explain: Say of each step why it was or was not taken from the cache
  file string: Name of the Dockerfile (Default is "PATH/Dockerfile")
  force-rm: Always remove intermediate containers
  iidfile string: Write the image ID to the file
  isolation string: Container isolation technology
  label list: Set metadata for an image
  load: Shorthand for "--output=type=docker"
  memory bytes: Memory limit
  memory-swap bytes: Swap limit equal to memory plus swap: -1 to enable unlimited swap
  metadata-file string: Write build result metadata to a file
  network string: Set the networking mode for the RUN instructions during build (default "default")
  no-cache: Do not use cache when building the image
  no-cache-filter list: Do not cache specified stages
  output list: Output destination (format: "type=local,dest=path")
  platform string: Set target platform for build ("linux/amd64,linux/arm64" with --push or -o type=oci)
  progress string: Set type of progress output ("auto", "plain", "tty", "rawjson", "quiet") (default "auto")
  provenance string: Shorthand for "--attest=type=provenance"
  pull: Always attempt to pull a newer version of the image
  push: Shorthand for "--output=type=registry"
  quiet: Suppress the build output and print image ID on success
  rm: Remove intermediate containers after a successful build (default true)
  sbom string: Shorthand for "--attest=type=sbom"
  secret list: Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")
  security-opt strings: Security options
  shm-size bytes: Size of "/dev/shm"
  squash: Squash newly built layers into a single new layer
  ssh list: SSH agent socket to expose to the build (format: "default|<id>[=<socket>]")
  tag list: Name and optionally a tag in the "name:tag" format
  target string: Set the target build stage to build.
  ulimit ulimit: Ulimit options (default [])
  verify: Build twice and compare: the image must come out the same

image history [OPTIONS] IMAGE
Show the history of an image
  format string: @FORMAT
  human: Print sizes and dates in human readable format (default true)
  no-trunc: Don't truncate output
  platform string: Show history for the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")
  quiet: Only show image IDs

image import [OPTIONS] file|URL|- [REPOSITORY[:TAG]]
Import the contents from a tarball to create a filesystem image
  change list: Apply Dockerfile instruction to the created image
  message string: Set commit message for imported image
  platform string: Set platform if server is multi-platform capable

image inspect [OPTIONS] IMAGE [IMAGE...]
Display detailed information on one or more images
  format string: @INSPECT
  platform string: Inspect a specific platform of the multi-platform image.
    |If the image or the server is not multi-platform capable, the command will error out if the platform does not match.
    |'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)

image load [OPTIONS]
Load an image from a tar archive or STDIN
  input string: Read from tar archive file, instead of STDIN
  platform string: Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")
  quiet: Suppress the load output

image ls [OPTIONS] [REPOSITORY[:TAG]]
List images
  all: Show all images (default hides intermediate images)
  digests: Show digests
  filter filter: Filter output based on conditions provided
  format string: @FORMAT
  no-trunc: Don't truncate output
  quiet: Only show image IDs
  tree: List multi-platform images as a tree (EXPERIMENTAL)

image prune [OPTIONS]
Remove unused images
  all: Remove all unused images, not just dangling ones
  filter filter: Provide filter values (e.g. "until=<timestamp>")
  force: Do not prompt for confirmation

image pull [OPTIONS] NAME[:TAG|@DIGEST]
Download an image from a registry
  all-tags: Download all tagged images in the repository
  disable-content-trust: Skip image verification (default true)
  platform string: Set platform if server is multi-platform capable
  quiet: Suppress verbose output

image push [OPTIONS] NAME[:TAG]
Upload an image to a registry
  all-tags: Push all tags of an image to the repository
  disable-content-trust: Skip image signing (default true)
  platform string: Push a platform-specific manifest as a single-platform image to the registry.
    |Image index won't be pushed, meaning that other manifests, including attestations won't be preserved.
    |'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)
  quiet: Suppress verbose output

image rm [OPTIONS] IMAGE [IMAGE...]
Remove one or more images
  force: Force removal of the image
  no-prune: Do not delete untagged parents
  platform strings: Remove only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")

image save [OPTIONS] IMAGE [IMAGE...]
Save one or more images to a tar archive (streamed to STDOUT by default)
  output string: Write to a file, instead of STDOUT
  platform string: Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")

image tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]
Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE

manifest annotate [OPTIONS] MANIFEST_LIST MANIFEST
Add additional information to a local image manifest
  arch string: Set architecture
  os string: Set operating system
  os-features strings: Set operating system feature
  os-version string: Set operating system version
  variant string: Set architecture variant

manifest create MANIFEST_LIST MANIFEST [MANIFEST...]
Create a local manifest list for annotating and pushing to a registry
  amend: Amend an existing manifest list
  insecure: Allow communication with an insecure registry

manifest inspect [OPTIONS] [MANIFEST_LIST] MANIFEST
Display an image manifest, or manifest list
  insecure: Allow communication with an insecure registry
  verbose: Output additional info including layers and platform

manifest push [OPTIONS] MANIFEST_LIST
Push a manifest list to a repository
  insecure: Allow push to an insecure registry
  purge: Remove the local manifest list after push

manifest rm MANIFEST_LIST [MANIFEST_LIST...]
Delete one or more manifest lists from local storage
"""
