# ruff: noqa: E501
"""Help of the network and volume commands. Form: see show.py. The wording follows the Docker CLI (Apache-2.0)."""

TEXT = """\
network connect [OPTIONS] NETWORK CONTAINER
Connect a container to a network
  alias strings: Add network-scoped alias for the container
  driver-opt strings: driver options for the network
  gw-priority int: Highest gw-priority provides the default gateway. Accepts positive and negative values.
  ip string: IPv4 address (e.g., "172.30.100.104")
  ip6 string: IPv6 address (e.g., "2001:db8::33")
  link list: Add link to another container
  link-local-ip strings: Add a link-local address for the container

network create [OPTIONS] NETWORK
Create a network
  attachable: Enable manual container attachment
  aux-address map: Auxiliary IPv4 or IPv6 addresses used by Network driver (default map[])
  config-from string: The network from which to copy the configuration
  config-only: Create a configuration only network
  driver string: Driver to manage the Network (default "bridge")
  gateway strings: IPv4 or IPv6 Gateway for the master subnet
  ingress: Create swarm routing-mesh network
  internal: Restrict external access to the network
  ip-range strings: Allocate container ip from a sub-range
  ipam-driver string: IP Address Management Driver (default "default")
  ipam-opt map: Set IPAM driver specific options (default map[])
  ipv4: Enable or disable IPv4 address assignment (default true)
  ipv6: Enable or disable IPv6 address assignment
  label list: Set metadata on a network
  opt map: Set driver specific options (default map[])
  scope string: Control the network's scope
  subnet strings: Subnet in CIDR format that represents a network segment

network disconnect [OPTIONS] NETWORK CONTAINER
Disconnect a container from a network
  force: Force the container to disconnect from a network

network inspect [OPTIONS] NETWORK [NETWORK...]
Display detailed information on one or more networks
  format string: @INSPECT
  verbose: Verbose output for diagnostics

network ls [OPTIONS]
List networks
  filter filter: Provide filter values (e.g. "driver=bridge")
  format string: @FORMAT
  no-trunc: Do not truncate the output
  quiet: Only display network IDs

network prune [OPTIONS]
Remove all unused networks
  filter filter: Provide filter values (e.g. "until=<timestamp>")
  force: Do not prompt for confirmation

network rm NETWORK [NETWORK...]
Remove one or more networks
  force: Do not error if the network does not exist

volume create [OPTIONS] [VOLUME]
Create a volume
  driver string: Specify volume driver name (default "local")
  label list: Set metadata for a volume
  opt map: Set driver specific options (default map[])

volume inspect [OPTIONS] VOLUME [VOLUME...]
Display detailed information on one or more volumes
  format string: @INSPECT

volume ls [OPTIONS]
List volumes
  filter filter: Provide filter values (e.g. "dangling=true")
  format string: @FORMAT
  quiet: Only display volume names

volume prune [OPTIONS]
Remove unused local volumes
  all: Remove all unused volumes, not just anonymous ones
  filter filter: Provide filter values (e.g. "label=<label>")
  force: Do not prompt for confirmation

volume update [OPTIONS] [VOLUME]
Update a volume (cluster volumes only)

volume rm [OPTIONS] VOLUME [VOLUME...]
Remove one or more volumes
>Remove one or more volumes. You cannot remove a volume that is in use by a container.
  force: Force the removal of one or more volumes
"""
