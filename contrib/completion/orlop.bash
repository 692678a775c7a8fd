# bash completion for orlop
_orlop() {
    local cur=${COMP_WORDS[COMP_CWORD]} cmd=${COMP_WORDS[1]} flags= kind=
    if [ $COMP_CWORD -eq 1 ]; then
        COMPREPLY=($(compgen -W 'attach bootstrap chainid commit completion container cp create diff events exec export help history image images import info inspect kill layers load login logout logs network overlay pause port ps pull push rename restart rm rmi run save search start stats stop system tag tags top unpause update version volume wait' -- "$cur")); return
    fi
    case " container image layers network overlay system volume " in *" $cmd "*)
        if [ $COMP_CWORD -eq 2 ]; then case $cmd in
            container) COMPREPLY=($(compgen -W 'attach commit cp create diff exec export inspect kill list logs ls pause port prune ps remove rename restart rm run start stats stop top unpause update wait' -- "$cur")) ;;
            image) COMPREPLY=($(compgen -W 'chainid history import inspect list load ls prune pull push remove rm rmi save tag verify' -- "$cur")) ;;
            layers) COMPREPLY=($(compgen -W 'show' -- "$cur")) ;;
            network) COMPREPLY=($(compgen -W 'connect create disconnect inspect list ls prune remove rm' -- "$cur")) ;;
            overlay) COMPREPLY=($(compgen -W 'demo' -- "$cur")) ;;
            system) COMPREPLY=($(compgen -W 'df dial-stdio events info prune' -- "$cur")) ;;
            volume) COMPREPLY=($(compgen -W 'create inspect list ls prune remove rm' -- "$cur")) ;;
        esac; return; fi
        cmd="$cmd ${COMP_WORDS[2]}" ;;
    esac
    case "$cmd" in
        'attach') flags='--help --detach-keys --no-stdin --sig-proxy' kind=container ;;
        'bootstrap') flags='--help' kind= ;;
        'chainid') flags='--help --all -a' kind=image ;;
        'commit') flags='--help --author -a --change -c --message -m --pause -p' kind=container ;;
        'completion') flags='--help' kind= ;;
        'container attach') flags='--help --detach-keys --no-stdin --sig-proxy' kind=container ;;
        'container commit') flags='--help --author -a --change -c --message -m --pause -p' kind=container ;;
        'container cp') flags='--help --archive -a --follow-link -L --quiet -q' kind=container ;;
        'container create') flags='--help --add-host --annotation --attach -a --blkio-weight --blkio-weight-device --cap-add --cap-drop --cgroup-parent --cgroupns --cidfile --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-shares -c --cpus --cpuset-cpus --cpuset-mems --device --device-cgroup-rule --device-read-bps --device-read-iops --device-write-bps --device-write-iops --disable-content-trust --dns --dns-option --dns-search --domainname --entrypoint --env -e --env-file --expose --gpus --group-add --health-cmd --health-interval --health-retries --health-start-interval --health-start-period --health-timeout --hostname -h --init --interactive -i --ip --ip6 --ipc --isolation --kernel-memory --label -l --label-file --link --link-local-ip --log-driver --log-opt --mac-address --memory -m --memory-reservation --memory-swap --memory-swappiness --mount --name --network --network-alias --no-healthcheck --oom-kill-disable --oom-score-adj --pid --pids-limit --platform --privileged --publish -p --publish-all -P --pull --quiet -q --read-only --restart --rm --runtime --security-opt --shm-size --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs --tty -t --ulimit --use-api-socket --user -u --userns --uts --volume -v --volume-driver --volumes-from --workdir -w --net --net-alias --dns-opt --cpu-count --cpu-percent --io-maxbandwidth --io-maxiops' kind=container ;;
        'container diff') flags='--help' kind=container ;;
        'container exec') flags='--help --detach -d --detach-keys --env -e --env-file --interactive -i --privileged --tty -t --user -u --workdir -w --kill-on-disconnect' kind=container ;;
        'container export') flags='--help --output -o' kind=container ;;
        'container inspect') flags='--help --format -f --size -s' kind=container ;;
        'container kill') flags='--help --signal -s' kind=container ;;
        'container list') flags='--help --all -a --filter -f --format --last -n --latest -l --no-trunc --quiet -q --size -s' kind=container ;;
        'container logs') flags='--help --details --follow -f --since --tail -n --timestamps -t --until' kind=container ;;
        'container ls') flags='--help --all -a --filter -f --format --last -n --latest -l --no-trunc --quiet -q --size -s' kind=container ;;
        'container pause') flags='--help' kind=container ;;
        'container port') flags='--help' kind=container ;;
        'container prune') flags='--help --filter --force -f' kind=container ;;
        'container ps') flags='--help --all -a --filter -f --format --last -n --latest -l --no-trunc --quiet -q --size -s' kind=container ;;
        'container remove') flags='--help --force -f --link -l --volumes -v' kind=container ;;
        'container rename') flags='--help' kind=container ;;
        'container restart') flags='--help --signal -s --timeout -t --time ----timeout --instead' kind=container ;;
        'container rm') flags='--help --force -f --link -l --volumes -v' kind=container ;;
        'container run') flags='--help --detach -d --detach-keys --sig-proxy --add-host --annotation --attach -a --blkio-weight --blkio-weight-device --cap-add --cap-drop --cgroup-parent --cgroupns --cidfile --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-shares -c --cpus --cpuset-cpus --cpuset-mems --device --device-cgroup-rule --device-read-bps --device-read-iops --device-write-bps --device-write-iops --disable-content-trust --dns --dns-option --dns-search --domainname --entrypoint --env -e --env-file --expose --gpus --group-add --health-cmd --health-interval --health-retries --health-start-interval --health-start-period --health-timeout --hostname -h --init --interactive -i --ip --ip6 --ipc --isolation --kernel-memory --label -l --label-file --link --link-local-ip --log-driver --log-opt --mac-address --memory -m --memory-reservation --memory-swap --memory-swappiness --mount --name --network --network-alias --no-healthcheck --oom-kill-disable --oom-score-adj --pid --pids-limit --platform --privileged --publish -p --publish-all -P --pull --quiet -q --read-only --restart --rm --runtime --security-opt --shm-size --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs --tty -t --ulimit --use-api-socket --user -u --userns --uts --volume -v --volume-driver --volumes-from --workdir -w --net --net-alias --dns-opt --cpu-count --cpu-percent --io-maxbandwidth --io-maxiops' kind=container ;;
        'container start') flags='--help --attach -a --detach-keys --interactive -i --checkpoint --checkpoint-dir' kind=container ;;
        'container stats') flags='--help --all -a --format --no-stream --no-trunc' kind=container ;;
        'container stop') flags='--help --signal -s --timeout -t --time ----timeout --instead' kind=container ;;
        'container top') flags='--help' kind=container ;;
        'container unpause') flags='--help' kind=container ;;
        'container update') flags='--help --blkio-weight --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-shares -c --cpus --cpuset-cpus --cpuset-mems --memory -m --memory-reservation --memory-swap --pids-limit --restart --kernel-memory' kind=container ;;
        'container wait') flags='--help' kind=container ;;
        'cp') flags='--help --archive -a --follow-link -L --quiet -q' kind=container ;;
        'create') flags='--help --add-host --annotation --attach -a --blkio-weight --blkio-weight-device --cap-add --cap-drop --cgroup-parent --cgroupns --cidfile --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-shares -c --cpus --cpuset-cpus --cpuset-mems --device --device-cgroup-rule --device-read-bps --device-read-iops --device-write-bps --device-write-iops --disable-content-trust --dns --dns-option --dns-search --domainname --entrypoint --env -e --env-file --expose --gpus --group-add --health-cmd --health-interval --health-retries --health-start-interval --health-start-period --health-timeout --hostname -h --init --interactive -i --ip --ip6 --ipc --isolation --kernel-memory --label -l --label-file --link --link-local-ip --log-driver --log-opt --mac-address --memory -m --memory-reservation --memory-swap --memory-swappiness --mount --name --network --network-alias --no-healthcheck --oom-kill-disable --oom-score-adj --pid --pids-limit --platform --privileged --publish -p --publish-all -P --pull --quiet -q --read-only --restart --rm --runtime --security-opt --shm-size --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs --tty -t --ulimit --use-api-socket --user -u --userns --uts --volume -v --volume-driver --volumes-from --workdir -w --net --net-alias --dns-opt --cpu-count --cpu-percent --io-maxbandwidth --io-maxiops' kind=image ;;
        'diff') flags='--help' kind=container ;;
        'events') flags='--help --filter -f --format --since --until' kind= ;;
        'exec') flags='--help --detach -d --detach-keys --env -e --env-file --interactive -i --privileged --tty -t --user -u --workdir -w --kill-on-disconnect' kind=container ;;
        'exec kill') flags='--help --signal -s' kind=container ;;
        'exec ls') flags='--help --no-trunc --quiet -q --format' kind= ;;
        'export') flags='--help --output -o' kind=container ;;
        'help') flags='--help --map' kind= ;;
        'history') flags='--help --format --human -H --no-trunc --platform --quiet -q' kind=image ;;
        'image chainid') flags='--help --all -a' kind=image ;;
        'image history') flags='--help --format --human -H --no-trunc --platform --quiet -q' kind=image ;;
        'image import') flags='--help --change -c --message -m --platform' kind=image ;;
        'image inspect') flags='--help --format -f --platform' kind=container ;;
        'image list') flags='--help --all -a --digests --filter -f --format --no-trunc --quiet -q --tree' kind=image ;;
        'image load') flags='--help --input -i --platform --quiet -q' kind=image ;;
        'image ls') flags='--help --all -a --digests --filter -f --format --no-trunc --quiet -q --tree' kind=image ;;
        'image prune') flags='--help --all -a --filter --force -f' kind=image ;;
        'image pull') flags='--help --all-tags -a --disable-content-trust --platform --quiet -q' kind=image ;;
        'image push') flags='--help --all-tags -a --disable-content-trust --platform --quiet -q' kind=image ;;
        'image remove') flags='--help --force -f --no-prune --platform' kind=image ;;
        'image rm') flags='--help --force -f --no-prune --platform' kind=container ;;
        'image rmi') flags='--help --force -f --no-prune --platform' kind=image ;;
        'image save') flags='--help --output -o --platform' kind=image ;;
        'image tag') flags='--help' kind=image ;;
        'image verify') flags='--help --all -a --quiet -q' kind=image ;;
        'images') flags='--help --all -a --digests --filter -f --format --no-trunc --quiet -q --tree' kind= ;;
        'import') flags='--help --change -c --message -m --platform' kind= ;;
        'info') flags='--help --format -f' kind= ;;
        'inspect') flags='--help --format -f --size -s --type' kind=container ;;
        'kill') flags='--help --signal -s' kind=container ;;
        'layers show') flags='--help --no-trunc --limit' kind= ;;
        'load') flags='--help --input -i --platform --quiet -q' kind= ;;
        'login') flags='--help --password -p --password-stdin --username -u' kind= ;;
        'logout') flags='--help' kind= ;;
        'logs') flags='--help --details --follow -f --since --tail -n --timestamps -t --until' kind=container ;;
        'network connect') flags='--help --alias --driver-opt --gw-priority --ip --ip6 --link --link-local-ip' kind=network ;;
        'network create') flags='--help --attachable --aux-address --config-from --config-only --driver -d --gateway --ingress --internal --ip-range --ipam-driver --ipam-opt --ipv4 --ipv6 --label --opt -o --scope --subnet' kind=image ;;
        'network disconnect') flags='--help --force -f' kind=network ;;
        'network inspect') flags='--help --format -f --verbose -v' kind=container ;;
        'network list') flags='--help --filter -f --format --no-trunc --quiet -q' kind=network ;;
        'network ls') flags='--help --filter -f --format --no-trunc --quiet -q' kind=network ;;
        'network prune') flags='--help --filter --force -f' kind=network ;;
        'network remove') flags='--help --force -f' kind=network ;;
        'network rm') flags='--help --force -f' kind=container ;;
        'overlay demo') flags='--help --keep --dir' kind= ;;
        'pause') flags='--help' kind=container ;;
        'port') flags='--help' kind=container ;;
        'ps') flags='--help --all -a --filter -f --format --last -n --latest -l --no-trunc --quiet -q --size -s' kind= ;;
        'pull') flags='--help --all-tags -a --disable-content-trust --platform --quiet -q' kind= ;;
        'push') flags='--help --all-tags -a --disable-content-trust --platform --quiet -q' kind=image ;;
        'rename') flags='--help' kind=container ;;
        'restart') flags='--help --signal -s --timeout -t --time ----timeout --instead' kind=container ;;
        'rm') flags='--help --force -f --link -l --volumes -v' kind=container ;;
        'rmi') flags='--help --force -f --no-prune --platform' kind=image ;;
        'run') flags='--help --detach -d --detach-keys --sig-proxy --add-host --annotation --attach -a --blkio-weight --blkio-weight-device --cap-add --cap-drop --cgroup-parent --cgroupns --cidfile --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-shares -c --cpus --cpuset-cpus --cpuset-mems --device --device-cgroup-rule --device-read-bps --device-read-iops --device-write-bps --device-write-iops --disable-content-trust --dns --dns-option --dns-search --domainname --entrypoint --env -e --env-file --expose --gpus --group-add --health-cmd --health-interval --health-retries --health-start-interval --health-start-period --health-timeout --hostname -h --init --interactive -i --ip --ip6 --ipc --isolation --kernel-memory --label -l --label-file --link --link-local-ip --log-driver --log-opt --mac-address --memory -m --memory-reservation --memory-swap --memory-swappiness --mount --name --network --network-alias --no-healthcheck --oom-kill-disable --oom-score-adj --pid --pids-limit --platform --privileged --publish -p --publish-all -P --pull --quiet -q --read-only --restart --rm --runtime --security-opt --shm-size --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs --tty -t --ulimit --use-api-socket --user -u --userns --uts --volume -v --volume-driver --volumes-from --workdir -w --net --net-alias --dns-opt --cpu-count --cpu-percent --io-maxbandwidth --io-maxiops' kind=image ;;
        'save') flags='--help --output -o --platform' kind=image ;;
        'search') flags='--help --filter -f --format --limit --no-trunc' kind= ;;
        'start') flags='--help --attach -a --detach-keys --interactive -i --checkpoint --checkpoint-dir' kind=container ;;
        'stats') flags='--help --all -a --format --no-stream --no-trunc' kind=container ;;
        'stop') flags='--help --signal -s --timeout -t --time ----timeout --instead' kind=container ;;
        'system df') flags='--help --format --verbose -v' kind= ;;
        'system dial-stdio') flags='--help' kind= ;;
        'system events') flags='--help --filter -f --format --since --until' kind= ;;
        'system info') flags='--help --format -f' kind= ;;
        'system prune') flags='--help --all -a --filter --force -f --volumes' kind= ;;
        'tag') flags='--help' kind=image ;;
        'tags') flags='--help --detail --limit --platform' kind= ;;
        'top') flags='--help' kind=container ;;
        'unpause') flags='--help' kind=container ;;
        'update') flags='--help --blkio-weight --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-shares -c --cpus --cpuset-cpus --cpuset-mems --memory -m --memory-reservation --memory-swap --pids-limit --restart --kernel-memory' kind=container ;;
        'version') flags='--help --format -f' kind= ;;
        'volume create') flags='--help --driver -d --label --opt -o' kind=image ;;
        'volume inspect') flags='--help --format -f' kind=container ;;
        'volume list') flags='--help --filter -f --format --quiet -q' kind=volume ;;
        'volume ls') flags='--help --filter -f --format --quiet -q' kind=volume ;;
        'volume prune') flags='--help --all -a --filter --force -f' kind=volume ;;
        'volume remove') flags='--help --force -f' kind=volume ;;
        'volume rm') flags='--help --force -f' kind=container ;;
        'wait') flags='--help' kind=container ;;
    esac
    case $cur in -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")); return ;; esac
    case $kind in
        container) COMPREPLY=($(compgen -W "$(orlop ps -a --format '{{.Names}}' 2>/dev/null)" -- "$cur")) ;;
        image) COMPREPLY=($(compgen -W "$(orlop images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null)" -- "$cur")) ;;
        volume) COMPREPLY=($(compgen -W "$(orlop volume ls -q 2>/dev/null)" -- "$cur")) ;;
        network) COMPREPLY=($(compgen -W "$(orlop network ls --format '{{.Name}}' 2>/dev/null)" -- "$cur")) ;;
        *) COMPREPLY=($(compgen -f -- "$cur")) ;;
    esac
}
complete -F _orlop orlop
