"""From the options of `run` and `create` to the API's create request, field for field as
Docker's."""

from orlop.cli.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


def build(options: Options, image: str, command: list[str]) -> "tuple[Json, Json, Json]":
    """(config, host config, networking config). Raises ValueError."""
    mac = options.text("mac-address")
    if mac:
        _check_mac(mac)
    swappiness = options.number("memory-swappiness", -1)
    if swappiness != -1 and not 0 <= swappiness <= 100:
        raise ValueError(f"invalid value: {swappiness}. Valid memory swappiness range is 0-100")
    binds, volumes = _volumes(options)
    entrypoint = None
    if options.changed("entrypoint"):
        entrypoint = [options.text("entrypoint")]
    exposed, bindings = _ports(options)
    devices, cdi = _devices(options)
    env = _variables(options, "env-file", "env", True)
    labels = _variables(options, "label-file", "label", False) or []
    _check_modes(options)
    config = _config(options, image, command, entrypoint, exposed, volumes, env, labels)
    host = _host(options, binds, bindings, devices, cdi, swappiness)
    if options.flag("rm") and host["RestartPolicy"]["Name"] not in ("", "no"):
        raise ValueError("conflicting options: cannot specify both --restart and --rm")
    if options.changed("init"):
        host["Init"] = options.flag("init")
    if config["OpenStdin"] and config["AttachStdin"]:
        config["StdinOnce"] = True
    endpoints = _endpoints(options)
    if mac and not endpoints.get(host["NetworkMode"]):
        config["MacAddress"] = mac
    return config, host, {"EndpointsConfig": endpoints}


def _config(
    options: Options,
    image: str,
    command: list[str],
    entrypoint: list[str] | None,
    exposed: "Json",
    volumes: "Json",
    env: list[str] | None,
    labels: list[str],
) -> "Json":
    attach = options.all("attach")
    config: Json = {
        "Hostname": options.text("hostname"),
        "Domainname": options.text("domainname"),
        "User": options.text("user"),
        "AttachStdin": "stdin" in attach or options.flag("interactive"),
        "AttachStdout": not attach or "stdout" in attach,
        "AttachStderr": not attach or "stderr" in attach,
        "Tty": options.flag("tty"),
        "OpenStdin": options.flag("interactive"),
        "StdinOnce": False,
        "Env": env,
        "Cmd": command or None,
        "Image": image,
        "Volumes": volumes,
        "WorkingDir": options.text("workdir"),
        "Entrypoint": entrypoint,
        "OnBuild": None,
        "Labels": _pairs(labels),
    }
    if exposed:
        config["ExposedPorts"] = exposed
    if options.text("stop-signal"):
        config["StopSignal"] = options.text("stop-signal")
    if options.changed("stop-timeout"):
        config["StopTimeout"] = options.number("stop-timeout")
    health = _health(options)
    if health is not None:
        config["Healthcheck"] = health
    return config


def _host(
    options: Options,
    binds: list[str] | None,
    bindings: "Json",
    devices: "list[Json]",
    cdi: list[str],
    swappiness: int,
) -> "Json":
    text, number, flag = options.text, options.number, options.flag

    def listed(name: str) -> "list[Any] | None":
        return options.all(name) or None

    security, masked, readonly = _security(options)
    added, dropped = _capabilities(listed("cap-add"), listed("cap-drop"))
    requests = list(options.all("gpus"))
    if cdi:
        requests.append(
            {"Driver": "cdi", "Count": 0, "DeviceIDs": cdi, "Capabilities": None, "Options": None}
        )
    ulimits = options.values.get("ulimit", {})
    networks = options.all("network")
    host: Json = {
        "Binds": binds,
        "ContainerIDFile": text("cidfile"),
        "LogConfig": {"Type": text("log-driver"), "Config": _log_options(options)},
        "NetworkMode": networks[0]["Target"] if networks else "default",
        "PortBindings": bindings,
        "RestartPolicy": restart_policy(text("restart", "no")),
        "AutoRemove": flag("rm"),
        "VolumeDriver": text("volume-driver"),
        "VolumesFrom": listed("volumes-from"),
        "ConsoleSize": [0, 0],
        "CapAdd": added,
        "CapDrop": dropped,
        "CgroupnsMode": text("cgroupns"),
        "Dns": options.all("dns"),
        "DnsOptions": options.all("dns-option"),
        "DnsSearch": options.all("dns-search"),
        "ExtraHosts": listed("add-host"),
        "GroupAdd": listed("group-add"),
        "IpcMode": text("ipc"),
        "Cgroup": "",
        "Links": listed("link"),
        "OomScoreAdj": number("oom-score-adj"),
        "PidMode": text("pid"),
        "Privileged": flag("privileged"),
        "PublishAllPorts": flag("publish-all"),
        "ReadonlyRootfs": flag("read-only"),
        "SecurityOpt": security,
        "UTSMode": text("uts"),
        "UsernsMode": text("userns"),
        "ShmSize": number("shm-size"),
        "Isolation": text("isolation"),
        "CpuShares": number("cpu-shares"),
        "Memory": number("memory"),
        "NanoCpus": number("cpus"),
        "CgroupParent": text("cgroup-parent"),
        "BlkioWeight": number("blkio-weight"),
        "BlkioWeightDevice": options.all("blkio-weight-device"),
        "BlkioDeviceReadBps": options.all("device-read-bps"),
        "BlkioDeviceWriteBps": options.all("device-write-bps"),
        "BlkioDeviceReadIOps": options.all("device-read-iops"),
        "BlkioDeviceWriteIOps": options.all("device-write-iops"),
        "CpuPeriod": number("cpu-period"),
        "CpuQuota": number("cpu-quota"),
        "CpuRealtimePeriod": number("cpu-rt-period"),
        "CpuRealtimeRuntime": number("cpu-rt-runtime"),
        "CpusetCpus": text("cpuset-cpus"),
        "CpusetMems": text("cpuset-mems"),
        "Devices": devices,
        "DeviceCgroupRules": listed("device-cgroup-rule"),
        "DeviceRequests": requests or None,
        "MemoryReservation": number("memory-reservation"),
        "MemorySwap": number("memory-swap"),
        "MemorySwappiness": swappiness,
        "OomKillDisable": flag("oom-kill-disable"),
        "PidsLimit": number("pids-limit"),
        "Ulimits": [ulimits[name] for name in sorted(ulimits)],
        "CpuCount": number("cpu-count"),
        "CpuPercent": number("cpu-percent"),
        "IOMaximumIOps": number("io-maxiops"),
        "IOMaximumBandwidth": number("io-maxbandwidth"),
        "MaskedPaths": masked,
        "ReadonlyPaths": readonly,
    }
    _optional(options, host)
    return host


def _capabilities(
    add: "list[str] | None", drop: "list[str] | None"
) -> "tuple[list[str] | None, list[str] | None]":
    """In canonical form, each once, in order; what is dropped is not added. Docker's rules."""
    if not add and not drop:
        return None, None
    dropped = sorted({_capability(name) for name in drop or ()})
    if "ALL" in dropped:
        dropped = ["ALL"]
    added = sorted({_capability(name) for name in add or ()})
    if "ALL" in added:
        added = ["ALL"]
    elif "ALL" not in dropped:
        added = [name for name in added if name not in dropped]
    return added or None, dropped or None


def _capability(name: str) -> str:
    name = name.strip().upper()
    return name if name == "ALL" or name.startswith("CAP_") else "CAP_" + name


def _optional(options: Options, host: "Json") -> None:
    """Fields that Go leaves out when they are empty."""
    tmpfs = {}
    for entry in options.all("tmpfs"):
        path, _, value = entry.partition(":")
        tmpfs[path] = value
    for name, value in (
        ("KernelMemory", options.number("kernel-memory")),
        ("Annotations", options.map("annotation")),
        ("StorageOpt", _storage_options(options)),
        ("Tmpfs", tmpfs),
        ("Sysctls", options.map("sysctl")),
        ("Runtime", options.text("runtime")),
        ("Mounts", options.all("mount")),
    ):
        if value:
            host[name] = value


def _check_mac(mac: str) -> None:
    from orlop.cli.values import validate_mac

    try:
        validate_mac(mac)
    except ValueError:
        raise ValueError(f"{mac} is not a valid mac address") from None


def _volumes(options: Options) -> "tuple[list[str] | None, Json]":
    if not options.changed("volume"):
        return None, {}
    from orlop.cli.volumes import split

    return split(options.all("volume"))


def _ports(options: Options) -> "tuple[Json, Json]":
    if not options.changed("publish") and not options.changed("expose"):
        return {}, {}
    from orlop.cli.ports import expose, parse_specs, standard_notation

    exposed, bindings = parse_specs(standard_notation(options.all("publish")))
    expose(options.all("expose"), exposed)
    return dict(exposed), dict(bindings)


def _devices(options: Options) -> "tuple[list[Json], list[str]]":
    if not options.changed("device"):
        return [], []
    from orlop.cli.devices import is_cdi, parse_device

    cdi = [d for d in options.all("device") if is_cdi(d)]
    return [parse_device(d) for d in options.all("device") if not is_cdi(d)], cdi


def _variables(options: Options, files: str, direct: str, lookup: bool) -> list[str] | None:
    found: list[str] = []
    if options.changed(files):
        from orlop.cli.values import read_variables

        for path in options.all(files):
            found += read_variables(path, lookup)
    found += options.all(direct)
    return found or (None if lookup else [])


def _pairs(values: list[str]) -> dict[str, str]:
    found = {}
    for value in values:
        key, _, text = value.partition("=")
        found[key] = text
    return found


def _check_modes(options: Options) -> None:
    pid, uts = options.text("pid"), options.text("uts")
    if pid and pid != "host" and not (pid.startswith("container:") and len(pid) > 10):
        raise ValueError("--pid: invalid PID mode")
    if uts not in ("", "host"):
        raise ValueError("--uts: invalid UTS mode")
    userns = options.text("userns")
    if userns not in ("", "host") and userns.partition(":")[0] != "auto":
        raise ValueError("--userns: invalid USER mode")
    if options.text("cgroupns") not in ("", "host", "private"):
        raise ValueError("--cgroupns: invalid CGROUP mode")


def restart_policy(text: str) -> "Json":
    """Raises ValueError."""
    name, colon, count = text.partition(":")
    if colon and not name:
        raise ValueError("invalid restart policy format: no policy provided before colon")
    found: Json = {"Name": name, "MaximumRetryCount": 0}
    if count:
        digits = count[1:] if count[0] in "+-" else count
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError(
                "invalid restart policy format: maximum retry count must be an integer"
            )
        found["MaximumRetryCount"] = int(count)
    return found


def _log_options(options: Options) -> dict[str, str]:
    driver, given = options.text("log-driver"), options.all("log-opt")
    if driver == "none" and given:
        raise ValueError(f"invalid logging opts for driver {driver}")
    return _pairs(given)


def _storage_options(options: Options) -> dict[str, str]:
    for option in options.all("storage-opt"):
        if "=" not in option:
            raise ValueError("invalid storage option")
    return _pairs(options.all("storage-opt"))


def _security(options: Options) -> "tuple[list[str] | None, list[str] | None, list[str] | None]":
    if not options.changed("security-opt"):
        return None, None, None
    from orlop.cli.devices import security

    return security(options.all("security-opt"))


def _health(options: Options) -> "Json | None":
    numbers = {
        "Interval": options.number("health-interval"),
        "Timeout": options.number("health-timeout"),
        "StartPeriod": options.number("health-start-period"),
        "StartInterval": options.number("health-start-interval"),
        "Retries": options.number("health-retries"),
    }
    command = options.text("health-cmd")
    wanted = bool(command) or any(numbers.values())
    if options.flag("no-healthcheck"):
        if wanted:
            raise ValueError("--no-healthcheck conflicts with --health-* options")
        return {"Test": ["NONE"]}
    if not wanted:
        return None
    for name, flag in (
        ("Interval", "interval"),
        ("Timeout", "timeout"),
        ("Retries", "retries"),
        ("StartPeriod", "start-period"),
        ("StartInterval", "start-interval"),
    ):
        if numbers[name] < 0:
            raise ValueError(f"--health-{flag} cannot be negative")
    found: Json = {"Test": ["CMD-SHELL", command]} if command else {}
    found.update({k: v for k, v in numbers.items() if v})
    return found


def _endpoints(options: Options) -> "Json":
    given = ("network", "network-alias", "ip", "ip6", "link-local-ip", "mac-address")
    if not any(options.changed(n) for n in given):
        # what Docker sends too: an endpoint without settings for the default network
        return {"default": _empty_endpoint()}
    from orlop.cli.endpoints import endpoints

    return endpoints(options)


def _empty_endpoint() -> "Json":
    return {
        "IPAMConfig": None, "Links": None, "Aliases": None, "MacAddress": "",
        "DriverOpts": None, "GwPriority": 0, "NetworkID": "", "EndpointID": "", "Gateway": "",
        "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "", "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0, "DNSNames": None,
    }  # fmt: skip
