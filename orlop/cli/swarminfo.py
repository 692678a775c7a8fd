"""The swarm's part of `info`. Orlop has no swarm; a Docker daemon we speak to may be in one."""

from orlop.cli.units import human_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


def _flag(value: object) -> str:
    return "true" if value else "false"


def lines_of(swarm: "Json") -> list[str]:
    state = swarm.get("LocalNodeState", "")
    lines = [f" Swarm: {state}"]
    if state in ("inactive", "locked"):
        return lines
    lines.append(f"  NodeID: {swarm.get('NodeID', '')}")
    if swarm.get("Error"):
        lines.append(f"  Error: {swarm['Error']}")
    lines.append(f"  Is Manager: {_flag(swarm.get('ControlAvailable'))}")
    cluster = swarm.get("Cluster")
    if cluster and swarm.get("ControlAvailable") and not swarm.get("Error") and state != "error":
        lines += _cluster(swarm, cluster)
    lines.append(f"  Node Address: {swarm.get('NodeAddr', '')}")
    managers = sorted(m.get("Addr", "") for m in swarm.get("RemoteManagers") or ())
    if managers:
        lines += ["  Manager Addresses:", *(f"   {m}" for m in managers)]
    return lines


def _cluster(swarm: "Json", cluster: "Json") -> list[str]:
    spec = cluster.get("Spec") or {}
    raft, ca = spec.get("Raft") or {}, spec.get("CAConfig") or {}
    history = (spec.get("Orchestration") or {}).get("TaskHistoryRetentionLimit") or 0
    lines = [
        f"  ClusterID: {cluster.get('ID', '')}",
        f"  Managers: {swarm.get('Managers', 0)}",
        f"  Nodes: {swarm.get('Nodes', 0)}",
    ]
    pool = cluster.get("DefaultAddrPool")
    if pool is not None:
        lines.append("  Default Address Pool: " + "".join(p + "  " for p in pool))
        lines.append(f"  SubnetSize: {cluster.get('SubnetSize', 0)}")
    if cluster.get("DataPathPort"):
        lines.append(f"  Data Path Port: {cluster['DataPathPort']}")
    lines += ["  Orchestration:", f"   Task History Retention Limit: {history}", "  Raft:"]
    lines.append(f"   Snapshot Interval: {raft.get('SnapshotInterval', 0)}")
    if raft.get("KeepOldSnapshots") is not None:
        lines.append(f"   Number of Old Snapshots to Retain: {raft['KeepOldSnapshots']}")
    heartbeat = (spec.get("Dispatcher") or {}).get("HeartbeatPeriod") or 0
    lines += [
        f"   Heartbeat Tick: {raft.get('HeartbeatTick', 0)}",
        f"   Election Tick: {raft.get('ElectionTick', 0)}",
        "  Dispatcher:",
        f"   Heartbeat Period: {human_duration(heartbeat / 1e9)}",
        "  CA Configuration:",
        f"   Expiry Duration: {human_duration((ca.get('NodeCertExpiry') or 0) / 1e9)}",
        f"   Force Rotate: {ca.get('ForceRotate', 0)}",
    ]
    certificate = (ca.get("SigningCACert") or "").strip()
    if certificate:
        lines += [f"   Signing CA Certificate: \n{certificate}", ""]
    if ca.get("ExternalCAs"):
        lines.append("   External CAs:")
        lines += [f"     {e.get('Protocol', '')}: {e.get('URL', '')}" for e in ca["ExternalCAs"]]
    locked = (spec.get("EncryptionConfig") or {}).get("AutoLockManagers")
    lines.append(f"  Autolock Managers: {_flag(locked)}")
    lines.append(f"  Root Rotation In Progress: {_flag(cluster.get('RootRotationInProgress'))}")
    return lines
