# fish completion for orlop
complete -c orlop -f
complete -c orlop -n __fish_use_subcommand -a attach
complete -c orlop -n __fish_use_subcommand -a bootstrap
complete -c orlop -n __fish_use_subcommand -a chainid
complete -c orlop -n __fish_use_subcommand -a commit
complete -c orlop -n __fish_use_subcommand -a completion
complete -c orlop -n __fish_use_subcommand -a container
complete -c orlop -n __fish_use_subcommand -a cp
complete -c orlop -n __fish_use_subcommand -a create
complete -c orlop -n __fish_use_subcommand -a diff
complete -c orlop -n __fish_use_subcommand -a events
complete -c orlop -n __fish_use_subcommand -a exec
complete -c orlop -n __fish_use_subcommand -a export
complete -c orlop -n __fish_use_subcommand -a help
complete -c orlop -n __fish_use_subcommand -a history
complete -c orlop -n __fish_use_subcommand -a image
complete -c orlop -n __fish_use_subcommand -a images
complete -c orlop -n __fish_use_subcommand -a import
complete -c orlop -n __fish_use_subcommand -a info
complete -c orlop -n __fish_use_subcommand -a inspect
complete -c orlop -n __fish_use_subcommand -a kill
complete -c orlop -n __fish_use_subcommand -a layers
complete -c orlop -n __fish_use_subcommand -a load
complete -c orlop -n __fish_use_subcommand -a login
complete -c orlop -n __fish_use_subcommand -a logout
complete -c orlop -n __fish_use_subcommand -a logs
complete -c orlop -n __fish_use_subcommand -a network
complete -c orlop -n __fish_use_subcommand -a overlay
complete -c orlop -n __fish_use_subcommand -a pause
complete -c orlop -n __fish_use_subcommand -a port
complete -c orlop -n __fish_use_subcommand -a ps
complete -c orlop -n __fish_use_subcommand -a pull
complete -c orlop -n __fish_use_subcommand -a push
complete -c orlop -n __fish_use_subcommand -a rename
complete -c orlop -n __fish_use_subcommand -a restart
complete -c orlop -n __fish_use_subcommand -a rm
complete -c orlop -n __fish_use_subcommand -a rmi
complete -c orlop -n __fish_use_subcommand -a run
complete -c orlop -n __fish_use_subcommand -a save
complete -c orlop -n __fish_use_subcommand -a search
complete -c orlop -n __fish_use_subcommand -a start
complete -c orlop -n __fish_use_subcommand -a stats
complete -c orlop -n __fish_use_subcommand -a stop
complete -c orlop -n __fish_use_subcommand -a system
complete -c orlop -n __fish_use_subcommand -a tag
complete -c orlop -n __fish_use_subcommand -a tags
complete -c orlop -n __fish_use_subcommand -a top
complete -c orlop -n __fish_use_subcommand -a unpause
complete -c orlop -n __fish_use_subcommand -a update
complete -c orlop -n __fish_use_subcommand -a version
complete -c orlop -n __fish_use_subcommand -a volume
complete -c orlop -n __fish_use_subcommand -a wait
complete -c orlop -n '__fish_seen_subcommand_from attach' -l help
complete -c orlop -n '__fish_seen_subcommand_from attach' -l detach-keys
complete -c orlop -n '__fish_seen_subcommand_from attach' -l no-stdin
complete -c orlop -n '__fish_seen_subcommand_from attach' -l sig-proxy
complete -c orlop -n '__fish_seen_subcommand_from attach' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from bootstrap' -l help
complete -c orlop -n '__fish_seen_subcommand_from chainid' -l help
complete -c orlop -n '__fish_seen_subcommand_from chainid' -l all
complete -c orlop -n '__fish_seen_subcommand_from chainid' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from commit' -l help
complete -c orlop -n '__fish_seen_subcommand_from commit' -l author
complete -c orlop -n '__fish_seen_subcommand_from commit' -l change
complete -c orlop -n '__fish_seen_subcommand_from commit' -l message
complete -c orlop -n '__fish_seen_subcommand_from commit' -l pause
complete -c orlop -n '__fish_seen_subcommand_from commit' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from completion' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from attach' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from attach' -l detach-keys
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from attach' -l no-stdin
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from attach' -l sig-proxy
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from attach' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from commit' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from commit' -l author
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from commit' -l change
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from commit' -l message
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from commit' -l pause
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from commit' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from cp' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from cp' -l archive
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from cp' -l follow-link
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from cp' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from cp' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l add-host
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l annotation
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l attach
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l blkio-weight
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l blkio-weight-device
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cap-add
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cap-drop
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cgroup-parent
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cgroupns
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cidfile
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cpu-period
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cpu-quota
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cpu-rt-period
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cpu-rt-runtime
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cpu-shares
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cpus
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cpuset-cpus
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cpuset-mems
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l device
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l device-cgroup-rule
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l device-read-bps
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l device-read-iops
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l device-write-bps
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l device-write-iops
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l disable-content-trust
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l dns
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l dns-option
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l dns-search
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l domainname
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l entrypoint
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l env
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l env-file
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l expose
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l gpus
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l group-add
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l health-cmd
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l health-interval
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l health-retries
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l health-start-interval
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l health-start-period
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l health-timeout
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l hostname
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l init
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l interactive
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l ip
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l ip6
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l ipc
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l isolation
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l kernel-memory
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l label
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l label-file
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l link
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l link-local-ip
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l log-driver
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l log-opt
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l mac-address
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l memory
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l memory-reservation
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l memory-swap
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l memory-swappiness
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l mount
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l name
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l network
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l network-alias
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l no-healthcheck
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l oom-kill-disable
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l oom-score-adj
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l pid
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l pids-limit
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l platform
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l privileged
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l publish
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l publish-all
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l pull
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l read-only
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l restart
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l rm
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l runtime
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l security-opt
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l shm-size
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l stop-signal
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l stop-timeout
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l storage-opt
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l sysctl
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l tmpfs
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l tty
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l ulimit
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l use-api-socket
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l user
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l userns
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l uts
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l volume
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l volume-driver
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l volumes-from
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l workdir
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l net
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l net-alias
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l dns-opt
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cpu-count
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l cpu-percent
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l io-maxbandwidth
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -l io-maxiops
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from create' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from diff' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from diff' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from exec' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from exec' -l detach
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from exec' -l detach-keys
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from exec' -l env
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from exec' -l env-file
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from exec' -l interactive
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from exec' -l privileged
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from exec' -l tty
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from exec' -l user
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from exec' -l workdir
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from exec' -l kill-on-disconnect
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from exec' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from export' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from export' -l output
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from export' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from inspect' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from inspect' -l format
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from inspect' -l size
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from inspect' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from kill' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from kill' -l signal
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from kill' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from list' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from list' -l all
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from list' -l filter
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from list' -l format
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from list' -l last
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from list' -l latest
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from list' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from list' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from list' -l size
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from list' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from logs' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from logs' -l details
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from logs' -l follow
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from logs' -l since
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from logs' -l tail
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from logs' -l timestamps
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from logs' -l until
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from logs' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ls' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ls' -l all
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ls' -l filter
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ls' -l format
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ls' -l last
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ls' -l latest
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ls' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ls' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ls' -l size
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ls' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from pause' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from pause' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from port' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from port' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from prune' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from prune' -l filter
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from prune' -l force
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from prune' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ps' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ps' -l all
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ps' -l filter
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ps' -l format
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ps' -l last
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ps' -l latest
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ps' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ps' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ps' -l size
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from ps' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from remove' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from remove' -l force
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from remove' -l link
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from remove' -l volumes
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from remove' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from rename' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from rename' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from restart' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from restart' -l signal
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from restart' -l timeout
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from restart' -l time
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from restart' -l --timeout
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from restart' -l instead
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from restart' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from rm' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from rm' -l force
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from rm' -l link
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from rm' -l volumes
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from rm' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l detach
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l detach-keys
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l sig-proxy
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l add-host
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l annotation
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l attach
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l blkio-weight
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l blkio-weight-device
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cap-add
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cap-drop
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cgroup-parent
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cgroupns
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cidfile
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cpu-period
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cpu-quota
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cpu-rt-period
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cpu-rt-runtime
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cpu-shares
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cpus
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cpuset-cpus
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cpuset-mems
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l device
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l device-cgroup-rule
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l device-read-bps
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l device-read-iops
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l device-write-bps
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l device-write-iops
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l disable-content-trust
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l dns
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l dns-option
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l dns-search
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l domainname
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l entrypoint
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l env
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l env-file
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l expose
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l gpus
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l group-add
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l health-cmd
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l health-interval
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l health-retries
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l health-start-interval
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l health-start-period
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l health-timeout
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l hostname
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l init
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l interactive
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l ip
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l ip6
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l ipc
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l isolation
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l kernel-memory
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l label
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l label-file
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l link
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l link-local-ip
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l log-driver
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l log-opt
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l mac-address
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l memory
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l memory-reservation
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l memory-swap
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l memory-swappiness
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l mount
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l name
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l network
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l network-alias
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l no-healthcheck
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l oom-kill-disable
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l oom-score-adj
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l pid
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l pids-limit
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l platform
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l privileged
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l publish
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l publish-all
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l pull
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l read-only
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l restart
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l rm
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l runtime
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l security-opt
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l shm-size
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l stop-signal
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l stop-timeout
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l storage-opt
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l sysctl
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l tmpfs
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l tty
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l ulimit
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l use-api-socket
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l user
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l userns
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l uts
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l volume
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l volume-driver
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l volumes-from
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l workdir
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l net
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l net-alias
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l dns-opt
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cpu-count
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l cpu-percent
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l io-maxbandwidth
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -l io-maxiops
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from run' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from start' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from start' -l attach
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from start' -l detach-keys
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from start' -l interactive
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from start' -l checkpoint
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from start' -l checkpoint-dir
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from start' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from stats' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from stats' -l all
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from stats' -l format
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from stats' -l no-stream
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from stats' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from stats' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from stop' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from stop' -l signal
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from stop' -l timeout
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from stop' -l time
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from stop' -l --timeout
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from stop' -l instead
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from stop' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from top' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from top' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from unpause' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from unpause' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l blkio-weight
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l cpu-period
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l cpu-quota
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l cpu-rt-period
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l cpu-rt-runtime
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l cpu-shares
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l cpus
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l cpuset-cpus
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l cpuset-mems
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l memory
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l memory-reservation
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l memory-swap
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l pids-limit
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l restart
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -l kernel-memory
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from update' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from wait' -l help
complete -c orlop -n '__fish_seen_subcommand_from container ; and __fish_seen_subcommand_from wait' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from cp' -l help
complete -c orlop -n '__fish_seen_subcommand_from cp' -l archive
complete -c orlop -n '__fish_seen_subcommand_from cp' -l follow-link
complete -c orlop -n '__fish_seen_subcommand_from cp' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from cp' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from create' -l help
complete -c orlop -n '__fish_seen_subcommand_from create' -l add-host
complete -c orlop -n '__fish_seen_subcommand_from create' -l annotation
complete -c orlop -n '__fish_seen_subcommand_from create' -l attach
complete -c orlop -n '__fish_seen_subcommand_from create' -l blkio-weight
complete -c orlop -n '__fish_seen_subcommand_from create' -l blkio-weight-device
complete -c orlop -n '__fish_seen_subcommand_from create' -l cap-add
complete -c orlop -n '__fish_seen_subcommand_from create' -l cap-drop
complete -c orlop -n '__fish_seen_subcommand_from create' -l cgroup-parent
complete -c orlop -n '__fish_seen_subcommand_from create' -l cgroupns
complete -c orlop -n '__fish_seen_subcommand_from create' -l cidfile
complete -c orlop -n '__fish_seen_subcommand_from create' -l cpu-period
complete -c orlop -n '__fish_seen_subcommand_from create' -l cpu-quota
complete -c orlop -n '__fish_seen_subcommand_from create' -l cpu-rt-period
complete -c orlop -n '__fish_seen_subcommand_from create' -l cpu-rt-runtime
complete -c orlop -n '__fish_seen_subcommand_from create' -l cpu-shares
complete -c orlop -n '__fish_seen_subcommand_from create' -l cpus
complete -c orlop -n '__fish_seen_subcommand_from create' -l cpuset-cpus
complete -c orlop -n '__fish_seen_subcommand_from create' -l cpuset-mems
complete -c orlop -n '__fish_seen_subcommand_from create' -l device
complete -c orlop -n '__fish_seen_subcommand_from create' -l device-cgroup-rule
complete -c orlop -n '__fish_seen_subcommand_from create' -l device-read-bps
complete -c orlop -n '__fish_seen_subcommand_from create' -l device-read-iops
complete -c orlop -n '__fish_seen_subcommand_from create' -l device-write-bps
complete -c orlop -n '__fish_seen_subcommand_from create' -l device-write-iops
complete -c orlop -n '__fish_seen_subcommand_from create' -l disable-content-trust
complete -c orlop -n '__fish_seen_subcommand_from create' -l dns
complete -c orlop -n '__fish_seen_subcommand_from create' -l dns-option
complete -c orlop -n '__fish_seen_subcommand_from create' -l dns-search
complete -c orlop -n '__fish_seen_subcommand_from create' -l domainname
complete -c orlop -n '__fish_seen_subcommand_from create' -l entrypoint
complete -c orlop -n '__fish_seen_subcommand_from create' -l env
complete -c orlop -n '__fish_seen_subcommand_from create' -l env-file
complete -c orlop -n '__fish_seen_subcommand_from create' -l expose
complete -c orlop -n '__fish_seen_subcommand_from create' -l gpus
complete -c orlop -n '__fish_seen_subcommand_from create' -l group-add
complete -c orlop -n '__fish_seen_subcommand_from create' -l health-cmd
complete -c orlop -n '__fish_seen_subcommand_from create' -l health-interval
complete -c orlop -n '__fish_seen_subcommand_from create' -l health-retries
complete -c orlop -n '__fish_seen_subcommand_from create' -l health-start-interval
complete -c orlop -n '__fish_seen_subcommand_from create' -l health-start-period
complete -c orlop -n '__fish_seen_subcommand_from create' -l health-timeout
complete -c orlop -n '__fish_seen_subcommand_from create' -l hostname
complete -c orlop -n '__fish_seen_subcommand_from create' -l init
complete -c orlop -n '__fish_seen_subcommand_from create' -l interactive
complete -c orlop -n '__fish_seen_subcommand_from create' -l ip
complete -c orlop -n '__fish_seen_subcommand_from create' -l ip6
complete -c orlop -n '__fish_seen_subcommand_from create' -l ipc
complete -c orlop -n '__fish_seen_subcommand_from create' -l isolation
complete -c orlop -n '__fish_seen_subcommand_from create' -l kernel-memory
complete -c orlop -n '__fish_seen_subcommand_from create' -l label
complete -c orlop -n '__fish_seen_subcommand_from create' -l label-file
complete -c orlop -n '__fish_seen_subcommand_from create' -l link
complete -c orlop -n '__fish_seen_subcommand_from create' -l link-local-ip
complete -c orlop -n '__fish_seen_subcommand_from create' -l log-driver
complete -c orlop -n '__fish_seen_subcommand_from create' -l log-opt
complete -c orlop -n '__fish_seen_subcommand_from create' -l mac-address
complete -c orlop -n '__fish_seen_subcommand_from create' -l memory
complete -c orlop -n '__fish_seen_subcommand_from create' -l memory-reservation
complete -c orlop -n '__fish_seen_subcommand_from create' -l memory-swap
complete -c orlop -n '__fish_seen_subcommand_from create' -l memory-swappiness
complete -c orlop -n '__fish_seen_subcommand_from create' -l mount
complete -c orlop -n '__fish_seen_subcommand_from create' -l name
complete -c orlop -n '__fish_seen_subcommand_from create' -l network
complete -c orlop -n '__fish_seen_subcommand_from create' -l network-alias
complete -c orlop -n '__fish_seen_subcommand_from create' -l no-healthcheck
complete -c orlop -n '__fish_seen_subcommand_from create' -l oom-kill-disable
complete -c orlop -n '__fish_seen_subcommand_from create' -l oom-score-adj
complete -c orlop -n '__fish_seen_subcommand_from create' -l pid
complete -c orlop -n '__fish_seen_subcommand_from create' -l pids-limit
complete -c orlop -n '__fish_seen_subcommand_from create' -l platform
complete -c orlop -n '__fish_seen_subcommand_from create' -l privileged
complete -c orlop -n '__fish_seen_subcommand_from create' -l publish
complete -c orlop -n '__fish_seen_subcommand_from create' -l publish-all
complete -c orlop -n '__fish_seen_subcommand_from create' -l pull
complete -c orlop -n '__fish_seen_subcommand_from create' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from create' -l read-only
complete -c orlop -n '__fish_seen_subcommand_from create' -l restart
complete -c orlop -n '__fish_seen_subcommand_from create' -l rm
complete -c orlop -n '__fish_seen_subcommand_from create' -l runtime
complete -c orlop -n '__fish_seen_subcommand_from create' -l security-opt
complete -c orlop -n '__fish_seen_subcommand_from create' -l shm-size
complete -c orlop -n '__fish_seen_subcommand_from create' -l stop-signal
complete -c orlop -n '__fish_seen_subcommand_from create' -l stop-timeout
complete -c orlop -n '__fish_seen_subcommand_from create' -l storage-opt
complete -c orlop -n '__fish_seen_subcommand_from create' -l sysctl
complete -c orlop -n '__fish_seen_subcommand_from create' -l tmpfs
complete -c orlop -n '__fish_seen_subcommand_from create' -l tty
complete -c orlop -n '__fish_seen_subcommand_from create' -l ulimit
complete -c orlop -n '__fish_seen_subcommand_from create' -l use-api-socket
complete -c orlop -n '__fish_seen_subcommand_from create' -l user
complete -c orlop -n '__fish_seen_subcommand_from create' -l userns
complete -c orlop -n '__fish_seen_subcommand_from create' -l uts
complete -c orlop -n '__fish_seen_subcommand_from create' -l volume
complete -c orlop -n '__fish_seen_subcommand_from create' -l volume-driver
complete -c orlop -n '__fish_seen_subcommand_from create' -l volumes-from
complete -c orlop -n '__fish_seen_subcommand_from create' -l workdir
complete -c orlop -n '__fish_seen_subcommand_from create' -l net
complete -c orlop -n '__fish_seen_subcommand_from create' -l net-alias
complete -c orlop -n '__fish_seen_subcommand_from create' -l dns-opt
complete -c orlop -n '__fish_seen_subcommand_from create' -l cpu-count
complete -c orlop -n '__fish_seen_subcommand_from create' -l cpu-percent
complete -c orlop -n '__fish_seen_subcommand_from create' -l io-maxbandwidth
complete -c orlop -n '__fish_seen_subcommand_from create' -l io-maxiops
complete -c orlop -n '__fish_seen_subcommand_from create' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from diff' -l help
complete -c orlop -n '__fish_seen_subcommand_from diff' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from events' -l help
complete -c orlop -n '__fish_seen_subcommand_from events' -l filter
complete -c orlop -n '__fish_seen_subcommand_from events' -l format
complete -c orlop -n '__fish_seen_subcommand_from events' -l since
complete -c orlop -n '__fish_seen_subcommand_from events' -l until
complete -c orlop -n '__fish_seen_subcommand_from exec' -l help
complete -c orlop -n '__fish_seen_subcommand_from exec' -l detach
complete -c orlop -n '__fish_seen_subcommand_from exec' -l detach-keys
complete -c orlop -n '__fish_seen_subcommand_from exec' -l env
complete -c orlop -n '__fish_seen_subcommand_from exec' -l env-file
complete -c orlop -n '__fish_seen_subcommand_from exec' -l interactive
complete -c orlop -n '__fish_seen_subcommand_from exec' -l privileged
complete -c orlop -n '__fish_seen_subcommand_from exec' -l tty
complete -c orlop -n '__fish_seen_subcommand_from exec' -l user
complete -c orlop -n '__fish_seen_subcommand_from exec' -l workdir
complete -c orlop -n '__fish_seen_subcommand_from exec' -l kill-on-disconnect
complete -c orlop -n '__fish_seen_subcommand_from exec' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from exec ; and __fish_seen_subcommand_from kill' -l help
complete -c orlop -n '__fish_seen_subcommand_from exec ; and __fish_seen_subcommand_from kill' -l signal
complete -c orlop -n '__fish_seen_subcommand_from exec ; and __fish_seen_subcommand_from kill' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from exec ; and __fish_seen_subcommand_from ls' -l help
complete -c orlop -n '__fish_seen_subcommand_from exec ; and __fish_seen_subcommand_from ls' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from exec ; and __fish_seen_subcommand_from ls' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from exec ; and __fish_seen_subcommand_from ls' -l format
complete -c orlop -n '__fish_seen_subcommand_from export' -l help
complete -c orlop -n '__fish_seen_subcommand_from export' -l output
complete -c orlop -n '__fish_seen_subcommand_from export' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from help' -l help
complete -c orlop -n '__fish_seen_subcommand_from help' -l map
complete -c orlop -n '__fish_seen_subcommand_from history' -l help
complete -c orlop -n '__fish_seen_subcommand_from history' -l format
complete -c orlop -n '__fish_seen_subcommand_from history' -l human
complete -c orlop -n '__fish_seen_subcommand_from history' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from history' -l platform
complete -c orlop -n '__fish_seen_subcommand_from history' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from history' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from chainid' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from chainid' -l all
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from chainid' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from history' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from history' -l format
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from history' -l human
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from history' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from history' -l platform
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from history' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from history' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from import' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from import' -l change
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from import' -l message
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from import' -l platform
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from import' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from inspect' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from inspect' -l format
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from inspect' -l platform
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from inspect' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from list' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from list' -l all
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from list' -l digests
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from list' -l filter
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from list' -l format
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from list' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from list' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from list' -l tree
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from list' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from load' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from load' -l input
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from load' -l platform
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from load' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from load' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from ls' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from ls' -l all
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from ls' -l digests
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from ls' -l filter
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from ls' -l format
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from ls' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from ls' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from ls' -l tree
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from ls' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from prune' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from prune' -l all
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from prune' -l filter
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from prune' -l force
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from prune' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from pull' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from pull' -l all-tags
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from pull' -l disable-content-trust
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from pull' -l platform
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from pull' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from pull' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from push' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from push' -l all-tags
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from push' -l disable-content-trust
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from push' -l platform
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from push' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from push' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from remove' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from remove' -l force
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from remove' -l no-prune
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from remove' -l platform
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from remove' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from rm' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from rm' -l force
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from rm' -l no-prune
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from rm' -l platform
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from rm' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from rmi' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from rmi' -l force
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from rmi' -l no-prune
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from rmi' -l platform
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from rmi' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from save' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from save' -l output
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from save' -l platform
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from save' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from tag' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from tag' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from verify' -l help
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from verify' -l all
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from verify' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from image ; and __fish_seen_subcommand_from verify' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from images' -l help
complete -c orlop -n '__fish_seen_subcommand_from images' -l all
complete -c orlop -n '__fish_seen_subcommand_from images' -l digests
complete -c orlop -n '__fish_seen_subcommand_from images' -l filter
complete -c orlop -n '__fish_seen_subcommand_from images' -l format
complete -c orlop -n '__fish_seen_subcommand_from images' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from images' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from images' -l tree
complete -c orlop -n '__fish_seen_subcommand_from import' -l help
complete -c orlop -n '__fish_seen_subcommand_from import' -l change
complete -c orlop -n '__fish_seen_subcommand_from import' -l message
complete -c orlop -n '__fish_seen_subcommand_from import' -l platform
complete -c orlop -n '__fish_seen_subcommand_from info' -l help
complete -c orlop -n '__fish_seen_subcommand_from info' -l format
complete -c orlop -n '__fish_seen_subcommand_from inspect' -l help
complete -c orlop -n '__fish_seen_subcommand_from inspect' -l format
complete -c orlop -n '__fish_seen_subcommand_from inspect' -l size
complete -c orlop -n '__fish_seen_subcommand_from inspect' -l type
complete -c orlop -n '__fish_seen_subcommand_from inspect' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from kill' -l help
complete -c orlop -n '__fish_seen_subcommand_from kill' -l signal
complete -c orlop -n '__fish_seen_subcommand_from kill' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from layers ; and __fish_seen_subcommand_from show' -l help
complete -c orlop -n '__fish_seen_subcommand_from layers ; and __fish_seen_subcommand_from show' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from layers ; and __fish_seen_subcommand_from show' -l limit
complete -c orlop -n '__fish_seen_subcommand_from load' -l help
complete -c orlop -n '__fish_seen_subcommand_from load' -l input
complete -c orlop -n '__fish_seen_subcommand_from load' -l platform
complete -c orlop -n '__fish_seen_subcommand_from load' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from login' -l help
complete -c orlop -n '__fish_seen_subcommand_from login' -l password
complete -c orlop -n '__fish_seen_subcommand_from login' -l password-stdin
complete -c orlop -n '__fish_seen_subcommand_from login' -l username
complete -c orlop -n '__fish_seen_subcommand_from logout' -l help
complete -c orlop -n '__fish_seen_subcommand_from logs' -l help
complete -c orlop -n '__fish_seen_subcommand_from logs' -l details
complete -c orlop -n '__fish_seen_subcommand_from logs' -l follow
complete -c orlop -n '__fish_seen_subcommand_from logs' -l since
complete -c orlop -n '__fish_seen_subcommand_from logs' -l tail
complete -c orlop -n '__fish_seen_subcommand_from logs' -l timestamps
complete -c orlop -n '__fish_seen_subcommand_from logs' -l until
complete -c orlop -n '__fish_seen_subcommand_from logs' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from connect' -l help
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from connect' -l alias
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from connect' -l driver-opt
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from connect' -l gw-priority
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from connect' -l ip
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from connect' -l ip6
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from connect' -l link
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from connect' -l link-local-ip
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from connect' -a '(orlop network ls --format "{{.Name}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l help
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l attachable
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l aux-address
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l config-from
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l config-only
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l driver
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l gateway
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l ingress
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l internal
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l ip-range
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l ipam-driver
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l ipam-opt
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l ipv4
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l ipv6
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l label
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l opt
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l scope
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -l subnet
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from create' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from disconnect' -l help
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from disconnect' -l force
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from disconnect' -a '(orlop network ls --format "{{.Name}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from inspect' -l help
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from inspect' -l format
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from inspect' -l verbose
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from inspect' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from list' -l help
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from list' -l filter
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from list' -l format
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from list' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from list' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from list' -a '(orlop network ls --format "{{.Name}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from ls' -l help
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from ls' -l filter
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from ls' -l format
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from ls' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from ls' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from ls' -a '(orlop network ls --format "{{.Name}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from prune' -l help
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from prune' -l filter
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from prune' -l force
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from prune' -a '(orlop network ls --format "{{.Name}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from remove' -l help
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from remove' -l force
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from remove' -a '(orlop network ls --format "{{.Name}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from rm' -l help
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from rm' -l force
complete -c orlop -n '__fish_seen_subcommand_from network ; and __fish_seen_subcommand_from rm' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from overlay ; and __fish_seen_subcommand_from demo' -l help
complete -c orlop -n '__fish_seen_subcommand_from overlay ; and __fish_seen_subcommand_from demo' -l keep
complete -c orlop -n '__fish_seen_subcommand_from overlay ; and __fish_seen_subcommand_from demo' -l dir
complete -c orlop -n '__fish_seen_subcommand_from pause' -l help
complete -c orlop -n '__fish_seen_subcommand_from pause' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from port' -l help
complete -c orlop -n '__fish_seen_subcommand_from port' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from ps' -l help
complete -c orlop -n '__fish_seen_subcommand_from ps' -l all
complete -c orlop -n '__fish_seen_subcommand_from ps' -l filter
complete -c orlop -n '__fish_seen_subcommand_from ps' -l format
complete -c orlop -n '__fish_seen_subcommand_from ps' -l last
complete -c orlop -n '__fish_seen_subcommand_from ps' -l latest
complete -c orlop -n '__fish_seen_subcommand_from ps' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from ps' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from ps' -l size
complete -c orlop -n '__fish_seen_subcommand_from pull' -l help
complete -c orlop -n '__fish_seen_subcommand_from pull' -l all-tags
complete -c orlop -n '__fish_seen_subcommand_from pull' -l disable-content-trust
complete -c orlop -n '__fish_seen_subcommand_from pull' -l platform
complete -c orlop -n '__fish_seen_subcommand_from pull' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from push' -l help
complete -c orlop -n '__fish_seen_subcommand_from push' -l all-tags
complete -c orlop -n '__fish_seen_subcommand_from push' -l disable-content-trust
complete -c orlop -n '__fish_seen_subcommand_from push' -l platform
complete -c orlop -n '__fish_seen_subcommand_from push' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from push' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from rename' -l help
complete -c orlop -n '__fish_seen_subcommand_from rename' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from restart' -l help
complete -c orlop -n '__fish_seen_subcommand_from restart' -l signal
complete -c orlop -n '__fish_seen_subcommand_from restart' -l timeout
complete -c orlop -n '__fish_seen_subcommand_from restart' -l time
complete -c orlop -n '__fish_seen_subcommand_from restart' -l --timeout
complete -c orlop -n '__fish_seen_subcommand_from restart' -l instead
complete -c orlop -n '__fish_seen_subcommand_from restart' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from rm' -l help
complete -c orlop -n '__fish_seen_subcommand_from rm' -l force
complete -c orlop -n '__fish_seen_subcommand_from rm' -l link
complete -c orlop -n '__fish_seen_subcommand_from rm' -l volumes
complete -c orlop -n '__fish_seen_subcommand_from rm' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from rmi' -l help
complete -c orlop -n '__fish_seen_subcommand_from rmi' -l force
complete -c orlop -n '__fish_seen_subcommand_from rmi' -l no-prune
complete -c orlop -n '__fish_seen_subcommand_from rmi' -l platform
complete -c orlop -n '__fish_seen_subcommand_from rmi' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from run' -l help
complete -c orlop -n '__fish_seen_subcommand_from run' -l detach
complete -c orlop -n '__fish_seen_subcommand_from run' -l detach-keys
complete -c orlop -n '__fish_seen_subcommand_from run' -l sig-proxy
complete -c orlop -n '__fish_seen_subcommand_from run' -l add-host
complete -c orlop -n '__fish_seen_subcommand_from run' -l annotation
complete -c orlop -n '__fish_seen_subcommand_from run' -l attach
complete -c orlop -n '__fish_seen_subcommand_from run' -l blkio-weight
complete -c orlop -n '__fish_seen_subcommand_from run' -l blkio-weight-device
complete -c orlop -n '__fish_seen_subcommand_from run' -l cap-add
complete -c orlop -n '__fish_seen_subcommand_from run' -l cap-drop
complete -c orlop -n '__fish_seen_subcommand_from run' -l cgroup-parent
complete -c orlop -n '__fish_seen_subcommand_from run' -l cgroupns
complete -c orlop -n '__fish_seen_subcommand_from run' -l cidfile
complete -c orlop -n '__fish_seen_subcommand_from run' -l cpu-period
complete -c orlop -n '__fish_seen_subcommand_from run' -l cpu-quota
complete -c orlop -n '__fish_seen_subcommand_from run' -l cpu-rt-period
complete -c orlop -n '__fish_seen_subcommand_from run' -l cpu-rt-runtime
complete -c orlop -n '__fish_seen_subcommand_from run' -l cpu-shares
complete -c orlop -n '__fish_seen_subcommand_from run' -l cpus
complete -c orlop -n '__fish_seen_subcommand_from run' -l cpuset-cpus
complete -c orlop -n '__fish_seen_subcommand_from run' -l cpuset-mems
complete -c orlop -n '__fish_seen_subcommand_from run' -l device
complete -c orlop -n '__fish_seen_subcommand_from run' -l device-cgroup-rule
complete -c orlop -n '__fish_seen_subcommand_from run' -l device-read-bps
complete -c orlop -n '__fish_seen_subcommand_from run' -l device-read-iops
complete -c orlop -n '__fish_seen_subcommand_from run' -l device-write-bps
complete -c orlop -n '__fish_seen_subcommand_from run' -l device-write-iops
complete -c orlop -n '__fish_seen_subcommand_from run' -l disable-content-trust
complete -c orlop -n '__fish_seen_subcommand_from run' -l dns
complete -c orlop -n '__fish_seen_subcommand_from run' -l dns-option
complete -c orlop -n '__fish_seen_subcommand_from run' -l dns-search
complete -c orlop -n '__fish_seen_subcommand_from run' -l domainname
complete -c orlop -n '__fish_seen_subcommand_from run' -l entrypoint
complete -c orlop -n '__fish_seen_subcommand_from run' -l env
complete -c orlop -n '__fish_seen_subcommand_from run' -l env-file
complete -c orlop -n '__fish_seen_subcommand_from run' -l expose
complete -c orlop -n '__fish_seen_subcommand_from run' -l gpus
complete -c orlop -n '__fish_seen_subcommand_from run' -l group-add
complete -c orlop -n '__fish_seen_subcommand_from run' -l health-cmd
complete -c orlop -n '__fish_seen_subcommand_from run' -l health-interval
complete -c orlop -n '__fish_seen_subcommand_from run' -l health-retries
complete -c orlop -n '__fish_seen_subcommand_from run' -l health-start-interval
complete -c orlop -n '__fish_seen_subcommand_from run' -l health-start-period
complete -c orlop -n '__fish_seen_subcommand_from run' -l health-timeout
complete -c orlop -n '__fish_seen_subcommand_from run' -l hostname
complete -c orlop -n '__fish_seen_subcommand_from run' -l init
complete -c orlop -n '__fish_seen_subcommand_from run' -l interactive
complete -c orlop -n '__fish_seen_subcommand_from run' -l ip
complete -c orlop -n '__fish_seen_subcommand_from run' -l ip6
complete -c orlop -n '__fish_seen_subcommand_from run' -l ipc
complete -c orlop -n '__fish_seen_subcommand_from run' -l isolation
complete -c orlop -n '__fish_seen_subcommand_from run' -l kernel-memory
complete -c orlop -n '__fish_seen_subcommand_from run' -l label
complete -c orlop -n '__fish_seen_subcommand_from run' -l label-file
complete -c orlop -n '__fish_seen_subcommand_from run' -l link
complete -c orlop -n '__fish_seen_subcommand_from run' -l link-local-ip
complete -c orlop -n '__fish_seen_subcommand_from run' -l log-driver
complete -c orlop -n '__fish_seen_subcommand_from run' -l log-opt
complete -c orlop -n '__fish_seen_subcommand_from run' -l mac-address
complete -c orlop -n '__fish_seen_subcommand_from run' -l memory
complete -c orlop -n '__fish_seen_subcommand_from run' -l memory-reservation
complete -c orlop -n '__fish_seen_subcommand_from run' -l memory-swap
complete -c orlop -n '__fish_seen_subcommand_from run' -l memory-swappiness
complete -c orlop -n '__fish_seen_subcommand_from run' -l mount
complete -c orlop -n '__fish_seen_subcommand_from run' -l name
complete -c orlop -n '__fish_seen_subcommand_from run' -l network
complete -c orlop -n '__fish_seen_subcommand_from run' -l network-alias
complete -c orlop -n '__fish_seen_subcommand_from run' -l no-healthcheck
complete -c orlop -n '__fish_seen_subcommand_from run' -l oom-kill-disable
complete -c orlop -n '__fish_seen_subcommand_from run' -l oom-score-adj
complete -c orlop -n '__fish_seen_subcommand_from run' -l pid
complete -c orlop -n '__fish_seen_subcommand_from run' -l pids-limit
complete -c orlop -n '__fish_seen_subcommand_from run' -l platform
complete -c orlop -n '__fish_seen_subcommand_from run' -l privileged
complete -c orlop -n '__fish_seen_subcommand_from run' -l publish
complete -c orlop -n '__fish_seen_subcommand_from run' -l publish-all
complete -c orlop -n '__fish_seen_subcommand_from run' -l pull
complete -c orlop -n '__fish_seen_subcommand_from run' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from run' -l read-only
complete -c orlop -n '__fish_seen_subcommand_from run' -l restart
complete -c orlop -n '__fish_seen_subcommand_from run' -l rm
complete -c orlop -n '__fish_seen_subcommand_from run' -l runtime
complete -c orlop -n '__fish_seen_subcommand_from run' -l security-opt
complete -c orlop -n '__fish_seen_subcommand_from run' -l shm-size
complete -c orlop -n '__fish_seen_subcommand_from run' -l stop-signal
complete -c orlop -n '__fish_seen_subcommand_from run' -l stop-timeout
complete -c orlop -n '__fish_seen_subcommand_from run' -l storage-opt
complete -c orlop -n '__fish_seen_subcommand_from run' -l sysctl
complete -c orlop -n '__fish_seen_subcommand_from run' -l tmpfs
complete -c orlop -n '__fish_seen_subcommand_from run' -l tty
complete -c orlop -n '__fish_seen_subcommand_from run' -l ulimit
complete -c orlop -n '__fish_seen_subcommand_from run' -l use-api-socket
complete -c orlop -n '__fish_seen_subcommand_from run' -l user
complete -c orlop -n '__fish_seen_subcommand_from run' -l userns
complete -c orlop -n '__fish_seen_subcommand_from run' -l uts
complete -c orlop -n '__fish_seen_subcommand_from run' -l volume
complete -c orlop -n '__fish_seen_subcommand_from run' -l volume-driver
complete -c orlop -n '__fish_seen_subcommand_from run' -l volumes-from
complete -c orlop -n '__fish_seen_subcommand_from run' -l workdir
complete -c orlop -n '__fish_seen_subcommand_from run' -l net
complete -c orlop -n '__fish_seen_subcommand_from run' -l net-alias
complete -c orlop -n '__fish_seen_subcommand_from run' -l dns-opt
complete -c orlop -n '__fish_seen_subcommand_from run' -l cpu-count
complete -c orlop -n '__fish_seen_subcommand_from run' -l cpu-percent
complete -c orlop -n '__fish_seen_subcommand_from run' -l io-maxbandwidth
complete -c orlop -n '__fish_seen_subcommand_from run' -l io-maxiops
complete -c orlop -n '__fish_seen_subcommand_from run' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from save' -l help
complete -c orlop -n '__fish_seen_subcommand_from save' -l output
complete -c orlop -n '__fish_seen_subcommand_from save' -l platform
complete -c orlop -n '__fish_seen_subcommand_from save' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from search' -l help
complete -c orlop -n '__fish_seen_subcommand_from search' -l filter
complete -c orlop -n '__fish_seen_subcommand_from search' -l format
complete -c orlop -n '__fish_seen_subcommand_from search' -l limit
complete -c orlop -n '__fish_seen_subcommand_from search' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from start' -l help
complete -c orlop -n '__fish_seen_subcommand_from start' -l attach
complete -c orlop -n '__fish_seen_subcommand_from start' -l detach-keys
complete -c orlop -n '__fish_seen_subcommand_from start' -l interactive
complete -c orlop -n '__fish_seen_subcommand_from start' -l checkpoint
complete -c orlop -n '__fish_seen_subcommand_from start' -l checkpoint-dir
complete -c orlop -n '__fish_seen_subcommand_from start' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from stats' -l help
complete -c orlop -n '__fish_seen_subcommand_from stats' -l all
complete -c orlop -n '__fish_seen_subcommand_from stats' -l format
complete -c orlop -n '__fish_seen_subcommand_from stats' -l no-stream
complete -c orlop -n '__fish_seen_subcommand_from stats' -l no-trunc
complete -c orlop -n '__fish_seen_subcommand_from stats' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from stop' -l help
complete -c orlop -n '__fish_seen_subcommand_from stop' -l signal
complete -c orlop -n '__fish_seen_subcommand_from stop' -l timeout
complete -c orlop -n '__fish_seen_subcommand_from stop' -l time
complete -c orlop -n '__fish_seen_subcommand_from stop' -l --timeout
complete -c orlop -n '__fish_seen_subcommand_from stop' -l instead
complete -c orlop -n '__fish_seen_subcommand_from stop' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from df' -l help
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from df' -l format
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from df' -l verbose
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from dial-stdio' -l help
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from events' -l help
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from events' -l filter
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from events' -l format
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from events' -l since
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from events' -l until
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from info' -l help
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from info' -l format
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from prune' -l help
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from prune' -l all
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from prune' -l filter
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from prune' -l force
complete -c orlop -n '__fish_seen_subcommand_from system ; and __fish_seen_subcommand_from prune' -l volumes
complete -c orlop -n '__fish_seen_subcommand_from tag' -l help
complete -c orlop -n '__fish_seen_subcommand_from tag' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from tags' -l help
complete -c orlop -n '__fish_seen_subcommand_from tags' -l detail
complete -c orlop -n '__fish_seen_subcommand_from tags' -l limit
complete -c orlop -n '__fish_seen_subcommand_from tags' -l platform
complete -c orlop -n '__fish_seen_subcommand_from top' -l help
complete -c orlop -n '__fish_seen_subcommand_from top' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from unpause' -l help
complete -c orlop -n '__fish_seen_subcommand_from unpause' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from update' -l help
complete -c orlop -n '__fish_seen_subcommand_from update' -l blkio-weight
complete -c orlop -n '__fish_seen_subcommand_from update' -l cpu-period
complete -c orlop -n '__fish_seen_subcommand_from update' -l cpu-quota
complete -c orlop -n '__fish_seen_subcommand_from update' -l cpu-rt-period
complete -c orlop -n '__fish_seen_subcommand_from update' -l cpu-rt-runtime
complete -c orlop -n '__fish_seen_subcommand_from update' -l cpu-shares
complete -c orlop -n '__fish_seen_subcommand_from update' -l cpus
complete -c orlop -n '__fish_seen_subcommand_from update' -l cpuset-cpus
complete -c orlop -n '__fish_seen_subcommand_from update' -l cpuset-mems
complete -c orlop -n '__fish_seen_subcommand_from update' -l memory
complete -c orlop -n '__fish_seen_subcommand_from update' -l memory-reservation
complete -c orlop -n '__fish_seen_subcommand_from update' -l memory-swap
complete -c orlop -n '__fish_seen_subcommand_from update' -l pids-limit
complete -c orlop -n '__fish_seen_subcommand_from update' -l restart
complete -c orlop -n '__fish_seen_subcommand_from update' -l kernel-memory
complete -c orlop -n '__fish_seen_subcommand_from update' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from version' -l help
complete -c orlop -n '__fish_seen_subcommand_from version' -l format
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from create' -l help
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from create' -l driver
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from create' -l label
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from create' -l opt
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from create' -a '(orlop images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from inspect' -l help
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from inspect' -l format
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from inspect' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from list' -l help
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from list' -l filter
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from list' -l format
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from list' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from list' -a '(orlop volume ls -q 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from ls' -l help
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from ls' -l filter
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from ls' -l format
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from ls' -l quiet
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from ls' -a '(orlop volume ls -q 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from prune' -l help
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from prune' -l all
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from prune' -l filter
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from prune' -l force
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from prune' -a '(orlop volume ls -q 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from remove' -l help
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from remove' -l force
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from remove' -a '(orlop volume ls -q 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from rm' -l help
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from rm' -l force
complete -c orlop -n '__fish_seen_subcommand_from volume ; and __fish_seen_subcommand_from rm' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
complete -c orlop -n '__fish_seen_subcommand_from wait' -l help
complete -c orlop -n '__fish_seen_subcommand_from wait' -a '(orlop ps -a --format "{{.Names}}" 2>/dev/null)'
