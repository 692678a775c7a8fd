"""A pod through containerd's CRI: run by the venv of `scripts/callers.sh`, prints JSON.

cri_pod.py SOCKET IMAGE RUNTIME_HANDLER
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import grpc
from cri_api.v1 import api_pb2 as cri
from cri_api.v1 import api_pb2_grpc as stubs


def main(socket: str, image: str, handler: str) -> None:
    channel = grpc.insecure_channel(f"unix://{socket}")
    runtime = stubs.RuntimeServiceStub(channel)
    logs = tempfile.mkdtemp()
    pod_config = cri.PodSandboxConfig(
        metadata=cri.PodSandboxMetadata(name="pod", uid="u1", namespace="default"),
        log_directory=logs,
        linux=cri.LinuxPodSandboxConfig(
            security_context=cri.LinuxSandboxSecurityContext(
                namespace_options=cri.NamespaceOption(network=cri.NODE)
            )
        ),
    )
    pod = runtime.RunPodSandbox(
        cri.RunPodSandboxRequest(config=pod_config, runtime_handler=handler)
    ).pod_sandbox_id
    container = runtime.CreateContainer(
        cri.CreateContainerRequest(
            pod_sandbox_id=pod,
            sandbox_config=pod_config,
            config=cri.ContainerConfig(
                metadata=cri.ContainerMetadata(name="main"),
                image=cri.ImageSpec(image=image),
                command=["/bin/sh", "-c", "echo from the pod; exec /bin/busybox sleep 1000"],
                log_path="main.log",
            ),
        )
    ).container_id
    runtime.StartContainer(cri.StartContainerRequest(container_id=container))
    done = runtime.ExecSync(
        cri.ExecSyncRequest(
            container_id=container, cmd=["/bin/sh", "-c", "echo inside; exit 3"], timeout=20
        )
    )
    log = Path(logs) / "main.log"
    until = time.monotonic() + 20
    while time.monotonic() < until and "from the pod" not in log.read_text():
        time.sleep(0.05)
    state = runtime.ContainerStatus(cri.ContainerStatusRequest(container_id=container)).status.state
    runtime.StopContainer(cri.StopContainerRequest(container_id=container, timeout=1))
    status = runtime.ContainerStatus(cri.ContainerStatusRequest(container_id=container)).status
    runtime.StopPodSandbox(cri.StopPodSandboxRequest(pod_sandbox_id=pod))
    runtime.RemovePodSandbox(cri.RemovePodSandboxRequest(pod_sandbox_id=pod))
    left = runtime.ListContainers(cri.ListContainersRequest()).containers
    print(
        json.dumps(
            {
                "exec": [done.exit_code, done.stdout.decode()],
                "log": log.read_text().split(" ", 3)[-1],
                "was_running": state == cri.CONTAINER_RUNNING,
                "exit_code": status.exit_code,
                "left": len(left),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
