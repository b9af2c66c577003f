#!/bin/sh
# Makes a bench as a laboratory may have one, before roamproof comes: a device in a namespace of its
# own, and in the namespace `bench` the interface behind which it is. Then runs purposes.
#
# KIND is veth or tap (a bridge in user space stands between the TAP and the device), VLAN a number or
# empty, ROLE the device's, SPOIL a command that makes the bench unfit, ROAMPROOF the program. It runs
# in a mount, network and process namespace of its own, and nothing of it stays.
set -eu

cannot() { echo "$1" >&2; exit 77; }
command -v ip >/dev/null || cannot "there is no ip"
mount -t tmpfs tmpfs /run || cannot "nothing can be mounted"
mount -o remount,rw,bind /proc/sys 2>/dev/null || true
mkdir /run/netns /run/device

case $ROLE in
home-agent) mac=02:00:5e:10:0a:00 links='"home"' ;;
correspondent) mac=02:00:5e:10:0c:00 links='"correspondent"' ;;
sip-server) mac=02:00:5e:10:05:00 links='"server"' ;;
*) mac=02:00:5e:10:a1:00 links='"home", "visited-1", "visited-2"' ;;
esac
for name in bench device; do
    ip netns add $name
    ip netns exec $name sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
done
ip -n bench link add dev0 type veth peer name eth0 netns device address $mac
ip -n bench link set dev0 up
ip -n device link set eth0 up
interface=dev0
if [ "$KIND" = tap ]; then
    interface=tap0
    ip -n bench tuntap add tap0 mode tap
    ip -n bench link set tap0 up
    ip netns exec bench python3 "$SOURCE/bridge.py" tap0 dev0 $VLAN &
    # The TAP has a carrier once somebody holds it.
    while [ "$(ip netns exec bench cat /sys/class/net/tap0/carrier 2>/dev/null || echo 1)" = 0 ]; do :; done
fi

tell="'\"\$ROAMPROOF_PROGRAM\" node --tell /run/device/control"
cat >/run/device/device.toml <<END
[device]
name = "roamproof $ROLE behind a $KIND"
[attach]
mode = "interface"
namespace = "bench"
[[attach.interface]]
name = "$interface"
links = [$links]
mac = "$mac"
${VLAN:+vlan = $VLAN}
[roles]
plays = ["$ROLE"]
[triggers]
reset = '''
[ ! -e pid ] || kill -9 \$(cat pid)
rm -f control
ip netns exec device "\$ROAMPROOF_PROGRAM" node $ROLE --config "\$ROAMPROOF_CONFIG" --interface eth0=eth0 \\
    --control /run/device/control --epoch \$(date +%s%N) >>log 2>&1 </dev/null &
echo \$! >pid
'''
health = $tell ready'
call = $tell call "\$ROAMPROOF_CALLED"'
answer = $tell answer'
hangup = $tell hangup'
attach = $tell link eth0 down && "\$ROAMPROOF_PROGRAM" node --tell /run/device/control link eth0 up'
move = $tell link eth0 down && "\$ROAMPROOF_PROGRAM" node --tell /run/device/control link eth0 up'
END
eval "$SPOIL"
# As root of everything or of a namespace of one's own, what is named is found outside of the sandbox.
"$ROAMPROOF" run --format json --device /run/device/device.toml "$@"
