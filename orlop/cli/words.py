"""Every word and flag of the command line: the one table that parsing, help and completion read.

COMMANDS: path -> (module:function, arity, "1" when flags end at the first argument and "all" when
none is ours, flags).
Arity: "2" exactly, "1-" at least, "-1" at most, "1-2" from to. A flag is `name[/short][:kind]`,
kind
bool when none is given, `>other` stores under another name, `!text` says that it is deprecated.
TOP: short form -> path. ALIASES: other spelling -> path.
"""

_CREATE = (
    "add-host:add_host annotation:map attach/a:attach blkio-weight:uint16 "
    "blkio-weight-device:weight cap-add:list cap-drop:list cgroup-parent:string "
    "cgroupns:string cidfile:string cpu-period:int64 cpu-quota:int64 cpu-rt-period:int64 "
    "cpu-rt-runtime:int64 cpu-shares/c:int64 cpus:cpus cpuset-cpus:string cpuset-mems:string "
    "device:list device-cgroup-rule:device_rule device-read-bps:bps device-read-iops:iops "
    "device-write-bps:bps device-write-iops:iops disable-content-trust dns:ip dns-option:list "
    "dns-search:dns_search domainname:string entrypoint:string env/e:env env-file:list "
    "expose:list gpus:gpus group-add:list health-cmd:string health-interval:duration "
    "health-retries:int health-start-interval:duration health-start-period:duration "
    "health-timeout:duration hostname/h:string init interactive/i ip:string ip6:string "
    "ipc:string isolation:string kernel-memory:bytes label/l:label label-file:list link:link "
    "link-local-ip:list log-driver:string log-opt:list mac-address:string memory/m:bytes "
    "memory-reservation:bytes memory-swap:memswap memory-swappiness:int64 mount:mount "
    "name:string network:network network-alias:list no-healthcheck oom-kill-disable "
    "oom-score-adj:int pid:string pids-limit:int64 platform:string privileged publish/p:list "
    "publish-all/P pull:string quiet/q read-only restart:string rm runtime:string "
    "security-opt:list shm-size:bytes stop-signal:string stop-timeout:int storage-opt:list "
    "sysctl:sysctl tmpfs:list tty/t ulimit:ulimit use-api-socket user/u:string userns:string "
    "uts:string volume/v:list volume-driver:string volumes-from:list workdir/w:string "
    "net:network>network net-alias:list>network-alias dns-opt:list>dns-option cpu-count:int64 "
    "cpu-percent:int64 io-maxbandwidth:bytes io-maxiops:uint64"
)
_RUN = "detach/d detach-keys:string sig-proxy " + _CREATE

COMMANDS = {
    "checkpoint create": ("checkpoint:refuse", "0-", "", "checkpoint-dir:string leave-running"),
    "checkpoint ls": ("checkpoint:refuse", "0-", "", "checkpoint-dir:string"),
    "checkpoint rm": ("checkpoint:refuse", "0-", "", "checkpoint-dir:string"),
    "compose": ("compose:compose", "0-", "all", ""),
    "context create": ("context:create", "1", "", "description:string docker:pairs from:string"),
    "context export": ("context:export", "1-2", "", ""),
    "context import": ("context:import_", "2", "", ""),
    "context inspect": ("context:inspect", "0-", "", "format/f:string"),
    "context ls": ("context:ls", "0", "", "format:string quiet/q"),
    "context rm": ("context:rm", "1-", "", "force/f"),
    "context show": ("context:show_", "0", "", ""),
    "context update": ("context:update", "1", "", "description:string docker:pairs"),
    "context use": ("context:use", "0-", "", ""),
    "artifact attach": (
        "artifact:attach",
        "2",
        "",
        "annotation/a:list media-type:string type/t:string",
    ),
    "artifact fetch": ("artifact:fetch", "1", "", "output/o:string"),
    "artifact ls": ("artifact:ls", "1", "", "format:string no-trunc quiet/q type/t:string"),
    "bootstrap": ("ours:bootstrap", "1", "", ""),
    "completion": ("completion:completion", "1", "", ""),
    "container attach": ("attach:attach", "1", "", "detach-keys:string no-stdin sig-proxy"),
    "container commit": (
        "container:commit",
        "1-2",
        "1",
        "author/a:string change/c:list message/m:string pause/p",
    ),
    "container cp": ("copy:cp", "2", "", "archive/a follow-link/L quiet/q"),
    "container create": ("run:create", "1-", "1", _CREATE),
    "container diff": ("container:diff", "1", "", ""),
    "container exec": (
        "exec:exec_",
        "2-",
        "1",
        "detach/d detach-keys:string env/e:env env-file:list interactive/i privileged tty/t "
        "user/u:string workdir/w:string kill-on-disconnect",
    ),
    "container export": ("archive:export", "1", "", "output/o:string"),
    "container inspect": ("inspect:container", "1-", "", "format/f:string size/s"),
    "container kill": ("container:kill", "1-", "", "signal/s:string"),
    "container logs": (
        "logs:logs",
        "1",
        "",
        "details follow/f since:string tail/n:string timestamps/t until:string",
    ),
    "container ls": (
        "ps:ps",
        "0",
        "",
        "all/a filter/f:filter format:string last/n:int latest/l no-trunc quiet/q size/s",
    ),
    "container pause": ("container:pause", "1-", "", ""),
    "container port": ("container:port", "1-2", "", ""),
    "container prune": ("prune:container", "0", "", "filter:filter force/f"),
    "container rename": ("container:rename", "2", "", ""),
    "container restart": (
        "container:restart",
        "1-",
        "",
        "signal/s:string timeout/t:int time:int>timeout!use --timeout instead",
    ),
    "container rm": ("container:rm", "1-", "", "force/f link/l volumes/v"),
    "container run": ("run:run", "1-", "1", _RUN),
    "container start": (
        "attach:start",
        "1-",
        "",
        "attach/a detach-keys:string interactive/i checkpoint:string checkpoint-dir:string",
    ),
    "container stats": ("stats:stats", "0-", "", "all/a format:string no-stream no-trunc"),
    "container stop": (
        "container:stop",
        "1-",
        "",
        "signal/s:string timeout/t:int time:int>timeout!use --timeout instead",
    ),
    "container top": ("container:top", "1-", "1", ""),
    "container unpause": ("container:unpause", "1-", "", ""),
    "container update": (
        "update:update",
        "1-",
        "",
        "blkio-weight:uint16 cpu-period:int64 cpu-quota:int64 cpu-rt-period:int64 "
        "cpu-rt-runtime:int64 cpu-shares/c:int64 cpus:cpus cpuset-cpus:string cpuset-mems:string "
        "memory/m:bytes memory-reservation:bytes memory-swap:memswap pids-limit:int64 "
        "restart:string kernel-memory:bytes",
    ),
    "container wait": ("container:wait", "1-", "", ""),
    "exec kill": ("ours:exec_kill", "1-", "", "signal/s:string"),
    "exec ls": ("ours:exec_ls", "-1", "", "no-trunc quiet/q format:string"),
    "help": ("help.show:help_", "0-", "", "map"),
    "image chainid": ("ours:chainid", "1", "", "all/a"),
    "builder debug": ("builddebug:debug", "-", "1", ""),
    "builder prune": ("prune:builder", "0", "", "all/a filter:filter force/f keep-storage:bytes"),
    "image build": (
        "build:build",
        "1",
        "",
        "add-host:list allow:strings annotation:list attest:list build-arg:list "
        "build-context:list cache-from:list cache-to:list "
        "cgroup-parent:string check compress cpu-period:int64 cpu-quota:int64 "
        "cpu-shares/c:int64 cpuset-cpus:string cpuset-mems:string disable-content-trust "
        "explain file/f:string force-rm iidfile:string isolation:string label:label load "
        "memory/m:bytes memory-swap:memswap metadata-file:string network:string no-cache "
        "no-cache-filter:list output/o:list platform:string progress:string "
        "provenance:string pull push quiet/q rm sbom:string secret:list "
        "security-opt:strings shm-size:bytes squash ssh:list "
        "tag/t:list target:string ulimit:ulimit verify",
    ),
    "image history": (
        "images:history",
        "1",
        "",
        "format:string human/H no-trunc platform:string quiet/q",
    ),
    "image import": (
        "archive:import_",
        "1-",
        "",
        "change/c:list message/m:string platform:string",
    ),
    "image inspect": ("inspect:image", "1-", "", "format/f:string platform:string"),
    "image load": ("archive:load", "0", "", "input/i:string platform:string quiet/q"),
    "image ls": (
        "images:images",
        "-1",
        "",
        "all/a digests filter/f:filter format:string no-trunc quiet/q tree",
    ),
    "image prune": ("prune:image", "0", "", "all/a filter:filter force/f"),
    "image pull": (
        "pull:pull",
        "1",
        "",
        "all-tags/a disable-content-trust platform:string quiet/q",
    ),
    "image push": (
        "pull:push",
        "1",
        "",
        "all-tags/a compression:string disable-content-trust platform:string quiet/q",
    ),
    "image rm": ("image:rm", "1-", "", "force/f no-prune platform:strings"),
    "image save": ("archive:save", "1-", "", "output/o:string platform:string"),
    "image tag": ("image:tag", "2", "1", ""),
    "image verify": ("ours:verify", "1-", "", "all/a quiet/q"),
    "inspect": ("inspect:any_", "1-", "", "format/f:string size/s type:string"),
    "layers show": ("layers:show", "1", "", "no-trunc limit:int"),
    "login": ("login:login", "-1", "", "password/p:string password-stdin username/u:string"),
    "logout": ("login:logout", "-1", "", ""),
    "manifest annotate": (
        "manifest:annotate",
        "2",
        "",
        "arch:string os:string os-features:strings os-version:string variant:string",
    ),
    "manifest create": ("manifest:create", "2-", "", "amend/a insecure"),
    "manifest inspect": ("manifest:inspect", "1-2", "", "insecure verbose/v"),
    "manifest push": ("manifest:push", "1", "", "insecure purge/p"),
    "manifest rm": ("manifest:rm", "1-", "", ""),
    "network connect": (
        "network:connect",
        "2",
        "",
        "alias:strings driver-opt:strings gw-priority:int ip:string ip6:string link:list "
        "link-local-ip:strings",
    ),
    "network create": (
        "network:create",
        "1",
        "",
        "attachable aux-address:map config-from:string config-only driver/d:string "
        "gateway:strings ingress internal ip-range:strings ipam-driver:string ipam-opt:map ipv4 "
        "ipv6 label:label opt/o:map scope:string subnet:strings",
    ),
    "network disconnect": ("network:disconnect", "2", "", "force/f"),
    "network inspect": ("inspect:network", "1-", "", "format/f:string verbose/v"),
    "network ls": ("network:ls", "0", "", "filter/f:filter format:string no-trunc quiet/q"),
    "network prune": ("prune:network", "0", "", "filter:filter force/f"),
    "network rm": ("network:rm", "1-", "", "force/f"),
    "overlay demo": ("ours:overlay_demo", "0", "", "keep dir:string"),
    "registry serve": (
        "registry:serve",
        "0",
        "",
        "addr:string auth:string insecure proxy:string quiet/q read-only tlscert:string "
        "tlsclientca:string tlskey:string",
    ),
    "search": ("images:search", "1", "", "filter/f:filter format:string limit:int no-trunc"),
    "system check": ("ours:check", "0", "", "quiet/q repair"),
    "system df": ("df:df", "0", "", "format:string verbose/v"),
    "system dial-stdio": ("dial:dial_stdio", "0", "", ""),
    "system events": (
        "events:events",
        "0",
        "",
        "filter/f:filter format:string since:string until:string",
    ),
    "system hand-back": ("ours:hand_back", "0", "", "force/f"),
    "system import": ("ours:import_", "1-", "", "quiet/q"),
    "system info": ("info:info", "0", "", "format/f:string"),
    "system prune": ("prune:system", "0", "", "all/a filter:filter force/f volumes"),
    "tags": ("ours:tags", "1", "", "detail limit:int platform:string"),
    "version": ("version:version", "0", "", "format/f:string"),
    "volume create": (
        "volume:create",
        "-1",
        "",
        "driver/d:string label:label opt/o:map name:string availability:string group:string "
        "limit-bytes:bytes required-bytes:bytes scope:string secret:map sharing:string "
        "topology-preferred:list topology-required:list type:string",
    ),
    "volume inspect": ("inspect:volume", "1-", "", "format/f:string"),
    "volume ls": ("volume:ls", "0", "", "cluster filter/f:filter format:string quiet/q"),
    "volume prune": ("prune:volume", "0", "", "all/a filter:filter force/f"),
    "volume update": ("volume:update", "1", "", "availability:string"),
    "volume rm": ("volume:rm", "1-", "", "force/f"),
}
TOP = {
    "attach": "container attach",
    "build": "image build",
    "chainid": "image chainid",
    "commit": "container commit",
    "cp": "container cp",
    "create": "container create",
    "diff": "container diff",
    "events": "system events",
    "exec": "container exec",
    "export": "container export",
    "history": "image history",
    "images": "image ls",
    "import": "image import",
    "info": "system info",
    "kill": "container kill",
    "load": "image load",
    "logs": "container logs",
    "pause": "container pause",
    "port": "container port",
    "ps": "container ls",
    "pull": "image pull",
    "push": "image push",
    "rename": "container rename",
    "restart": "container restart",
    "rm": "container rm",
    "rmi": "image rm",
    "run": "container run",
    "save": "image save",
    "start": "container start",
    "stats": "container stats",
    "stop": "container stop",
    "tag": "image tag",
    "top": "container top",
    "unpause": "container unpause",
    "update": "container update",
    "wait": "container wait",
}
ALIASES = {
    "checkpoint list": "checkpoint ls",
    "checkpoint remove": "checkpoint rm",
    "container list": "container ls",
    "container ps": "container ls",
    "container remove": "container rm",
    "context list": "context ls",
    "context remove": "context rm",
    "image list": "image ls",
    "image remove": "image rm",
    "image rmi": "image rm",
    "network list": "network ls",
    "network remove": "network rm",
    "volume list": "volume ls",
    "volume remove": "volume rm",
}
GROUPS = (
    "artifact",
    "builder",
    "checkpoint",
    "container",
    "context",
    "image",
    "layers",
    "manifest",
    "network",
    "overlay",
    "registry",
    "system",
    "volume",
)
GLOBALS = (
    "config:string context/c:string debug/D host/H:list log-level/l:string tls tlscacert:string "
    "tlscert:string tlskey:string tlsverify version/v"
)
