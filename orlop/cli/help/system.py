# ruff: noqa: E501
"""Help of the commands without a noun. Form: see show.py. The wording follows the Docker CLI (Apache-2.0)."""

TEXT = """\
inspect [OPTIONS] NAME|ID [NAME|ID...]
Return low-level information on Docker objects
  format string: @INSPECT
  size: Display total file sizes if the type is container
  type string: Only inspect objects of the given type

login [OPTIONS] [SERVER]
Authenticate to a registry
>Authenticate to a registry.
>Defaults to Docker Hub if no server is specified.
  password string: Password or Personal Access Token (PAT)
  password-stdin: Take the Password or Personal Access Token (PAT) from stdin
  username string: Username

logout [SERVER]
Log out from a registry
>Log out from a registry.
>If no server is specified, the default is defined by the daemon.

search [OPTIONS] TERM
Search Docker Hub for images
  filter filter: Filter output based on conditions provided
  format string: Pretty-print search using a Go template
  limit int: Max number of search results
  no-trunc: Don't truncate output

system df [OPTIONS]
Show docker disk usage
  format string: @FORMAT
  verbose: Show detailed information on space usage

system events [OPTIONS]
Get real time events from the server
  filter filter: Filter output based on conditions provided
  format string: @INSPECT
  since string: Show all events created since timestamp
  until string: Stream events until this timestamp

system info [OPTIONS]
Display system-wide information
  format string: @INSPECT

system prune [OPTIONS]
Remove unused data
  all: Remove all unused images not just dangling ones
  filter filter: Provide filter values (e.g. "label=<key>=<value>")
  force: Do not prompt for confirmation
  volumes: Prune anonymous volumes

version [OPTIONS]
Show the Docker version information
  format string: @INSPECT
"""
