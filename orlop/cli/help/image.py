# ruff: noqa: E501
"""Help of the image commands. Form: see show.py. The wording follows the Docker CLI (Apache-2.0)."""

TEXT = """\
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
"""
