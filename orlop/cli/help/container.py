# ruff: noqa: E501
"""Help of the container commands. Form: see show.py. The wording follows the Docker CLI (Apache-2.0)."""

TEXT = """\
container attach [OPTIONS] CONTAINER
Attach local standard input, output, and error streams to a running container
  detach-keys string: Override the key sequence for detaching a container
  no-stdin: Do not attach STDIN
  sig-proxy: Proxy all received signals to the process (default true)

container commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]
Create a new image from a container's changes
  author string: Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")
  change list: Apply Dockerfile instruction to the created image
  message string: Commit message
  pause: Pause container during commit (default true)

container cp [OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-
+	orlop cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH
Copy files/folders between a container and the local filesystem
>
>Use '-' as the source to read a tar archive from stdin
>and extract it to a directory destination in a container.
>Use '-' as the destination to stream a tar archive of a
>container source to stdout.
  archive: Archive mode (copy all uid/gid information)
  follow-link: Always follow symbol link in SRC_PATH
  quiet: Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached

container diff CONTAINER
Inspect changes to files or directories on a container's filesystem

container exec [OPTIONS] CONTAINER COMMAND [ARG...]
Execute a command in a running container
  detach: Detached mode: run command in the background
  detach-keys string: Override the key sequence for detaching a container
  env list: Set environment variables
  env-file list: Read in a file of environment variables
  interactive: Keep STDIN open even if not attached
  privileged: Give extended privileges to the command
  tty: Allocate a pseudo-TTY
  user string: Username or UID (format: "<name|uid>[:<group|gid>]")
  workdir string: Working directory inside the container

container export [OPTIONS] CONTAINER
Export a container's filesystem as a tar archive
  output string: Write to a file, instead of STDOUT

container inspect [OPTIONS] CONTAINER [CONTAINER...]
Display detailed information on one or more containers
  format string: @INSPECT
  size: Display total file sizes

container kill [OPTIONS] CONTAINER [CONTAINER...]
Kill one or more running containers
  signal string: Signal to send to the container

container logs [OPTIONS] CONTAINER
Fetch the logs of a container
  details: Show extra details provided to logs
  follow: Follow log output
  since string: Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)
  tail string: Number of lines to show from the end of the logs (default "all")
  timestamps: Show timestamps
  until string: Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)

container ls [OPTIONS]
List containers
  all: Show all containers (default shows just running)
  filter filter: Filter output based on conditions provided
  format string: @FORMAT
  last int: Show n last created containers (includes all states) (default -1)
  latest: Show the latest created container (includes all states)
  no-trunc: Don't truncate output
  quiet: Only display container IDs
  size: Display total file sizes

container pause CONTAINER [CONTAINER...]
Pause all processes within one or more containers

container port CONTAINER [PRIVATE_PORT[/PROTO]]
List port mappings or a specific mapping for the container

container prune [OPTIONS]
Remove all stopped containers
  filter filter: Provide filter values (e.g. "until=<timestamp>")
  force: Do not prompt for confirmation

container rename CONTAINER NEW_NAME
Rename a container

container restart [OPTIONS] CONTAINER [CONTAINER...]
Restart one or more containers
  signal string: Signal to send to the container
  timeout int: Seconds to wait before killing the container

container rm [OPTIONS] CONTAINER [CONTAINER...]
Remove one or more containers
  force: Force the removal of a running container (uses SIGKILL)
  link: Remove the specified link
  volumes: Remove anonymous volumes associated with the container

container start [OPTIONS] CONTAINER [CONTAINER...]
Start one or more stopped containers
  attach: Attach STDOUT/STDERR and forward signals
  detach-keys string: Override the key sequence for detaching a container
  interactive: Attach container's STDIN

container stats [OPTIONS] [CONTAINER...]
Display a live stream of container(s) resource usage statistics
  all: Show all containers (default shows just running)
  format string: @FORMAT
  no-stream: Disable streaming stats and only pull the first result
  no-trunc: Do not truncate output

container stop [OPTIONS] CONTAINER [CONTAINER...]
Stop one or more running containers
  signal string: Signal to send to the container
  timeout int: Seconds to wait before killing the container

container top CONTAINER [ps OPTIONS]
Display the running processes of a container

container unpause CONTAINER [CONTAINER...]
Unpause all processes within one or more containers

container update [OPTIONS] CONTAINER [CONTAINER...]
Update configuration of one or more containers
  blkio-weight uint16: Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)
  cpu-period int: Limit CPU CFS (Completely Fair Scheduler) period
  cpu-quota int: Limit CPU CFS (Completely Fair Scheduler) quota
  cpu-rt-period int: Limit the CPU real-time period in microseconds
  cpu-rt-runtime int: Limit the CPU real-time runtime in microseconds
  cpu-shares int: CPU shares (relative weight)
  cpus decimal: Number of CPUs
  cpuset-cpus string: CPUs in which to allow execution (0-3, 0,1)
  cpuset-mems string: MEMs in which to allow execution (0-3, 0,1)
  memory bytes: Memory limit
  memory-reservation bytes: Memory soft limit
  memory-swap bytes: Swap limit equal to memory plus swap: -1 to enable unlimited swap
  pids-limit int: Tune container pids limit (set -1 for unlimited)
  restart string: Restart policy to apply when a container exits

container wait CONTAINER [CONTAINER...]
Block until one or more containers stop, then print their exit codes
"""
