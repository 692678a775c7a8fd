"""Help of the commands that Docker does not have, and of the groups. Form: see show.py."""

GROUPS = {
    "artifact": "Manage what refers to images in registries",
    "builder": "Manage builds",
    "checkpoint": "Manage checkpoints",
    "context": "Manage contexts",
    "container": "Manage containers",
    "image": "Manage images",
    "layers": "Look into the layers of images and containers",
    "manifest": "Manage Docker image manifests and manifest lists",
    "network": "Manage networks",
    "overlay": "See how union mounts work",
    "registry": "Be a registry for other machines",
    "system": "Manage Docker",
    "volume": "Manage volumes",
}

TEXT = """\
artifact attach [OPTIONS] IMAGE FILE
Store a file in the image's registry, referring to the image
  annotation list: Annotation of the artifact (key=value)
  media-type string: Media type of the file (default "application/octet-stream")
  type string: Type of the artifact (default "application/vnd.orlop.file")

artifact fetch [OPTIONS] REPOSITORY@DIGEST
Write the files of an artifact
  output string: Directory to write to (default ".")

artifact ls [OPTIONS] IMAGE
List what refers to an image
  format string: @FORMAT
  no-trunc: Don't truncate output
  quiet: Only display digests
  type string: Only artifacts of this type

bootstrap busybox|debian[:SUITE]
Make a first image from this machine's package mirror, without a registry

builder debug [STEP [COMMAND] [ARG...]]
Run a shell in the state in which a build step failed

builder prune [OPTIONS]
Remove build cache
  all: Remove all unused build cache, not just dangling ones
  filter filter: Provide filter values (e.g. "until=24h")
  force: Do not prompt for confirmation
  keep-storage bytes: Amount of disk space to keep for cache

chainid IMAGE
Show how the chain IDs of an image follow from its diff IDs

compose [ARG...]
Run docker-compose on orlop's daemon
>Run docker-compose on orlop's daemon.
>
>All arguments go to the docker-compose that is found: the one that ORLOP_COMPOSE names, a plugin
>of the Docker CLI, or a program on the PATH.

completion bash|zsh|fish
Print the completion script of a shell

exec kill [OPTIONS] EXEC [EXEC...]
Send a signal to processes started by exec
  signal string: Signal to send to the process (default "KILL")

exec ls [OPTIONS] [CONTAINER]
List the processes started by exec
  format string: @FORMAT
  no-trunc: Don't truncate output
  quiet: Only display exec IDs

help [OPTIONS] [COMMAND]
Help about the command
  map: Show all commands as a map

image chainid [OPTIONS] IMAGE
Show how the chain IDs of an image follow from its diff IDs

image verify [OPTIONS] IMAGE [IMAGE...]
Check that every layer and the configuration of an image still have their digests
  quiet: Only say what is wrong

layers show [OPTIONS] IMAGE|CONTAINER
Show which layer every path comes from and what it hides
  limit int: Paths to show, 0 for all (default 200)
  no-trunc: Don't truncate output

overlay demo [OPTIONS]
Mount an overlay in a private namespace and walk through merge, create, delete and modify
  dir string: Use this directory instead of a temporary one
  keep: Leave the directory behind

registry serve [OPTIONS]
Publish the local images as a registry until interrupted
  addr string: Address to listen on (default "127.0.0.1:5000")
  auth string: File of users and hashed passwords (htpasswd -B)
  insecure: Listen beyond this host without TLS or passwords
  proxy string: Serve this registry instead, and keep what was asked for (a pull-through mirror)
  quiet: Don't show requests
  read-only: Refuse pushes and deletions
  tlscert string: Path to TLS certificate file
  tlsclientca string: Ask every client for a certificate signed by this CA
  tlskey string: Path to TLS key file

system check [OPTIONS]
Hash all layers and images again, and look for what belongs to nobody
  quiet: Only say what is wrong
  repair: Remove what belongs to nobody, and damaged images that are not in use

system hand-back [OPTIONS]
Give the data root back to dockerd: end orlopd and leave everything as Docker keeps it
  force: Stop the running containers first

system import [OPTIONS] PATH [IMAGE...]
Import images from Podman's or Docker's store, an OCI layout or an archive on the daemon's host
  quiet: Suppress the import output

tags [OPTIONS] REPOSITORY
List the tags of a repository in its registry
  detail: Show digest, size, age and platforms of every tag
  limit int: Tags to show, 0 for all (default 0)
  platform string: Take size and age of this platform
"""
